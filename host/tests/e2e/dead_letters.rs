//! What was given up: who sees it, and how it is tried again.

use std::time::Duration;

use host::{channels::ChannelError, store::DeadLetter};
use schemas::{admin::RoomEvent, message::Outcome};

use crate::world::{World, outcome};

const HOUR: Duration = Duration::from_secs(3_600);

impl World {
    /// What stands in the list.
    async fn given_up(&self) -> Vec<DeadLetter> {
        let said = self.command("messages list --failed").await.unwrap().data;
        serde_json::from_value(said).unwrap()
    }

    async fn the_one_given_up(&self) -> DeadLetter {
        let mut all = self.given_up().await;
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    async fn retries(&self, letter: &DeadLetter) {
        self.command(&format!("messages retry {}", letter.id)).await.unwrap();
    }
}

fn gone() -> ChannelError {
    ChannelError::Permanent("the room is gone".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_given_up_is_listed_and_goes_out_once_when_it_is_tried_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([gone()]);
            world.says("andy", "one").await;
            world.next_outcome("andy").await;
            world.passes(HOUR).await;
            let letter = world.the_one_given_up().await;
            assert_eq!((letter.came_in, letter.reason.as_str()), (false, "the room is gone"));
            let beginning = &letter.id.as_str()[..letter.id.as_str().len() - 2];
            world.command(&format!("messages retry {beginning}")).await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert!(world.given_up().await.is_empty());
            world.crash_host().await;
            world.start_host().await;
            world.expect_silence("andy", HOUR).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_the_host_did_not_live_to_carry_out_is_carried_out_by_the_next() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([gone()]);
            world.says("andy", "one").await;
            world.next_outcome("andy").await;
            let letter = world.the_one_given_up().await;
            world.platform.goes_down();
            world.retries(&letter).await;
            world.crash_host().await;
            world.platform.comes_back();
            world.start_host().await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert!(world.given_up().await.is_empty());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn each_try_of_a_message_has_one_settled_run_of_its_own() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!fail final no such model").await;
            world.next_outcome("andy").await;
            let mut runs = Vec::new();
            for _ in 0..3 {
                let letter = world.the_one_given_up().await;
                assert!(letter.came_in && letter.id == sent.message_id, "{letter:?}");
                runs.extend(letter.run.clone());
                world.retries(&letter).await;
                let ended = world.next_outcome("andy").await;
                assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Failed, .. }));
            }
            let settled = world.runs(sent.session_id.as_str()).await;
            assert_eq!(settled.len(), 4);
            runs.dedup();
            assert_eq!(runs.len(), 3, "each has an id of its own");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_post_that_fails_again_when_it_is_tried_again_is_told_to_its_agent_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([gone(), gone()]);
            let sent = world.says("andy", "one").await;
            world.next_outcome("andy").await;
            world.passes(HOUR).await;
            let letter = world.the_one_given_up().await;
            world.retries(&letter).await;
            world.passes(HOUR).await;
            world.the_one_given_up().await;
            let books = world.books(sent.session_id.as_str());
            let told =
                books.iter().filter(|row| row.get("type").is_some_and(|t| t == "delivery_failed"));
            assert_eq!(told.count(), 2, "{books:#?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_tried_again_gets_as_many_tries_as_at_first() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.says("andy", "!exit 3").await;
            for sets in 1..=3 {
                world.next_outcome("andy").await;
                assert_eq!(world.yard.started(), 5 * sets);
                let letter = world.the_one_given_up().await;
                if sets < 3 {
                    world.retries(&letter).await;
                }
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_container_died_again_and_again_is_answered_when_it_is_tried_again() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.yard.freezes_at_birth(true);
            let sent = world.says("andy", "one").await;
            world.next_outcome("andy").await;
            world.yard.freezes_at_birth(false);
            world.passes(HOUR).await;
            let first = world.the_one_given_up().await;
            world.command(&format!("messages retry {}", first.id)).await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: one");
            world.next_outcome("andy").await;
            assert!(world.given_up().await.is_empty());
            let runs = world.runs(sent.session_id.as_str()).await;
            assert_eq!(runs.len(), 2, "{runs:#?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_given_up_is_not_tried_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "one").await;
            world.next_reply("andy").await;
            let failure = world.command(&format!("messages retry {}", sent.message_id)).await;
            let failure = failure.unwrap_err();
            assert_eq!(failure.kind, host::error::ErrorKind::Conflict);
            assert_eq!(failure.hint_text(), Some("lazaret messages list --failed"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn slash_retry_tries_the_last_message_of_its_own_place_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says_in("andy", "t1", "!fail final no such model").await;
            world.next_outcome_in("andy", Some("t1")).await;
            world.says("andy", "/retry").await;
            assert_eq!(
                world.next_notice("andy").await,
                "Nothing here was given up that I could try again."
            );
            assert_eq!(world.given_up().await.len(), 1);
            world.says_in("andy", "t1", "/retry").await;
            let ended = world.next_outcome_in("andy", Some("t1")).await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Failed, .. }));
            assert_eq!(world.given_up().await.len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_owner_hears_of_a_flood_of_lost_posts_in_two_sentences_and_status_counts_them() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails((0..5).map(|_| gone()));
            for n in 0..5 {
                world.says("andy", &n.to_string()).await;
            }
            let first = world.next_notice("andy").await;
            assert!(first.starts_with("A message of andy was not delivered: the room"), "{first}");
            let rest = world.next_notice("andy").await;
            assert!(rest.starts_with("4 more messages were given up."), "{rest}");
            let status = world.ask(host::requests::Request::Status).await.unwrap();
            assert_eq!(status.waiting.given_up, 5);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_all_that_was_given_up_opens_no_sessions_files() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.platform.fails([gone()]);
            let sent = world.says("andy", "one").await;
            world.next_outcome("andy").await;
            world.passes(HOUR).await;
            std::fs::remove_dir_all(world.dir_of(&sent).root()).unwrap();
            let letter = world.the_one_given_up().await;
            let failure = world.command(&format!("messages retry {}", letter.id)).await;
            assert!(failure.unwrap_err().chain().contains("the agent's words are gone"));
            assert_eq!(world.given_up().await.len(), 1, "it is still given up");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_from_the_future_is_answered_now_and_in_its_turn() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create slack D1 --unknown-sender public").await;
            world.cli("wirings create slack:D1 andy --mode shared --engage pattern").await;
            let mut early = world.heard("slack D1 alice: from tomorrow");
            early.at = world.now() + HOUR * 24;
            assert_eq!(outcome(&world.brings(early).await.unwrap()), "woke");
            world.says_at("slack D1 alice: from today").await;
            assert_eq!(world.next_post().await, "slack D1: You said: from tomorrow");
            assert_eq!(world.next_post().await, "slack D1: You said: from today");
        })
        .await;
}
