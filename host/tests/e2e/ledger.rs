//! What an agent wrote reaches the room once, whatever happens to the host and its books.

use std::{path::Path, time::Duration};

use host::{channels::ChannelError, requests::Request};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use schemas::{
    admin::{Accepted, RoomEvent, SendMessage},
    content::Attachment,
    host_side::{InboundTx, InboundWriter},
    ids::MessageId,
    message::{InboundStatus, Kind, NewInbound, Outcome},
    session_dir::SessionDir,
};

use crate::world::{World, address};

#[expect(clippy::disallowed_methods, reason = "a guest of another make opens it as it likes")]
fn opened(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// Rows as a guest of another make writes them, without an address: many, and some for later.
fn writes(dir: &SessionDir, rows: impl IntoIterator<Item = (String, Option<Timestamp>)>) {
    let mut conn = opened(&dir.outbound_db());
    let tx = conn.transaction().unwrap();
    let highest: i64 =
        tx.query_row("SELECT max(seq) FROM messages_out", [], |row| row.get(0)).unwrap();
    for (n, (text, deliver_after)) in (1..).zip(rows) {
        let content = serde_json::json!({ "text": text }).to_string();
        tx.execute(
            "INSERT INTO messages_out (id, seq, timestamp, deliver_after, kind, content) \
             VALUES (?1, ?2, ?3, ?4, 'chat', ?5)",
            params![
                format!("{text}-{}", highest + 2 * n),
                highest + 2 * n,
                schemas::time::format(Timestamp::UNIX_EPOCH),
                deliver_after.map(schemas::time::format),
                content
            ],
        )
        .unwrap();
    }
    tx.commit().unwrap();
}

/// Messages of the past, long answered.
fn has_done(dir: &SessionDir, messages: u32) {
    let done = |tx: &InboundTx<'_>| {
        for n in 0..messages {
            let id = MessageId::parse(&format!("past-{n}")).unwrap();
            let now = Timestamp::UNIX_EPOCH;
            tx.append(&NewInbound::new(id.clone(), Kind::Chat, now, "{}".to_owned()))?;
            tx.set_status(&[id], InboundStatus::Completed)?;
        }
        Ok(())
    };
    InboundWriter::new(dir.clone()).write(done).unwrap();
}

async fn at_rest_after_a_word(world: &mut World, agent: &str) -> Accepted {
    let sent = world.says(agent, "hello").await;
    world.next_reply(agent).await;
    world.until_state(agent, "asleep").await;
    sent
}

#[tokio::test(start_paused = true)]
async fn more_rows_than_one_look_takes_are_all_delivered_once_and_in_order() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = at_rest_after_a_word(world, "andy").await;
            writes(&world.dir_of(&sent), (0..1_200).map(|n| (format!("row {n}"), None)));
            // Somebody looks at the room, and the session's task with them; no guest writes more.
            let handle = world.handle();
            let past = handle.ask(|answer| Request::History(address("andy", None), 0, answer));
            let replies = async {
                for n in 0..1_200 {
                    assert_eq!(world.next_reply("andy").await, format!("row {n}"));
                }
            };
            let (past, ()) = tokio::join!(past, replies);
            let past = past.unwrap();
            assert_eq!((past.said.len(), past.whole), (host::limits::HISTORY_ROWS, false));
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_ledger_moved_to_its_history_is_not_delivered_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.passes(Duration::from_secs(1)).await;
            writes(&world.dir_of(&sent), (0..450).map(|n| (format!("row {n}"), None)));
            for n in 0..450 {
                assert_eq!(world.next_reply("andy").await, format!("row {n}"));
            }
            world.passes(Duration::from_secs(1)).await;
            // It dies before it could forget what it said.
            world.guest_is_gone().await;
            world.passes(Duration::from_secs(60)).await;
            world.says("andy", "and now?").await;
            assert_eq!(world.next_reply("andy").await, "You said: and now?");
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_for_later_waits_for_its_time_and_holds_nobody_up() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = at_rest_after_a_word(world, "andy").await;
            let at = world.now() + Duration::from_secs(2 * 3_600);
            let rows = [("later", Some(at)), ("now", None), ("later still", Some(at))];
            writes(&world.dir_of(&sent), rows.map(|(text, at)| (text.to_owned(), at)));
            world.says("andy", "go on").await;
            assert_eq!(world.next_reply("andy").await, "now");
            assert_eq!(world.next_reply("andy").await, "You said: go on");
            // The session falls asleep, and is woken for it.
            world.until_state("andy", "asleep").await;
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            assert_eq!(world.next_reply("andy").await, "later");
            assert_eq!(world.next_reply("andy").await, "later still");
            assert!(world.now() >= at);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_post_that_hangs_holds_up_its_own_thread_only() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.hangs();
            world.says_in("andy", "t1", "one").await;
            world.passes(Duration::from_secs(5)).await;
            world.platform.lets_new_posts_through();
            world.says_in("andy", "t2", "two").await;
            assert_eq!(world.next_reply_in("andy", "t2").await, "You said: two");
            let ended = world.next_outcome_in("andy", Some("t2")).await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Completed, .. }));
            world.platform.recovers();
            assert_eq!(world.next_reply_in("andy", "t1").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_never_answers_is_asked_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.posts_into_nothing("andy", "one").await;
            world.platform.lets_new_posts_through();
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_of_unknown_fate_is_not_repeated_either() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.platform.cannot_be_asked();
            world.platform.fails([ChannelError::Retry("500".to_owned())]);
            world.says("andy", "one").await;
            world.passes(Duration::from_secs(2)).await;
            world.platform.hangs();
            // The second attempt is under way when the host dies.
            world.passes(Duration::from_secs(10)).await;
            world.crash_host().await;
            world.platform.recovers();
            world.start_host().await;
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            assert!(world.errors().iter().any(|line| line.contains("nobody knows")));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_names_an_absurd_pause_is_asked_within_the_hour() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([ChannelError::RateLimited(u64::MAX)]);
            world.says("andy", "one").await;
            world.expect_silence("andy", Duration::from_secs(1_800)).await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_row_the_guest_took_away_is_closed_and_keeps_nobody_awake() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.platform.fails([ChannelError::Down("gone".to_owned())]);
            let sent = world.says("andy", "one").await;
            world.passes(Duration::from_secs(2)).await;
            world.guest_is_gone().await;
            let conn = opened(&world.dir_of(&sent).outbound_db());
            conn.execute("DELETE FROM messages_out", []).unwrap();
            drop(conn);
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            let conn = opened(&world.dir_of(&sent).inbound_db());
            let open: i64 = conn
                .query_row("SELECT count(*) FROM delivered WHERE status = 'sending'", [], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(open, 0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn attachments_outlive_the_move_of_their_rows_to_the_history() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let file = Attachment {
                name: Some("a.txt".to_owned()),
                data: Some("aGk=".to_owned()),
                ..Attachment::default()
            };
            let with_file = SendMessage {
                text: "keep this".to_owned(),
                attachments: vec![file],
                ..SendMessage::default()
            };
            let sent = world.send("andy", with_file).await.unwrap();
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            has_done(&world.dir_of(&sent), 210);
            for _ in 0..2 {
                // Asleep again, its oldest rows have moved; the host that starts sweeps.
                world.says("andy", "more\n!slow 5000").await;
                world.crash_host().await;
                world.start_host().await;
                world.next_reply("andy").await;
                world.until_state("andy", "asleep").await;
            }
            assert_eq!(std::fs::read_dir(world.dir_of(&sent).inbox()).unwrap().count(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_down_at_once_is_told_once_it_is() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "!slow 2000\n!fail final no such model").await;
            world.passes(Duration::from_secs(1)).await;
            // Somebody writes and does not come to an end: no commit of the host goes through.
            let conn = opened(&world.dir_of(&sent).inbound_db());
            conn.execute_batch("BEGIN IMMEDIATE").unwrap();
            world.passes(Duration::from_secs(4)).await;
            let hello = SendMessage { text: "hello".to_owned(), ..SendMessage::default() };
            world.send("andy", hello).await.unwrap_err();
            conn.execute_batch("ROLLBACK").unwrap();
            let notice = loop {
                let notice = world.next_notice("andy").await;
                if !notice.contains("lock") {
                    break notice;
                }
            };
            assert_eq!(notice, "I could not answer: no such model");
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Failed, .. }));
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            assert_eq!(world.runs(sent.session_id.as_str()).await.len(), 1);
        })
        .await;
}
