//! What happens to messages that go well.

use std::{fs, time::Duration};

use schemas::{ids::InboxId, message::Kind};

use crate::desk::Desk;

#[tokio::test(start_paused = true)]
async fn a_message_is_answered_and_completed_in_one_transaction() {
    let mut desk = Desk::open();
    desk.says("m1", "hello");
    // The harness checks after each commit that no reply stands without its completion.
    desk.acked("m1", "completed").await;
    let answers = desk.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].text, "You said: hello");
    assert_eq!(answers[0].to.as_deref(), Some("m1"));
    assert_eq!(answers[0].room.as_deref(), Some("desk"));
    assert_eq!(answers[0].seq, 3);
    assert_eq!(desk.runs(), ["ended completed -"]);
    let attempts = desk.query("SELECT provider || ' ' || status FROM attempts", |row| {
        row.get::<_, String>(0).unwrap()
    });
    assert_eq!(attempts, ["echo completed"]);
    desk.stop_guest().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_rows_of_one_room_and_the_oldest_room_comes_first() {
    let mut desk = Desk::new();
    let rows = [("m1", "a"), ("m2", "b"), ("m3", "a")].map(|(id, room)| desk.row(id, room, id));
    desk.write(|tx| rows.iter().try_for_each(|row| tx.append(row).map(drop)));
    desk.start_guest();
    desk.acked("m2", "completed").await;
    assert_eq!(desk.batches(), [r#"["m1","m3"]"#, r#"["m2"]"#]);
    let rooms: Vec<_> = desk.answers().into_iter().map(|a| a.room.unwrap()).collect();
    assert_eq!(rooms, ["a", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_bounded_and_a_solo_row_has_its_own() {
    let mut desk = Desk::new();
    let mut rows: Vec<_> = (1..=12).map(|n| desk.row(&format!("m{n}"), "a", "x")).collect();
    let mut solo = desk.row("alone", "a", "x");
    solo.solo = true;
    rows.push(solo);
    desk.write(|tx| rows.iter().try_for_each(|row| tx.append(row).map(drop)));
    desk.start_guest();
    desk.acked("alone", "completed").await;
    let sizes: Vec<_> = desk.batches().iter().map(|ids| ids.matches("\",\"").count() + 1).collect();
    assert_eq!(sizes, [10, 2, 1]);
    assert_eq!(desk.answers().len(), 13);
}

#[tokio::test(start_paused = true)]
async fn context_rides_along_with_the_next_trigger_and_is_completed_with_it() {
    let desk = Desk::open();
    for id in ["c1", "c2"] {
        let mut row = desk.row(id, "desk", "chatter");
        row.trigger = false;
        desk.write(|tx| tx.append(&row));
    }
    desk.passes(Duration::from_secs(5)).await;
    assert!(desk.acks().is_empty(), "context alone wakes nobody");
    desk.says("m1", "well?");
    desk.acked("m1", "completed").await;
    assert_eq!(desk.texts(), ["You said: well?\ncontext: 2 messages"]);
    assert!(desk.acks().values().all(|ack| ack == "completed"));
    assert_eq!(desk.acks().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_on_wake_row_is_told_to_the_next_container_only() {
    let mut desk = Desk::new();
    let restarted = |desk: &Desk, id: &str| {
        let mut row = desk.row(id, "other room", "you were restarted");
        row.on_wake = true;
        desk.write(|tx| tx.append(&row));
    };
    desk.says("m1", "first");
    restarted(&desk, "w1");
    desk.start_guest();
    // The other room's batch comes first, and yet the row counts as seen by the first read.
    desk.acked("w1", "completed").await;
    restarted(&desk, "w2");
    desk.says("m2", "second");
    desk.acked("m2", "completed").await;
    assert!(!desk.acks().contains_key("w2"));
    desk.stop_guest().await.unwrap();
    desk.start_guest();
    desk.acked("w2", "completed").await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_waits_for_its_time_is_answered_then() {
    let desk = Desk::open();
    let mut row = desk.row("later", "desk", "tea");
    row.process_after = Some(desk.now() + Duration::from_secs(3600));
    desk.write(|tx| tx.append(&row));
    desk.passes(Duration::from_secs(3590)).await;
    assert!(desk.acks().is_empty());
    desk.passes(Duration::from_secs(20)).await;
    desk.acked("later", "completed").await;
}

#[tokio::test(start_paused = true)]
async fn files_come_in_and_go_out() {
    let desk = Desk::open();
    let inbox = InboxId::mint(desk.now());
    let folder = desk.dir.inbox_of(&inbox);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("plan.txt"), "a plan").unwrap();
    let mut row = desk.row("m1", "desk", "");
    row.content = serde_json::json!({
        "text": "look\n!return\n!file more.txt some words",
        "attachments": [
            {"name": "plan.txt", "size": 6, "localPath": format!("inbox/{inbox}/plan.txt")},
            {"name": "bad.bin", "error": "not base64"},
            {"name": "sly", "size": 1, "localPath": "inbox/../inbound.db"},
        ],
    })
    .to_string();
    row.inbox = Some(inbox);
    desk.write(|tx| tx.append(&row));
    desk.acked("m1", "completed").await;
    let answer = &desk.answers()[0];
    assert_eq!(
        answer.text,
        "You said: look\nattachment: plan.txt (6 bytes)\nattachment: bad.bin (not base64)\n\
         attachment: sly (1 bytes)"
    );
    assert_eq!(answer.files, ["plan.txt", "more.txt"]);
    let out = desk.dir.outbox_of(&desk.id(&answer.id)).unwrap();
    assert_eq!(fs::read(out.join("plan.txt")).unwrap(), b"a plan");
    assert_eq!(fs::read(out.join("more.txt")).unwrap(), b"some words");
}

#[tokio::test(start_paused = true)]
async fn a_chosen_silence_completes_and_pieces_become_one_reply() {
    let desk = Desk::open();
    desk.says("m1", "!silent");
    desk.acked("m1", "completed").await;
    assert!(desk.answers().is_empty());
    desk.says("m2", "in pieces\n!stream 200");
    desk.acked("m2", "completed").await;
    assert_eq!(desk.texts(), ["You said: in pieces"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_during_a_turn_is_answered_after_it() {
    let desk = Desk::open();
    desk.says("m1", "one\n!slow 20000");
    desk.acked("m1", "processing").await;
    desk.says("m2", "two");
    desk.acked("m2", "completed").await;
    assert_eq!(desk.texts(), ["You said: one", "You said: two"]);
}

#[tokio::test(start_paused = true)]
async fn other_kinds_are_answered_and_what_cannot_be_read_fails_alone() {
    let desk = Desk::open();
    let mut task = desk.row("task", "desk", "");
    task.kind = Kind::Task;
    task.content = r#"{"prompt":"water the plants"}"#.to_owned();
    let mut bad = desk.row("bad", "desk", "");
    bad.content = "null".to_owned();
    desk.write(|tx| [task, bad].iter().try_for_each(|row| tx.append(row).map(drop)));
    desk.acked("task", "completed").await;
    assert_eq!(desk.texts(), ["You said: water the plants"]);
    assert_eq!(desk.acks()["bad"], "failed");
    let why = desk.query("SELECT error FROM processing_ack WHERE error IS NOT NULL", |row| {
        row.get::<_, String>(0).unwrap()
    });
    assert_eq!(why, ["content must be an object or a text, it is null"]);
}
