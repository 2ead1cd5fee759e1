//! What happens when something is taken back, fails, ends or dies.

use std::{fs, time::Duration};

use guest::GuestErrorKind;
use rusqlite::{Connection, OpenFlags};
use schemas::{host_side::InboundWriter, message::InboundStatus};

use crate::desk::Desk;

#[tokio::test(start_paused = true)]
async fn a_row_cancelled_between_claim_and_work_is_left_out() {
    let mut desk = Desk::new();
    desk.says("m1", "keep");
    desk.says("m2", "take back");
    let (dir, id) = (desk.dir.clone(), desk.id("m2"));
    desk.at_commit(move || {
        let claimed = Desk::acked_in(&dir, "m2", "processing");
        if claimed {
            let status = InboundStatus::Cancelled;
            let id = [id.clone()];
            InboundWriter::new(dir.clone()).write(|tx| tx.set_status(&id, status)).unwrap();
        }
        claimed
    });
    desk.start_guest();
    desk.acked("m1", "completed").await;
    assert_eq!(desk.acks()["m2"], "cancelled");
    assert_eq!(desk.texts(), ["You said: keep"]);
    assert_eq!(desk.batches(), [r#"["m1"]"#]);
}

#[tokio::test(start_paused = true)]
async fn a_row_edited_or_paused_between_claim_and_work_is_read_again() {
    let mut desk = Desk::new();
    desk.says("m1", "old words");
    desk.says("m2", "hold on");
    let dir = desk.dir.clone();
    desk.at_commit(move || {
        let claimed = Desk::acked_in(&dir, "m2", "processing");
        if claimed {
            let conn =
                Connection::open_with_flags(dir.inbound_db(), OpenFlags::SQLITE_OPEN_READ_WRITE);
            let sql = "UPDATE messages_in SET content = 'new words' WHERE id = 'm1'; \
                       UPDATE messages_in SET status = 'paused' WHERE id = 'm2';";
            conn.unwrap().execute_batch(sql).unwrap();
        }
        claimed
    });
    desk.start_guest();
    desk.acked("m1", "completed").await;
    assert_eq!(desk.texts(), ["You said: new words"]);
    assert!(!desk.acks().contains_key("m2"), "a paused row is not claimed");
    desk.set_status("m2", InboundStatus::Pending);
    desk.acked("m2", "completed").await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_acked_with_its_words_and_nothing_is_said() {
    let desk = Desk::open();
    desk.says("m1", "!fail final no such luck");
    desk.acked("m1", "failed").await;
    desk.says("m2", "!fail retry busy now");
    desk.acked("m2", "retry").await;
    assert!(desk.answers().is_empty());
    assert_eq!(desk.runs(), ["ended failed echo_told_to_fail", "ended failed echo_told_to_fail"]);
    // A retry is the host raising `tries`.
    let ids = [desk.id("m2")];
    desk.write(|tx| tx.retry(&ids, desk.now()));
    desk.until("a third run", |desk| desk.runs().len() == 3).await;
    desk.acked("m2", "retry").await;
    let tries = desk.query("SELECT tries FROM processing_ack WHERE message_id = 'm2'", |row| {
        row.get::<_, i64>(0).unwrap()
    });
    assert_eq!(tries, [1]);
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_while_a_claim_is_held_and_never_while_idle() {
    let desk = Desk::open();
    let age = |desk: &Desk| {
        let modified = fs::metadata(desk.dir.heartbeat()).unwrap().modified().unwrap();
        let at = jiff::Timestamp::try_from(modified).unwrap();
        desk.now().duration_since(at).as_millis()
    };
    desk.passes(Duration::from_secs(10)).await;
    assert!(!desk.dir.heartbeat().exists(), "idle");
    desk.says("m1", "!slow 60000");
    desk.acked("m1", "processing").await;
    assert!(age(&desk) <= 100);
    for _ in 0..25 {
        desk.passes(Duration::from_secs(2)).await;
        assert!(age(&desk) <= 2_000, "{}", age(&desk));
    }
    desk.acked("m1", "completed").await;
    desk.passes(Duration::from_secs(20)).await;
    assert!(age(&desk) >= 19_000, "idle again");
}

#[tokio::test(start_paused = true)]
async fn the_run_row_comes_after_a_second_or_with_the_first_wake() {
    let desk = Desk::open();
    desk.says("m1", "!slow 60000");
    desk.acked("m1", "processing").await;
    desk.passes(Duration::from_millis(500)).await;
    assert!(desk.runs().is_empty(), "a commit saved on the way of a quick turn");
    desk.passes(Duration::from_millis(600)).await;
    assert_eq!(desk.runs(), ["running - -"]);
    desk.acked("m1", "completed").await;
    desk.says("m2", "!slow 60000");
    desk.acked("m2", "processing").await;
    desk.write(|_| Ok(()));
    desk.passes(Duration::from_millis(1)).await;
    assert_eq!(desk.runs(), ["ended completed -", "running - -"]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_asked_to_end_gives_its_rows_back_and_leaves_nothing_half_written() {
    let mut desk = Desk::open();
    desk.says("m1", "!file a.txt words\n!slow 60000");
    desk.acked("m1", "processing").await;
    desk.passes(Duration::from_secs(5)).await;
    desk.stop_guest().await.unwrap();
    assert!(desk.acks().is_empty() && desk.answers().is_empty());
    assert!(!desk.dir.outbox().exists());
    assert_eq!(desk.runs(), ["ended interrupted -"]);
    desk.start_guest();
    desk.acked("m1", "completed").await;
    assert_eq!(desk.answers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_killed_guests_claim_is_taken_over_by_the_next() {
    let mut desk = Desk::open();
    desk.says("m1", "still here?\n!slow 60000");
    desk.acked("m1", "processing").await;
    desk.passes(Duration::from_secs(5)).await;
    desk.kill_guest().await;
    assert_eq!(desk.acks()["m1"], "processing");
    desk.start_guest();
    desk.acked("m1", "completed").await;
    assert_eq!(desk.texts(), ["You said: still here?"]);
    assert_eq!(desk.runs(), ["ended interrupted -", "ended completed -"]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_ends_the_process_leaves_the_claim_as_a_crash_does() {
    let mut desk = Desk::open();
    desk.says("m1", "!exit 9");
    let error = desk.guest_ends().await.unwrap_err();
    assert_eq!((error.kind, error.exit_code()), (GuestErrorKind::Exit(9), 9));
    assert_eq!(desk.acks()["m1"], "processing");
    assert!(desk.answers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_refuses_for_a_while_costs_no_reply() {
    let mut desk = Desk::open();
    desk.says("m1", "patience\n!slow 3000");
    desk.acked("m1", "processing").await;
    let away = desk.dir.root().join("away");
    fs::rename(desk.dir.out_dir(), &away).unwrap();
    desk.passes(Duration::from_secs(20)).await;
    fs::rename(&away, desk.dir.out_dir()).unwrap();
    desk.acked("m1", "completed").await;
    assert_eq!(desk.texts(), ["You said: patience"]);
    // One that refuses for good ends the guest with a code that says so.
    desk.says("m2", "more patience\n!slow 3000");
    desk.acked("m2", "processing").await;
    fs::rename(desk.dir.out_dir(), &away).unwrap();
    assert_eq!(desk.guest_ends().await.unwrap_err().exit_code(), 74);
}

#[tokio::test(start_paused = true)]
async fn a_hot_inbound_journal_means_again_later() {
    let mut desk = Desk::new();
    desk.says("m1", "hello");
    desk.write(|tx| {
        (0..200).try_for_each(|n| {
            let mut row = desk.row(&format!("c{n}"), "elsewhere", &"x".repeat(2000));
            row.trigger = false;
            tx.append(&row).map(drop)
        })
    });
    heat(&desk);
    desk.start_guest();
    desk.passes(Duration::from_secs(300)).await;
    assert!(desk.acks().is_empty());
    // The host's next look rolls back.
    let unsettled = desk.write(|tx| Ok(tx.unsettled()?.len()));
    assert_eq!(unsettled, 201);
    desk.acked("m1", "completed").await;
    assert_eq!(desk.texts(), ["You said: hello"]);
}

/// Leaves the inbox as a host does that died in the middle of a commit.
fn heat(desk: &Desk) {
    let path = desk.dir.inbound_db();
    let journal = path.with_extension("db-journal");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let conn = Connection::open_with_flags(&path, flags).unwrap();
    // A cache this small spills into the file before the commit.
    conn.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE messages_in SET content = 'lost';")
        .unwrap();
    let files = [path, journal].map(|path| (fs::read(&path).unwrap(), path));
    conn.execute_batch("ROLLBACK").unwrap();
    drop(conn);
    files.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
}
