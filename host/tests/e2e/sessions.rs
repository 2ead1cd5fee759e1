//! Which session a message belongs to, and how a session sleeps and wakes.

use std::time::Duration;

use host::limits;
use schemas::admin::NewAgent;
use schemas::message::Outcome;
use schemas::policy::SessionMode;

use crate::world::{World, plain};

fn threaded(name: &str, session_mode: SessionMode) -> NewAgent {
    NewAgent { name: name.to_owned(), session_mode, ..plain() }
}

#[tokio::test(start_paused = true)]
async fn two_agents_answer_side_by_side_each_in_its_room() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            let to_andy = world.says("andy", "for andy").await;
            let to_betty = world.says("betty", "for betty").await;
            assert_ne!(to_andy.session_id, to_betty.session_id);
            assert_eq!(world.next_reply("andy").await, "You said: for andy");
            assert_eq!(world.next_reply("betty").await, "You said: for betty");
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn per_thread_sessions_keep_threads_apart() {
    World::new()
        .agent_with(threaded("andy", SessionMode::PerThread))
        .run(async |world| {
            let one = world.says_in("andy", "t1", "one").await;
            let two = world.says_in("andy", "t2", "two").await;
            assert_ne!(one.session_id, two.session_id);
            assert_eq!(world.next_reply_in("andy", "t1").await, "You said: one");
            assert_eq!(world.next_reply_in("andy", "t2").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_session_answers_each_thread_where_it_asked() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let one = world.says_in("andy", "t1", "one").await;
            let two = world.says_in("andy", "t2", "two").await;
            assert_eq!(one.session_id, two.session_id);
            assert_eq!(world.next_reply_in("andy", "t2").await, "You said: two");
            assert_eq!(world.next_reply_in("andy", "t1").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_shared_session_is_one_over_all_threads() {
    World::new()
        .agent_with(threaded("andy", SessionMode::AgentShared))
        .run(async |world| {
            let one = world.says_in("andy", "t1", "one").await;
            let two = world.says("andy", "two").await;
            assert_eq!(one.session_id, two.session_id);
            assert_eq!(world.next_reply_in("andy", "t1").await, "You said: one");
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_sleeps_wakes_and_sleeps_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            for n in 1..=2 {
                world.says("andy", "hello").await;
                world.next_reply("andy").await;
                assert_eq!(world.until_state("andy", "awake").await.state, "awake");
                world.until_state("andy", "asleep").await;
                assert_eq!((world.yard.started(), world.yard.running()), (n, 0));
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_goes_on_in_its_session_after_a_restart() {
    World::new()
        .agent_with(threaded("andy", SessionMode::PerThread))
        .run(async |world| {
            let before = world.says_in("andy", "t1", "one").await;
            world.next_reply_in("andy", "t1").await;
            world.stop_host().await;
            world.start_host().await;
            let after = world.says_in("andy", "t1", "two").await;
            assert_eq!(before.session_id, after.session_id);
            assert_eq!(world.next_reply_in("andy", "t1").await, "You said: two");
            let elsewhere = world.says_in("andy", "t2", "three").await;
            assert_ne!(before.session_id, elsewhere.session_id);
            assert_eq!(world.next_reply_in("andy", "t2").await, "You said: three");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_is_open_or_ended_and_says_how() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.next_outcome("andy").await;
            world.says("andy", "!fail final no such model").await;
            world.next_outcome("andy").await;
            let runs = world.runs(sent.session_id.as_str()).await;
            let ends: Vec<_> = runs.iter().map(|run| run.outcome.unwrap()).collect();
            assert_eq!(ends, [Outcome::Failed, Outcome::Completed]);
            assert_eq!(runs[1].message_ids, [sent.message_id]);
            assert_eq!(runs[0].reason.as_deref(), Some("no such model"));
            assert!(runs.iter().all(|run| run.ended_at.is_some_and(|end| end >= run.started_at)));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_at_work_is_never_idle() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!tool 1500000 1800000").await;
            assert_eq!(world.next_reply("andy").await, "You said: ");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_marks_its_session_active() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            let first = world.until_state("andy", "awake").await.last_active;
            world.passes(Duration::from_secs(60)).await;
            world.says("andy", "two").await;
            world.next_reply("andy").await;
            let second = world.until_state("andy", "awake").await.last_active;
            assert!(second > first, "{first:?} {second:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn idling_and_stopping_are_no_activity() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.passes(Duration::from_secs(5)).await;
            let awake = world.until_state("andy", "awake").await.last_active;
            world.passes(limits::IDLE_TIMEOUT + Duration::from_secs(60)).await;
            let asleep = world.until_state("andy", "asleep").await.last_active;
            assert_eq!(awake, asleep);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_session_has_its_row_before_its_folder() {
    World::new()
        .agent("andy")
        .run(async |world| {
            // A host that died between the two leaves the row alone.
            let first = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            let dir = world.dir_of(&first);
            world.stop_host().await;
            std::fs::remove_dir_all(dir.root()).unwrap();
            world.start_host().await;
            let second = world.says("andy", "two").await;
            assert_eq!(first.session_id, second.session_id);
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_without_its_folder_is_repaired_by_the_next_message() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let first = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            std::fs::remove_dir_all(world.dir_of(&first).root()).unwrap();
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_moves_a_file_time_and_no_row() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!slow 20000").await;
            let dir = world.dir_of(&sent);
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, schemas::admin::RoomEvent::Typing { on: true, .. }));
            // By now the lazy row of the run is written, and nothing else is until the end.
            world.passes(Duration::from_secs(4)).await;
            let (beat, rows) =
                (modified(&dir.heartbeat()), std::fs::read(dir.outbound_db()).unwrap());
            world.passes(Duration::from_secs(6)).await;
            assert!(modified(&dir.heartbeat()) > beat);
            assert_eq!(std::fs::read(dir.outbound_db()).unwrap(), rows);
            world.next_reply("andy").await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_sleeps_moves_its_finished_rows_too() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let mut sent = None;
            for n in 0..450 {
                sent = Some(world.says("andy", &n.to_string()).await);
                world.next_reply("andy").await;
            }
            world.passes(Duration::from_secs(120)).await;
            let dir = world.dir_of(&sent.unwrap());
            assert!(dir.history_db().exists());
            assert_eq!(world.until_state("andy", "awake").await.state, "awake");
            world.says("andy", "and on").await;
            assert_eq!(world.next_reply("andy").await, "You said: and on");
        })
        .await;
}

fn modified(path: &std::path::Path) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}
