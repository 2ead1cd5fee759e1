//! Never silent: who waits for a word hears one in time, once, whichever host says it.

use std::time::Duration;

use host::steps::Step;
use schemas::admin::RoomEvent;

use crate::world::World;

impl World {
    /// The minutes of each run that was said to take long and nobody listened to yet.
    fn long_runs(&mut self) -> Vec<u64> {
        let minutes = self.overheard("andy").into_iter().filter_map(|event| match event {
            RoomEvent::RunTakesLong { minutes, .. } => Some(minutes),
            RoomEvent::Message(_)
            | RoomEvent::Notice { .. }
            | RoomEvent::RunFinished { .. }
            | RoomEvent::Typing { .. }
            | RoomEvent::CaughtUp => None,
        });
        minutes.collect()
    }
}

#[tokio::test(start_paused = true)]
async fn who_hears_nothing_for_a_minute_is_told_once_that_nothing_is_lost() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!tool 1500000 1800000\none").await;
            let began = world.now();
            world.says("andy", "two").await;
            let said = world.next_word_of_the_host("andy").await;
            assert_eq!(said, "I am still at work on it.");
            assert_eq!(world.now().duration_since(began).as_secs(), 60);
            let more = world.words_of_the_host(Duration::from_secs(600)).await;
            assert_eq!(more, Vec::<String>::new(), "once, for all that wait there");
            world.crash_host().await;
            world.start_host().await;
            let more = world.words_of_the_host(Duration::from_secs(600)).await;
            assert_eq!(more, Vec::<String>::new(), "once, whichever host says it");
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_has_something_tried_again_waits_anew() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!append notes line\n!slow 100000\none").await;
            world.passes(Duration::from_secs(70)).await;
            assert_eq!(world.next_word_of_the_host("andy").await, "I am still at work on it.");
            world.yard.kill_the_one().await;
            assert!(world.next_word_of_the_host("andy").await.contains("/retry"));
            world.says("andy", "/retry").await;
            world.next_word_of_the_host("andy").await;
            let began = world.now();
            assert_eq!(world.next_word_of_the_host("andy").await, "I am still at work on it.");
            assert_eq!(world.now().duration_since(began).as_secs(), 60);
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_end_that_cannot_be_written_down_is_told_so() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "hello").await;
            world.next_outcome("andy").await;
            let refuses = "CREATE TRIGGER refuses BEFORE INSERT ON runs \
                           BEGIN SELECT RAISE(FAIL, 'no room'); END";
            world.tamper(refuses);
            world.says("andy", "!fail final no such model").await;
            let said = world.next_word_of_the_host("andy").await;
            assert!(said.starts_with("I am done with it, but"), "{said}");
            let more = world.words_of_the_host(Duration::from_secs(600)).await;
            assert_eq!(more, Vec::<String>::new(), "once");
            world.tamper("DROP TRIGGER refuses");
            assert!(world.next_word_of_the_host("andy").await.contains("no such model"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_answered_within_a_minute_hears_nothing_else() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one\n!slow 59000").await;
            world.says("andy", "two\n!slow 58000").await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.next_reply("andy").await, "You said: two");
            let said = world.words_of_the_host(Duration::from_secs(600)).await;
            assert_eq!(said, Vec::<String>::new());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_container_is_told_so_again_after_a_minute() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.yard.goes_away().await;
            world.says("andy", "one").await;
            let said = world.words_of_the_host(Duration::from_secs(900)).await;
            assert_eq!(said.len(), 2, "{said:?}");
            assert!(said.iter().all(|said| said.contains("wait until a container")), "{said:?}");
            world.yard.recovers().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_of_half_an_hour_is_mentioned_once_in_the_log_and_to_who_watches() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!tool 2000000 3600000\n!tool 2000000 3600000\none").await;
            world.passes(Duration::from_secs(29 * 60)).await;
            assert_eq!((world.warnings_of("takes long"), world.long_runs()), (0, vec![]));
            world.passes(Duration::from_secs(5 * 60)).await;
            assert_eq!((world.warnings_of("takes long"), world.long_runs()), (1, vec![30]));
            world.crash_host().await;
            world.start_host().await;
            world.passes(Duration::from_secs(5 * 60)).await;
            assert_eq!((world.warnings_of("takes long"), world.long_runs()), (1, vec![]));
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_a_host_did_not_live_to_tell_is_told_by_the_next() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.host_dies_at(Step::RowsFolded, 1);
            world.says("andy", "!fail final no such model").await;
            world.passes(Duration::from_secs(5)).await;
            assert!(world.host_died());
            world.revive_host().await;
            assert!(world.next_word_of_the_host("andy").await.contains("no such model"));
            world.crash_host().await;
            world.start_host().await;
            let more = world.words_of_the_host(Duration::from_secs(900)).await;
            assert_eq!(more, Vec::<String>::new(), "once");
        })
        .await;
}
