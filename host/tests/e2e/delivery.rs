//! From an outbound row to the room, when the room's platform is difficult.

use std::time::Duration;

use host::{channels::ChannelError, delivery::Rate, steps::Step};
use schemas::{
    admin::{RoomEvent, SendMessage},
    guest_side::OutboundWriter,
    ids::MessageId,
    message::{Address, Kind, NewOutbound},
};

use crate::world::World;

const HOUR: Duration = Duration::from_secs(3_600);

fn retry() -> ChannelError {
    ChannelError::Retry("500".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_fails_for_a_while_gets_the_message_later_and_once() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([retry(), retry(), retry()]);
            world.says("andy", "one").await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_order_in_a_room_survives_a_failing_post() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([retry(), ChannelError::RateLimited(7)]);
            for n in 0..5 {
                world.says("andy", &n.to_string()).await;
            }
            for n in 0..5 {
                assert_eq!(world.next_reply("andy").await, format!("You said: {n}"));
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_survives_the_death_of_the_host() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([retry(), retry()]);
            world.says("andy", "one").await;
            world.passes(Duration::from_secs(2)).await;
            world.crash_host().await;
            world.start_host().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_final_failure_is_told_to_the_agent() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([ChannelError::Permanent("the room is gone".to_owned())]);
            world.says("andy", "one").await;
            world.next_outcome("andy").await;
            world.says("andy", "two").await;
            // The echo says how many rows of context it was given.
            assert_eq!(world.next_reply("andy").await, "You said: two\ncontext: 1 message");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_post_of_unknown_fate_is_never_sent_again_blindly() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.platform.cannot_be_asked();
            world.posts_into_nothing("andy", "one").await;
            // It was handed over; whether it arrived nobody knows.
            world.crash_host().await;
            world.platform.recovers();
            world.start_host().await;
            world.expect_silence("andy", Duration::from_secs(3_600)).await;
            assert!(world.errors().iter().any(|line| line.contains("nobody knows")));
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two\ncontext: 1 message");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_room_does_not_hold_up_another() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            world.posts_into_nothing("andy", "slow").await;
            world.platform.lets_new_posts_through();
            world.says("betty", "quick").await;
            assert_eq!(world.next_reply("betty").await, "You said: quick");
            world.platform.recovers();
            assert_eq!(world.next_reply("andy").await, "You said: slow");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_room_hears_of_a_runs_end_after_what_was_said_in_it() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.posts_into_nothing("andy", "one").await;
            world.platform.recovers();
            let mut heard = Vec::new();
            while heard.len() < 2 {
                match world.next_event("andy", None).await {
                    RoomEvent::Message(said) => heard.push(said.text),
                    RoomEvent::RunFinished { .. } => heard.push("the end".to_owned()),
                    RoomEvent::Typing { .. }
                    | RoomEvent::RunTakesLong { .. }
                    | RoomEvent::Notice { .. }
                    | RoomEvent::CaughtUp => {}
                }
            }
            assert_eq!(heard, ["You said: one", "the end"]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_was_not_given_is_refused() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            world.says("betty", "hello").await;
            world.next_reply("betty").await;
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            // A guest that went bad writes to a room of somebody else.
            OutboundWriter::new(world.dir_of(&sent))
                .write(|tx| {
                    let row = NewOutbound {
                        id: MessageId::parse("forged").unwrap(),
                        in_reply_to: None,
                        timestamp: jiff::Timestamp::now(),
                        kind: Kind::Chat,
                        address: Some(Address {
                            channel_type: "terminal".to_owned(),
                            platform_id: "betty".to_owned(),
                            thread_id: None,
                        }),
                        content: r#"{"text":"send me your keys"}"#.to_owned(),
                        run: None,
                    };
                    tx.append(&row, 100)
                })
                .unwrap();
            world.says("andy", "again").await;
            world.next_reply("andy").await;
            world.expect_silence("betty", Duration::from_secs(60)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_for_an_hour_goes_out_when_the_channel_is_back() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.goes_down();
            for n in 0..3 {
                world.says("andy", &n.to_string()).await;
            }
            world.expect_silence("andy", HOUR).await;
            world.until_state("andy", "asleep").await;
            assert!(world.platform.asked() < 30, "asked {} times", world.platform.asked());
            world.platform.comes_back();
            for n in 0..3 {
                assert_eq!(world.next_reply("andy").await, format!("You said: {n}"));
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_down_is_hammered_by_nobody_and_all_go_on_when_it_is_back() {
    let names: Vec<String> = (0..20).map(|n| format!("agent{n}")).collect();
    names
        .iter()
        .fold(World::new(), |world, name| world.agent(name))
        .run(async |world| {
            world.platform.goes_down();
            for name in &names {
                world.says(name, "hello").await;
            }
            world.passes(HOUR).await;
            let asked = world.platform.asked();
            assert!(asked < 60, "twenty sessions asked {asked} times in an hour");
            // Half of them sleep by now: the first that finds it well again wakes the others.
            world.platform.comes_back();
            world.passes(Duration::from_secs(330)).await;
            assert_eq!(world.platform.took().len(), 20);
            world.stops_listening();
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_owner_hears_once_that_a_channel_is_down_and_once_that_it_is_back() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.goes_down();
            world.says("andy", "one").await;
            world.says("andy", "two").await;
            let start = world.now();
            assert!(world.next_notice("andy").await.starts_with("The channel terminal has been"));
            let waited = world.now().duration_since(start);
            assert!((600..660).contains(&waited.as_secs()), "{waited}");
            world.passes(HOUR).await;
            world.platform.comes_back();
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert!(world.next_notice("andy").await.starts_with("The channel terminal is back"));
            world.passes(HOUR).await;
            assert_eq!(world.platform.took().len(), 2);
            world.stops_listening();
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_channel_waits_on_through_restarts_and_ends_after_a_week() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.goes_down();
            world.says("andy", "one").await;
            for _ in 0..6 {
                world.passes(HOUR * 24).await;
                world.crash_host().await;
                world.start_host().await;
            }
            assert_eq!(world.cli("messages list --failed").await, "nothing was given up");
            world.passes(HOUR * 25).await;
            let dead = world.cli("messages list --failed").await;
            assert!(dead.contains("its channel was out of reach for 7 days"), "{dead}");
            world.platform.comes_back();
            world.expect_silence("andy", HOUR).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_posted_to_as_fast_as_it_takes_and_no_faster() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            let rate = Rate { burst: 2, step: Duration::from_secs(3) };
            world.platform.can(|can| can.rate = Some(rate));
            for n in 0..3 {
                for name in ["andy", "betty"] {
                    world.says_in(name, &n.to_string(), "hello").await;
                }
            }
            world.passes(Duration::from_secs(2)).await;
            assert_eq!(world.platform.took().len(), 2);
            world.passes(Duration::from_secs(11)).await;
            assert_eq!(world.platform.took().len(), 6);
            world.stops_listening();
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_whole_channel_asks_for_holds_for_every_session() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            world.platform.fails([ChannelError::Throttled(60)]);
            world.says("andy", "one").await;
            world.passes(Duration::from_secs(2)).await;
            world.says("betty", "two").await;
            world.passes(Duration::from_secs(50)).await;
            assert!(world.platform.took().is_empty());
            assert_eq!(world.next_reply("betty").await, "You said: two");
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_too_long_goes_out_in_parts_in_order() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.can(|can| can.text_units = Some(20));
            world.platform.fails([retry()]);
            world.says("andy", "a first line\nand a second one of it").await;
            world.says("andy", "next").await;
            for part in ["You said: a first", "line\nand a second", "one of it"] {
                assert_eq!(world.next_reply("andy").await, part);
            }
            assert_eq!(world.next_reply("andy").await, "You said: next");
        })
        .await;
}

/// What the host may do about a post whose fate it does not know.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Means {
    KnowsAgain,
    LooksUp,
    LooksUpInVain,
    Nothing,
}

#[tokio::test(start_paused = true)]
async fn a_host_that_dies_over_any_part_sends_none_twice_and_loses_none() {
    for means in [Means::KnowsAgain, Means::LooksUp, Means::LooksUpInVain, Means::Nothing] {
        for step in [Step::ReplySeen, Step::PostBegun, Step::Posted, Step::LedgerWritten] {
            for nth in 1..=2 {
                dies_over_a_part(means, step, nth).await;
            }
        }
    }
}

async fn dies_over_a_part(means: Means, step: Step, nth: u32) {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            match means {
                Means::KnowsAgain => {}
                Means::LooksUp => world.platform.looks_up(true),
                Means::LooksUpInVain => world.platform.looks_up(false),
                Means::Nothing => world.platform.cannot_be_asked(),
            }
            world.platform.can(|can| can.text_units = Some(14));
            world.host_dies_at(step, nth);
            let message = SendMessage {
                text: "one two three four".to_owned(),
                client_id: Some("key".to_owned()),
                ..SendMessage::default()
            };
            world.insists(async |world| world.send("andy", message.clone()).await).await;
            for _ in 0..60 {
                world.revive_host().await;
                world.passes(HOUR / 60).await;
            }
            world.stops_listening();
            let took = world.platform.took();
            let of = |part: &str| took.iter().filter(|words| *words == part).count();
            let parts = ["You said: one", "two three four"].map(of);
            let told = world.errors().iter().any(|line| line.contains("whether it arrived"));
            let listed = world.cli("messages list --failed").await.contains("whether it arrived");
            let whole = parts == [1, 1];
            let known = matches!(means, Means::KnowsAgain | Means::LooksUp);
            assert!(parts.iter().all(|times| *times <= 1), "{means:?} {step:?} {nth}: {took:?}");
            assert!(whole || (told && listed), "{means:?} {step:?} {nth}: {took:?} in silence");
            assert!(whole || !known, "{means:?} {step:?} {nth}: lost {took:?}");
        })
        .await;
}
