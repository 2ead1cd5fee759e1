//! Turns that somebody stops: at work, about to begin, or over already.

use std::time::Duration;

use host::limits::turn as limits;
use jiff::SignedDuration;
use schemas::{
    admin::{Accepted, RoomEvent},
    message::Outcome,
};

use crate::{turns::asked_to_retry, world::World};

impl World {
    /// A guest acted, and does not move any more.
    async fn hangs_after_an_act(&mut self) -> Accepted {
        let sent = self.says("andy", "!append notes line\n!slow 900000").await;
        self.passes(Duration::from_secs(5)).await;
        self.yard.freeze_the_one();
        sent
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_says_what_it_had_said_and_the_guest_stays_warm() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!say half of it\n!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.says("andy", "next").await;
            world.says("andy", "/stop").await;
            assert_eq!(world.next_reply("andy").await, "half of it … (stopped)");
            assert_eq!(world.next_reply("andy").await, "You said: next");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_kills_at_once_and_what_waits_goes_on() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.hangs_after_an_act().await;
            world.says("andy", "next").await;
            let began = world.now();
            world.says("andy", "/stop").await;
            world.says("andy", "/stop").await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Cancelled, .. }));
            assert!(world.now().duration_since(began).as_secs() < 1);
            assert_eq!(world.next_reply("andy").await, "You said: next");
            let said = world.words_of_the_host(Duration::from_secs(900)).await;
            assert_eq!(asked_to_retry(&said), 0, "who stopped it knows why");
            world.books_are_right(&sent, 2).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_does_not_hear_a_stop_is_killed_after_five_seconds() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.freeze_the_one();
            let began = world.now();
            world.says("andy", "/stop").await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Cancelled, .. }));
            assert_eq!(world.now(), began + limits::ABORT_PATIENCE);
            world.until_state("andy", "asleep").await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_container_starts_or_waits_cancels_what_was_about_to_begin() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one").await;
            world.says("andy", "/stop").await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Cancelled, .. }));
            world.expect_silence("andy", Duration::from_secs(900)).await;
            world.yard.goes_away().await;
            world.says("andy", "two").await;
            world.until_state("andy", "waiting for the engine").await;
            world.says("andy", "/stop").await;
            world.until_state("andy", "asleep").await;
            world.yard.recovers().await;
            world.expect_silence("andy", Duration::from_secs(900)).await;
            assert_eq!(world.words_of_the_host(Duration::ZERO).await.len(), 0);
            world.says("andy", "/stop").await;
            assert_eq!(world.next_notice("andy").await, "There is nothing to stop.");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_reaches_a_row_that_waits_for_its_next_try() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.kill_the_one().await;
            world.until_state("andy", "backing off").await;
            world.says("andy", "/stop").await;
            world.until_state("andy", "asleep").await;
            world.passes(Duration::from_secs(900)).await;
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_ends_a_run_once() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let mut outcomes = Vec::new();
            for moment in 0..40 {
                let sent = world.wants_a_line(&format!("n{moment}")).await;
                world.at_moment(moment).await;
                world.says("andy", "/stop").await;
                world.passes(Duration::from_secs(30)).await;
                let ends = world.overheard("andy").into_iter().filter_map(|event| match event {
                    RoomEvent::RunFinished { outcome, message_ids, .. } => {
                        message_ids.contains(&sent.message_id).then_some(outcome)
                    }
                    RoomEvent::Message(_)
                    | RoomEvent::Notice { .. }
                    | RoomEvent::RunTakesLong { .. }
                    | RoomEvent::Typing { .. }
                    | RoomEvent::CaughtUp => None,
                });
                let ends: Vec<Outcome> = ends.collect();
                assert_eq!(ends.len(), 1, "at moment {moment}: {ends:?}");
                outcomes.extend(ends);
            }
            assert!(
                outcomes.contains(&Outcome::Cancelled) && outcomes.contains(&Outcome::Completed)
            );
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_host_says_for_how_long_it_has_been_at_work_on_what_and_what_waits() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 300000").await;
            world.passes(Duration::from_secs(150)).await;
            world.says("andy", "next").await;
            world.crash_host().await;
            world.start_host().await;
            world.passes(Duration::from_secs(5)).await;
            world.says("andy", "/status").await;
            insta::assert_snapshot!(world.next_notice("andy").await, @"andy is awake, at work on message 2 for 2 minutes; message 4 waits.");
            world.next_reply("andy").await;
            assert_eq!(world.next_reply("andy").await, "You said: next");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_a_guest_did_not_live_to_hear_is_done_all_the_same() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.hangs_after_an_act().await;
            world.says("andy", "/stop").await;
            world.yard.kill_the_one().await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Cancelled, .. }));
            let said = world.words_of_the_host(Duration::from_secs(900)).await;
            assert_eq!((asked_to_retry(&said), world.yard.started()), (0, 1));
            world.books_are_right(&sent, 1).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_stays_ended_though_the_host_died_before_its_row_was_folded() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.freeze_the_one();
            // By the next host's clock the stop was asked for before the run began.
            world.clock_steps(SignedDuration::from_mins(-50));
            world.messages_change(&sent, false);
            world.says("andy", "/stop").await;
            world.says("andy", "/stop").await;
            world.passes(Duration::from_secs(1)).await;
            world.crash_host().await;
            world.messages_change(&sent, true);
            world.start_host().await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Cancelled, .. }));
            world.expect_silence("andy", Duration::from_secs(900)).await;
            assert_eq!(world.yard.started(), 1);
            world.books_are_right(&sent, 1).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_remembered_by_the_next_host() {
    for guest_dies_too in [true, false] {
        World::new()
            .agent("andy")
            .run(async |world| {
                let sent = world.says("andy", "!slow 900000").await;
                world.passes(Duration::from_secs(5)).await;
                world.yard.freeze_the_one();
                world.says("andy", "/stop").await;
                world.crash_host().await;
                if guest_dies_too {
                    world.yard.kill_the_one().await;
                }
                world.start_host().await;
                let ended = world.next_outcome("andy").await;
                let cancelled = Outcome::Cancelled;
                assert!(
                    matches!(ended, RoomEvent::RunFinished { outcome, .. } if outcome == cancelled)
                );
                world.passes(Duration::from_secs(900)).await;
                assert_eq!(world.yard.started(), 1);
                world.books_are_right(&sent, 1).await;
            })
            .await;
    }
}
