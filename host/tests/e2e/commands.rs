//! What people ask of the host itself, in a chat.

use std::time::Duration;

use host::limits;
use schemas::{admin::RoomEvent, message::Outcome};

use crate::world::World;

/// Stops the run at work; the answer and the run's end come in any order.
async fn stops(world: &mut World, then: Option<&str>) {
    world.says("andy", "/stop").await;
    let (mut said, mut ended, mut replied) = (None, None, None);
    while said.is_none() || ended.is_none() || replied.is_none() != then.is_none() {
        match world.next_event("andy", None).await {
            RoomEvent::Notice { text, .. } => said = Some(text),
            RoomEvent::RunFinished { outcome, .. } => ended = Some(outcome),
            RoomEvent::Message(said) => assert_eq!(replied.replace(said.text), None),
            RoomEvent::Typing { .. } | RoomEvent::RunTakesLong { .. } | RoomEvent::CaughtUp => {}
        }
    }
    assert_eq!(said.as_deref(), Some("I stop what I am doing."));
    assert_eq!(ended, Some(Outcome::Cancelled));
    assert_eq!(replied.as_deref(), then);
}

impl World {
    /// The host's answer to a command.
    pub(crate) async fn asks_host(&mut self, agent: &str, command: &str) -> String {
        self.says(agent, command).await;
        self.next_notice(agent).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_host_says_how_a_session_is_what_waits_and_what_it_cost() {
    World::new()
        .agent("andy")
        .run(async |world| {
            insta::assert_snapshot!(world.asks_host("andy", "/status").await, @"andy is asleep, nothing to do.");
            insta::assert_snapshot!(world.asks_host("andy", "/cost").await, @"0 runs so far, 0 completed. What they cost is unknown: my provider does not say.");
            world.says("andy", "!slow 60000").await;
            world.passes(Duration::from_secs(5)).await;
            world.says("andy", "next").await;
            insta::assert_snapshot!(world.asks_host("andy", "/status").await, @"andy is awake, at work on message 2 for less than a minute; message 4 waits.");
            insta::assert_snapshot!(world.asks_host("andy", "/queue").await, @"1 at work, message 4 waits.");
            insta::assert_snapshot!(world.asks_host("andy", "/compact").await, @"There is nothing to shorten: I carry nothing along from one message to the next.");
            world.next_reply("andy").await;
            assert_eq!(world.next_reply("andy").await, "You said: next");
            insta::assert_snapshot!(world.asks_host("andy", "/cost").await, @"2 runs so far, 2 completed. Tokens read: 189, written: 5. Cost: $0.0000.");
            let help = world.asks_host("andy", "/help").await;
            assert!(help.contains("/stop") && help.contains("/clear"), "{help}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_says_nothing_and_what_waits_goes_on() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let said = world.asks_host("andy", "/stop").await;
            assert_eq!(said, "There is nothing to stop.");
            world.says("andy", "!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.says("andy", "next").await;
            let began = world.now();
            stops(world, Some("You said: next")).await;
            assert!(world.now().duration_since(began).as_secs() < 2);
            assert_eq!(world.yard.started(), 1);
            world.expect_silence("andy", Duration::from_secs(900)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_takes_its_stop_with_it() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 60000").await;
            world.passes(Duration::from_secs(5)).await;
            stops(world, None).await;
            // The same container, and one that finds the old control in the file.
            for n in 0..2 {
                world.says("andy", &format!("!slow 5000\n{n}")).await;
                assert_eq!(world.next_reply("andy").await, format!("You said: {n}"));
                world.until_state("andy", "asleep").await;
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_does_not_stop_is_ended_and_its_run_is_cancelled() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.freeze_the_one();
            let began = world.now();
            stops(world, None).await;
            assert!(world.now().duration_since(began).as_secs() < 60);
            world.says("andy", "next").await;
            assert_eq!(world.next_reply("andy").await, "You said: next");
            world.expect_silence("andy", Duration::from_secs(900)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_somebody_chose_holds_for_the_session_from_the_next_turn_on() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("wirings set terminal:andy/andy --model small").await;
            world.says("andy", "!model").await;
            assert_eq!(world.next_reply("andy").await, "small in its own folder");
            let said = world.asks_host("andy", "/model large").await;
            assert_eq!(said, "I use the model large, from the next turn on.");
            world.says("andy", "!model").await;
            assert_eq!(world.next_reply("andy").await, "large in its own folder");
            world.until_state("andy", "asleep").await;
            world.says("andy", "!model").await;
            assert_eq!(world.next_reply("andy").await, "large in its own folder");
            let said = world.asks_host("andy", "/model $(reboot)").await;
            assert_eq!(said, "That is no name of a model.");
            let said = world.asks_host("andy", "/model default").await;
            assert_eq!(said, "I use the model small, from the next turn on.");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_for_the_run_and_the_next_message_finds_a_fresh_container() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 20000").await;
            world.passes(Duration::from_secs(5)).await;
            let said = world.asks_host("andy", "/restart").await;
            assert_eq!(said, "I restart as soon as I am done with what I am doing.");
            assert_eq!(world.next_reply("andy").await, "You said: ");
            world.until_state("andy", "asleep").await;
            world.says("andy", "back?").await;
            assert_eq!(world.next_reply("andy").await, "You said: back?");
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_clear_the_run_ends_and_the_next_message_begins_a_fresh_session() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let old = world.says("andy", "!slow 20000\nold").await;
            world.passes(Duration::from_secs(5)).await;
            let said = world.asks_host("andy", "/clear").await;
            assert!(said.contains("archived"), "{said}");
            let new = world.says("andy", "new").await;
            assert_ne!(old.session_id, new.session_id);
            let mut replies = [world.next_reply("andy").await, world.next_reply("andy").await];
            replies.sort();
            assert_eq!(replies, ["You said: new", "You said: old"]);
            assert_eq!(world.sessions().await.len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_a_conversation_is_cleared_is_answered_or_said_to_be_lost() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 900000").await;
            world.passes(Duration::from_secs(5)).await;
            world.says("andy", "waits").await;
            world.says("andy", "/clear").await;
            world.passes(limits::admin::DRAIN + Duration::from_secs(120)).await;
            let mut notices = Vec::new();
            for _ in 0..3 {
                notices.push(world.next_notice("andy").await);
            }
            let lost = notices.iter().filter(|said| said.contains("I could not answer")).count();
            assert_eq!(lost, 2, "{notices:?}");
        })
        .await;
}
