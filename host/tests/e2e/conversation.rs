//! People talk with agents.

use schemas::{
    admin::{RoomEvent, SendMessage},
    message::Outcome,
};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_message_is_answered() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "hello").await;
            assert_eq!(world.next_reply("andy").await, "You said: hello");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn fifty_messages_get_fifty_answers_in_order_from_one_container() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let mut session = String::new();
            for n in 0..50 {
                session = world.says("andy", &format!("number {n}")).await.session_id.to_string();
            }
            for n in 0..50 {
                assert_eq!(world.next_reply("andy").await, format!("You said: number {n}"));
            }
            assert_eq!(world.yard.started(), 1);
            let settled: usize =
                world.runs(&session).await.iter().map(|run| run.message_ids.len()).sum();
            assert_eq!(settled, 50, "each message has exactly one settled run");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_same_client_id_and_text_is_one_message() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let once = SendMessage {
                text: "hello".to_owned(),
                client_id: Some("key-1".to_owned()),
                ..SendMessage::default()
            };
            let first = world.send("andy", once.clone()).await.unwrap();
            let again = world.send("andy", once.clone()).await.unwrap();
            assert_eq!((first.message_id, first.seq), (again.message_id, again.seq));
            assert!(again.replayed && !first.replayed);
            assert_eq!(world.next_reply("andy").await, "You said: hello");
            let other = SendMessage { text: "other".to_owned(), ..once };
            let refused = world.send("andy", other).await.unwrap_err();
            assert_eq!(refused.kind, host::error::ErrorKind::Conflict);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_room_sees_that_the_agent_works_and_how_its_run_ended() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello\n!slow 5000").await;
            let began = world.next_event("andy", None).await;
            assert!(matches!(began, RoomEvent::Typing { on: true, .. }), "{began:?}");
            world.next_reply("andy").await;
            let RoomEvent::RunFinished { message_ids, outcome, .. } =
                world.next_outcome("andy").await
            else {
                unreachable!("only outcomes are returned")
            };
            assert_eq!((message_ids, outcome), (vec![sent.message_id], Outcome::Completed));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_is_told_in_the_room() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!fail final no such model").await;
            let notice = world.next_notice("andy").await;
            assert_eq!(notice, "I could not answer: no such model");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_nothing_is_a_completed_run_and_no_message() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!silent").await;
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Completed, .. }));
        })
        .await;
}
