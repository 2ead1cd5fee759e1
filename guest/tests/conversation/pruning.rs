//! Old rows go, the newest stay, and what the host has not settled is never touched.

use std::{fs, time::Duration};

use rusqlite::{Connection, OpenFlags};
use schemas::session_dir::SessionDir;

use crate::desk::Desk;

const OLD: i64 = 50_000;

#[tokio::test(start_paused = true)]
async fn fifty_thousand_old_rows_are_out_of_the_way_soon() {
    let mut desk = Desk::open();
    desk.says("m1", "hello");
    desk.acked("m1", "completed").await;
    desk.stop_guest().await.unwrap();
    fill(&desk.dir, OLD);
    let full = fs::metadata(desk.dir.outbound_db()).unwrap().len();
    desk.start_guest();
    desk.says("m2", "still quick?");
    desk.acked("m2", "completed").await;
    // The newest of each, the few that nobody settled, and the two turns of this test.
    desk.until("pruned", |desk| counts(desk).iter().all(|left| *left <= 210)).await;
    desk.passes(Duration::from_secs(1)).await;
    let small = fs::metadata(desk.dir.outbound_db()).unwrap().len();
    assert!(small * 20 < full, "{small} of {full}");
    let open = "SELECT count(*) FROM messages_out WHERE id IN ('o3', 'o5')";
    assert_eq!(desk.query(open, |row| row.get::<_, i64>(0).unwrap()), [2], "not delivered yet");
    let acks = desk.acks();
    assert!(acks.contains_key("i7") && !acks.contains_key("i8"), "i7 is not folded yet");
    let highest = desk.answers().last().unwrap().seq;
    desk.says("m3", "and now?");
    desk.acked("m3", "completed").await;
    assert!(desk.answers().last().unwrap().seq > highest);
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_made_after_a_hundred_runs_and_when_it_is_quiet() {
    let mut desk = Desk::open();
    desk.says("m0", "hello");
    desk.acked("m0", "completed").await;
    desk.stop_guest().await.unwrap();
    desk.start_guest();
    desk.passes(Duration::from_secs(60)).await;
    fill(&desk.dir, 300);
    for n in 1..=100 {
        desk.says(&format!("m{n}"), "x");
        desk.acked(&format!("m{n}"), "completed").await;
    }
    desk.until("pruned", |desk| counts(desk)[0] <= 210).await;
}

fn counts(desk: &Desk) -> Vec<i64> {
    ["messages_out", "processing_ack", "runs", "attempts"]
        .iter()
        .flat_map(|table| {
            desk.query(&format!("SELECT count(*) FROM {table}"), |row| row.get(0).unwrap())
        })
        .collect()
}

/// Old turns as the two sides leave them: folded and delivered, half of the ledger in the
/// history already, two rows not delivered (`o3`, `o5`) and one not folded (`i7`).
fn fill(dir: &SessionDir, n: i64) {
    let count = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {n}) \
         SELECT n FROM n"
    );
    let inbound =
        Connection::open_with_flags(dir.inbound_db(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let words = "'x ' || hex(zeroblob(100))";
    inbound
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; BEGIN; \
             INSERT INTO messages_in (id, seq, kind, timestamp, status, content) \
             SELECT 'i' || n, 1000 + n * 2, 'chat', '2023-01-01T00:00:00.000Z', \
             iif(n = 7, 'pending', 'completed'), {words} FROM ({count}); \
             INSERT INTO delivered (message_out_id, status) \
             SELECT 'o' || n, 'delivered' FROM ({count}) WHERE n NOT IN (3, 5); COMMIT; \
             VACUUM INTO '{history}'; BEGIN; \
             DELETE FROM delivered WHERE rowid * 2 < (SELECT max(rowid) FROM delivered); COMMIT;",
            history = dir.history_db().display(),
        ))
        .unwrap();
    let outbound =
        Connection::open_with_flags(dir.outbound_db(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    outbound
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; BEGIN; \
             INSERT INTO messages_out (id, seq, in_reply_to, timestamp, kind, content) \
             SELECT 'o' || n, 1001 + n * 2, NULL, '2023-01-01T00:00:00.000Z', 'chat', \
             '{{\"text\":\"x\"}}' FROM ({count}); \
             INSERT INTO processing_ack (message_id, status, status_changed, run_id) \
             SELECT 'i' || n, 'completed', '2023-01-01T00:00:00.000Z', 'r' || n FROM ({count}); \
             INSERT INTO runs (run_id, status, message_ids, started_at, outcome) \
             SELECT 'r' || n, 'ended', '[]', '2023-01-01T00:00:00.000Z', 'completed' FROM ({count}); \
             INSERT INTO attempts (run_id, n, provider, status, started_at) \
             SELECT 'r' || n, 1, 'echo', 'completed', '2023-01-01T00:00:00.000Z' FROM ({count}); \
             COMMIT;"
        ))
        .unwrap();
}
