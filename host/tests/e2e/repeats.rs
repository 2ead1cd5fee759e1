//! Commands of a chat that their platform brings again because the host died over them.

use std::time::Duration;

use host::steps::Step;
use schemas::{
    admin::{RoomEvent, SendMessage},
    message::Outcome,
};

use crate::world::World;

const LATER: Duration = Duration::from_secs(5);

impl World {
    /// Somebody gives a command, and the host dies over it. What its platform brings again.
    async fn dies_over(&mut self, command: &str, step: Step) -> SendMessage {
        let said = SendMessage {
            text: command.to_owned(),
            client_id: Some("command".to_owned()),
            ..SendMessage::default()
        };
        self.host_dies_at(step, 1);
        assert!(self.send("andy", said.clone()).await.is_err());
        self.revive_host().await;
        said
    }

    async fn next_end(&mut self) -> Outcome {
        let RoomEvent::RunFinished { outcome, .. } = self.next_outcome("andy").await else {
            panic!("no end of a run")
        };
        outcome
    }
}

#[tokio::test(start_paused = true)]
async fn a_clear_that_is_repeated_after_its_host_died_over_it_clears_nothing_else() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let one = world.says("andy", "one").await;
            world.next_reply("andy").await;
            let clear = world.dies_over("/clear", Step::CommandObeyed).await;
            let two = world.says("andy", "two").await;
            assert_ne!(one.session_id, two.session_id, "it was obeyed");
            assert_eq!(world.next_reply("andy").await, "You said: two");
            assert!(world.send("andy", clear).await.unwrap().replayed);
            let three = world.says("andy", "three").await;
            assert_eq!(two.session_id, three.session_id);
            assert_eq!(world.next_reply("andy").await, "You said: three");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_repeated_after_its_host_died_over_it_stops_nothing_else() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "one\n!slow 900000").await;
            world.passes(LATER).await;
            let stop = world.dies_over("/stop", Step::CommandDone).await;
            assert_eq!(world.next_end().await, Outcome::Cancelled);
            world.says("andy", "two\n!slow 60000").await;
            world.passes(LATER).await;
            world.send("andy", stop).await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_repeated_after_its_host_died_over_it_tries_nothing_else() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            for word in ["older", "newer"] {
                world.says("andy", &format!("!fail final {word}")).await;
                assert_eq!(world.next_end().await, Outcome::Failed);
            }
            let retry = world.dies_over("/retry", Step::CommandDone).await;
            assert_eq!(world.next_end().await, Outcome::Failed);
            world.send("andy", retry).await.unwrap();
            world.passes(LATER).await;
            let heard = world.overheard("andy");
            let ended = |event: &RoomEvent| matches!(event, RoomEvent::RunFinished { .. });
            assert!(!heard.iter().any(ended), "{heard:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_choice_of_a_model_that_is_repeated_after_its_host_died_over_it_undoes_no_later_one() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "hello").await;
            world.next_reply("andy").await;
            let small = world.dies_over("/model small", Step::CommandDone).await;
            world.asks_host("andy", "/model large").await;
            assert!(world.send("andy", small).await.unwrap().replayed);
            world.says("andy", "!model").await;
            assert_eq!(world.next_reply("andy").await, "large in its own folder");
        })
        .await;
}
