//! Rows of a guest's whose times, ids and words nobody means.

use std::time::Duration;

use schemas::{message::Kind, session_dir::SessionDir};

use super::{
    attacks::tampered,
    files::writes,
    folder::{SECRET, untouched},
};
use crate::world::World;

const MINUTE: Duration = Duration::from_secs(60);

/// Rows of the guest's own hand, as SQL values of these columns.
fn inserts(dir: &SessionDir, rows: &str) {
    tampered(dir, |db| {
        db.execute_batch(&format!(
            "INSERT INTO messages_out (id, seq, timestamp, deliver_after, recurrence, kind, \
             content) VALUES {rows}"
        ))
        .unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn a_time_that_nobody_lives_to_see_waits_and_one_long_past_comes_once() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.yard.freeze_the_one();
            inserts(
                &world.dir_of(&sent),
                "('far', 1001, 't', '9999-12-30T21:59:59Z', '* * * * *', 'chat', 'far'), \
                 ('never', 1003, 't', '9999-12-31T23:59:59Z', NULL, 'chat', 'never'), \
                 ('past', 1005, 't', '0000-01-01T00:00:00Z', '* * * * *', 'chat', 'past'), \
                 ('now', 1007, 't', NULL, '* * * * *', 'chat', 'now')",
            );
            assert_eq!(world.next_reply("andy").await, "past");
            assert_eq!(world.next_reply("andy").await, "now");
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            world.says("betty", "and you?").await;
            assert_eq!(world.next_reply("betty").await, "You said: and you?");
            world.cli(&format!("sessions reset {}", sent.session_id)).await;
            world.says("andy", "and now?").await;
            assert!(world.next_reply("andy").await.starts_with("You said: and now?"));
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_a_path_and_json_ten_thousand_deep_are_only_words() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.yard.freeze_the_one();
            let (outside, dir) = (world.outside(SECRET), world.dir_of(&sent));
            let deep = "[".repeat(10_000);
            for id in ["../../../outside/precious", "/etc/passwd", "a/b", "..", "con:aux"] {
                let named = format!(r#"{{"text":"{id}","files":["precious","a.txt"]}}"#);
                writes(&dir, id, Kind::Chat, &named);
                writes(&dir, &format!("{id}/deep"), Kind::Chat, &deep);
                assert_eq!(world.next_reply("andy").await, id);
                assert_eq!(world.next_reply("andy").await, deep);
            }
            writes(&dir, "action", Kind::System, &format!(r#"{{"action":{deep}"#));
            writes(&dir, "last", Kind::Chat, "last");
            assert_eq!(world.next_reply("andy").await, "last");
            world.says("betty", "and you?").await;
            assert_eq!(world.next_reply("betty").await, "You said: and you?");
            untouched(world, &outside);
            world.cli(&format!("sessions reset {}", sent.session_id)).await;
            world.says("andy", "and now?").await;
            while !world.next_reply("andy").await.contains("You said: and now?") {}
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_with_an_approvals_id_is_a_question_and_changes_nothing_on_the_approval() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says_at("slack C9 alice: @andy hello").await;
            let waits = world.the_approval().await;
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.yard.freeze_the_one();
            let id = &waits.id;
            let asks = format!(
                r#"{{"type":"ask_question","questionId":"{id}","question":"Well?","options":[{{"label":"approve","value":"approve"}}]}}"#
            );
            writes(&world.dir_of(&sent), id.as_str(), Kind::ChatSdk, &asks);
            assert!(world.next_reply("andy").await.contains("Well?"));
            world.says("andy", "approve").await;
            // The question is answered, and nothing else.
            assert_eq!(world.cli("questions list").await.lines().count(), 1);
            let question = world.cli(&format!("questions answer {id} approve")).await;
            assert!(question.starts_with("error: no question"), "{question}");
            assert_eq!(world.the_approval().await, waits);
            world.cli(&format!("sessions reset {}", sent.session_id)).await;
            world.says("andy", "and now?").await;
            while !world.next_reply("andy").await.contains("and now?") {}
        })
        .await;
}

/// A guest that hangs, and whatever these rows are in its file.
async fn hangs_with(world: &mut World, rows: &str) -> String {
    let sent = world.says("andy", "hello").await;
    world.next_reply("andy").await;
    world.yard.freeze_the_one();
    inserts(&world.dir_of(&sent), rows);
    sent.session_id.to_string()
}

/// Rows of one kind, from one number up.
fn many(count: usize, from: usize, rest: &str) -> String {
    let row = |n: usize| format!("('r{n}', {}, 't', {rest})", from + 2 * n);
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_fills_its_queue_with_what_is_for_later_still_says_what_is_for_now() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let later = many(3_000, 1_001, "'2999-01-01T00:00:00Z', NULL, 'chat', 'later'");
            let now = "('now', 9001, 't', NULL, NULL, 'chat', 'now')";
            let session = hangs_with(world, &format!("{later}, {now}")).await;
            assert_eq!(world.next_reply("andy").await, "now");
            world.passes(2 * MINUTE).await;
            let told = world.came_into(&session).join("\n");
            let most = host::limits::channel::LATER_POSTS;
            assert!(told.contains(&format!("{most} messages wait for their time")), "{told}");
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            // It slept meanwhile. A fresh start knows them all, and says nothing again.
            world.until_state("andy", "asleep").await;
            let before = world.came_into(&session).len();
            world.says("andy", "and now?").await;
            assert!(world.next_reply("andy").await.starts_with("You said: and now?"));
            assert_eq!(world.came_into(&session).len(), before + 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_rows_that_nobody_can_use_is_so_many_notes_and_a_count() {
    let most = host::limits::action::NOTES;
    for rest in ["NULL, NULL, 'task', 'x'", "NULL, NULL, 'rumour', 'x'"] {
        World::new()
            .agent("andy")
            .run(async |world| {
                let session = hangs_with(world, &many(400, 1_001, rest)).await;
                world.passes(2 * MINUTE).await;
                let told = world.came_into(&session);
                assert_eq!(told.len(), 1 + most + 2, "{told:?}");
                assert!(told[most + 1].contains("is only counted"), "{told:?}");
                let more = format!("{} more of what was written", 400 - most - 1);
                assert!(told[most + 2].contains(&more), "{told:?}");
                world.guest_is_gone().await;
                world.says("andy", "and now?").await;
                assert!(world.next_reply("andy").await.starts_with("You said: and now?"));
                world.passes(2 * MINUTE).await;
                assert_eq!(world.came_into(&session).len(), told.len() + 1);
            })
            .await;
    }
}
