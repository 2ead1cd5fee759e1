//! Containers that hang, vanish, outlive their host or cannot be reached: one per session, and
//! every message is answered or spoken of.

use std::{fs, time::Duration};

use host::{engine::EngineErrorKind, limits, requests::Request};
use schemas::{admin::RoomEvent, message::Outcome};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_guest_that_hangs_before_it_takes_a_message_is_replaced() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.passes(Duration::from_secs(2)).await;
            world.yard.freeze_the_one();
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_hangs_at_every_start_is_given_up_and_the_room_is_told() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.yard.freezes_at_birth(true);
            world.says("andy", "one").await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Interrupted, .. }));
            world.yard.freezes_at_birth(false);
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_whose_end_was_told_to_nobody_is_missed() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.passes(Duration::from_secs(2)).await;
            world.yard.goes_away().await;
            world.yard.kill_the_one().await;
            world.says("andy", "two").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.recovers().await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_outlived_its_host_is_adopted_when_the_engine_answers_late() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one\n!slow 600000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.crash_host().await;
            world.yard.goes_away().await;
            world.start_host().await;
            world.passes(Duration::from_secs(60)).await;
            world.yard.recovers().await;
            // Said before the engine's answer is there, it must not start a second one.
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.next_reply("andy").await, "You said: two");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_to_say_what_lives_is_asked_again_before_anything_starts() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one\n!slow 600000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.crash_host().await;
            world.yard.forgets_what_lives();
            world.start_host().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_the_engine_did_not_hear_is_said_again() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.passes(limits::IDLE_TIMEOUT - Duration::from_secs(60)).await;
            world.yard.goes_away().await;
            // It became idle meanwhile; stop and kill are lost.
            world.passes(Duration::from_secs(600)).await;
            world.says("andy", "two").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.recovers().await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
            world.until_state("andy", "asleep").await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_hostile_guest_that_could_not_be_killed_is_ended_by_the_next_host_too() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.passes(Duration::from_secs(2)).await;
            world.yard.goes_away().await;
            fs::write(world.dir_of(&sent).outbound_db(), vec![7; 8192]).unwrap();
            world.until_state("andy", "set aside").await;
            assert_eq!(world.yard.running(), 1);
            world.passes(Duration::from_secs(60)).await;
            world.crash_host().await;
            world.start_host().await;
            world.passes(Duration::from_secs(60)).await;
            world.yard.recovers().await;
            world.passes(Duration::from_secs(60)).await;
            assert_eq!(world.yard.running(), 0);
            world.until_state("andy", "set aside").await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_hostile_guest_that_could_not_be_killed_is_ended_once_the_engine_is_back() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.passes(Duration::from_secs(2)).await;
            world.yard.goes_away().await;
            fs::write(world.dir_of(&sent).outbound_db(), vec![7; 8192]).unwrap();
            world.until_state("andy", "set aside").await;
            world.passes(Duration::from_secs(60)).await;
            // Asked for meanwhile, a reset waits for the end of the old container.
            let (id, handle) = (sent.session_id.to_string(), world.handle());
            let reset = handle.ask(|answer| Request::ResetSession(id, answer));
            let engine = async {
                world.passes(Duration::from_secs(60)).await;
                world.yard.recovers().await;
            };
            let (reset, ()) = tokio::join!(reset, engine);
            reset.unwrap();
            assert_eq!(world.yard.running(), 0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_start_is_not_started_over_and_over_for_an_old_retry() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one\n!slow 10000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            world.yard.refuses(EngineErrorKind::Permanent, "there is no image \"nope\"");
            world.yard.kill_the_one().await;
            let notice = world.next_notice("andy").await;
            assert!(notice.contains("there is no image"), "{notice}");
            world.passes(Duration::from_secs(3_600)).await;
            assert_eq!(world.errors().len(), 1, "{:?}", world.errors());
            world.yard.recovers().await;
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_session_that_is_set_aside_is_kept_and_the_room_is_told() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one\n!slow 60000").await;
            let sent = world.says("andy", "two").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }));
            // The row at work gets another try, and its time goes by while the session is aside.
            world.yard.kill_the_one().await;
            world.passes(Duration::from_secs(20)).await;
            fs::write(world.dir_of(&sent).outbound_db(), vec![7; 8192]).unwrap();
            world.yard.kill_the_one().await;
            let mut said = [world.next_notice("andy").await, world.next_notice("andy").await];
            said.sort();
            // What it was at work on, nobody can tell any more how far it came.
            assert!(said[0].contains("interrupted") && said[1].contains("set aside"), "{said:?}");
            world.passes(Duration::from_secs(3_600)).await;
            world.stop_host().await;
            world.start_host().await;
            world.passes(Duration::from_secs(3_600)).await;
            world.says("andy", "three").await;
            assert!(world.next_notice("andy").await.contains("set aside"));
            let id = sent.session_id.to_string();
            world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
            let mut replies = Vec::new();
            for _ in 0..2 {
                replies.push(world.next_reply("andy").await);
            }
            replies.sort();
            assert_eq!(replies, ["You said: three", "You said: two"]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_a_reset_started_is_adopted_after_a_crash() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            fs::write(world.dir_of(&sent).outbound_db(), vec![7; 8192]).unwrap();
            world.says("andy", "two\n!slow 20000").await;
            world.until_state("andy", "set aside").await;
            world.passes(Duration::from_secs(60)).await;
            let id = sent.session_id.to_string();
            world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
            world.until_state("andy", "awake").await;
            world.crash_host().await;
            world.start_host().await;
            let before = world.yard.started();
            assert_eq!(world.next_reply("andy").await, "You said: two");
            assert_eq!(world.yard.started(), before);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_while_it_is_asked_how_it_is_delays_no_message() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.yard.takes_its_time(Duration::from_secs(30));
            let handle = world.handle();
            let status = handle.ask(Request::Status);
            let began = world.now();
            let talk = async {
                world.says("andy", "two").await;
                assert_eq!(world.next_reply("andy").await, "You said: two");
                assert!(world.now() < began + Duration::from_secs(1));
            };
            let (status, ()) = tokio::join!(status, talk);
            status.unwrap();
        })
        .await;
}
