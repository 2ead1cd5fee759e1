//! From an outbound row to the room, when the room's platform is difficult.

use std::time::Duration;

use host::channels::ChannelError;
use schemas::{
    guest_side::OutboundWriter,
    ids::MessageId,
    message::{Address, Kind, NewOutbound},
};

use crate::world::World;

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
            world.platform.hangs();
            world.says("andy", "one").await;
            world.passes(Duration::from_secs(5)).await;
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
            world.platform.hangs();
            world.says("andy", "slow").await;
            world.passes(Duration::from_secs(5)).await;
            world.platform.lets_new_posts_through();
            world.says("betty", "quick").await;
            assert_eq!(world.next_reply("betty").await, "You said: quick");
            world.platform.recovers();
            assert_eq!(world.next_reply("andy").await, "You said: slow");
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
