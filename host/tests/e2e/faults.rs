//! What dies, and what must not be lost or doubled by it.

use std::{fs, time::Duration};

use host::{engine::EngineErrorKind, error::ErrorKind};
use jiff::SignedDuration;
use schemas::{admin::RoomEvent, message::Outcome};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_host_that_dies_in_the_middle_loses_nothing_and_says_nothing_twice() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let mut session = String::new();
            for round in 0..10 {
                for n in 0..3 {
                    let said = world.says("andy", &format!("{round}.{n}")).await;
                    session = said.session_id.to_string();
                }
                // Each round it dies at another point of the three messages' lives.
                for _ in 0..round * 7 {
                    tokio::task::yield_now().await;
                }
                world.crash_host().await;
                world.start_host().await;
            }
            let mut heard = std::collections::BTreeSet::new();
            for _ in 0..30 {
                // Posted but not written down, it is posted again; its number tells.
                loop {
                    let said = world.next_message("andy", None).await;
                    if heard.insert((said.seq, said.text)) {
                        break;
                    }
                }
            }
            let texts: Vec<String> = heard.into_iter().map(|(_, text)| text).collect();
            let expected: Vec<String> =
                (0..30).map(|n| format!("You said: {}.{}", n / 3, n % 3)).collect();
            assert_eq!(texts, expected);
            assert_eq!(world.yard.started(), 1, "the container is adopted, never doubled");
            world.until_state("andy", "asleep").await;
            let runs = world.runs(&session).await;
            let settled: usize = runs.iter().map(|run| run.message_ids.len()).sum();
            assert_eq!(settled, 30, "each message has exactly one settled run");
            assert!(runs.iter().all(|run| run.outcome == Some(Outcome::Completed)));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_dies_at_work_is_started_again_and_answers_once() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello\n!slow 10000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.yard.kill_the_one().await;
            assert_eq!(world.next_reply("andy").await, "You said: hello");
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Completed, .. }));
            assert_eq!(world.runs(sent.session_id.as_str()).await.len(), 1);
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_dies_again_and_again_is_given_up_and_the_room_is_told() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "!exit 3").await;
            let notice = world.next_notice("andy").await;
            assert!(notice.contains("again and again"), "{notice}");
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Interrupted, .. }));
            world.passes(Duration::from_secs(3_600)).await;
            assert_eq!(world.yard.started(), 5);
            // A person who speaks again is heard.
            world.says("andy", "are you there?").await;
            assert_eq!(world.next_reply("andy").await, "You said: are you there?");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_whose_heart_stops_is_replaced() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "hello\n!slow 5000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.yard.freeze_the_one();
            assert_eq!(world.next_reply("andy").await, "You said: hello");
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_asks_for_a_retry_gets_it_after_its_pause() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!fail retry overloaded").await;
            let notice = world.next_notice("andy").await;
            assert_eq!(notice, "I could not answer: overloaded");
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Failed, .. }));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_image_burns_no_try_and_is_told_and_the_message_is_answered_later() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.yard.refuses(EngineErrorKind::Permanent, "there is no image \"nope\"");
            world.says("andy", "one").await;
            let notice = world.next_notice("andy").await;
            assert!(notice.contains("there is no image"), "{notice}");
            world.passes(Duration::from_secs(3_600)).await;
            world.yard.recovers().await;
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_engine_costs_no_message_and_recovers_by_itself() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.yard.refuses(EngineErrorKind::Unreachable, "nobody answers");
            world.says("andy", "one").await;
            world.until_state("andy", "waiting for the engine").await;
            world.passes(Duration::from_secs(3_600)).await;
            world.yard.recovers().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_asked_to_end_leaves_containers_running_and_adopts_them() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one\n!slow 3000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.stop_host().await;
            assert_eq!(world.yard.running(), 1);
            // The answer is written while no host is there.
            world.passes(Duration::from_secs(60)).await;
            world.start_host().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ended_while_no_host_was_there_is_noticed() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one\n!slow 30000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.crash_host().await;
            world.yard.kill_the_one().await;
            world.start_host().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_host_that_ends_is_refused_and_not_kept() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            let handle = world.handle();
            world.stop_host().await;
            let refused =
                handle.ask(host::requests::Request::Agents).await.expect_err("nobody is there");
            assert_eq!(refused.kind, ErrorKind::HostDown);
        })
        .await;
}

/// Found by the simulation, where a disk was full while its host started: nobody asked again.
#[tokio::test(start_paused = true)]
async fn a_session_that_a_host_could_not_read_at_its_start_goes_on_once_it_can_be_read() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "hello\n!slow 5000").await;
            world.passes(Duration::from_secs(1)).await;
            world.crash_host().await;
            world.yard.kill_the_one().await;
            let file = world.dir_of(&sent).inbound_db();
            fs::rename(&file, file.with_extension("aside")).unwrap();
            fs::create_dir(&file).unwrap();
            world.start_host().await;
            world.passes(Duration::from_secs(5)).await;
            fs::remove_dir(&file).unwrap();
            fs::rename(file.with_extension("aside"), &file).unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: hello");
        })
        .await;
}

/// Found by the simulation: the session slept until the try, and nobody said anything before it.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_try_that_is_far_off_is_told_so_by_a_host_that_starts_meanwhile() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "hello\n!slow 5000").await;
            world.passes(Duration::from_secs(1)).await;
            world.yard.kill_the_one().await;
            world.until_state("andy", "backing off").await;
            world.crash_host().await;
            world.clock_steps(-SignedDuration::from_mins(30));
            world.start_host().await;
            let said = world.words_of_the_host(Duration::from_secs(65)).await;
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].contains("I try again"), "{said:?}");
            assert_eq!(world.next_reply("andy").await, "You said: hello");
        })
        .await;
}
