//! What bad input gets.

use host::{error::ErrorKind, limits, requests::Request};
use schemas::{
    admin::{NewAgent, SendMessage},
    content::Attachment,
    policy::ChainEntry,
};

use crate::world::{World, plain};

#[tokio::test(start_paused = true)]
async fn an_unknown_agent_is_an_error_with_the_nearest_names() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            let hello = SendMessage { text: "hi".to_owned(), ..SendMessage::default() };
            let refused = world.send("andi", hello).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::NotFound);
            assert_eq!(refused.chain(), "no agent \"andi\"");
            assert_eq!(refused.hint_text(), Some("did you mean andy, betty?"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_session_is_an_error_with_the_nearest_ids() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hi").await;
            world.next_reply("andy").await;
            let refused =
                world.ask(|answer| Request::Runs("sess-x".to_owned(), answer)).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::NotFound);
            assert!(refused.hint_text().unwrap().contains(sent.session_id.as_str()));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limits_says_which() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let text = "x".repeat(limits::MESSAGE_TEXT_BYTES + 1);
            let long = SendMessage { text, ..SendMessage::default() };
            let refused = world.send("andy", long).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::TooLarge);
            assert!(refused.chain().contains("at most 1048576"), "{}", refused.chain());
            let empty = world.send("andy", SendMessage::default()).await.unwrap_err();
            assert_eq!(empty.kind, ErrorKind::Invalid);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_attachment_is_named_and_the_rest_of_the_message_arrives() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let file = |name: &str, data: &str| Attachment {
                name: Some(name.to_owned()),
                data: Some(data.to_owned()),
                ..Attachment::default()
            };
            let message = SendMessage {
                text: "two files".to_owned(),
                attachments: vec![file("good.txt", "aGVsbG8="), file("bad.txt", "no base64!")],
                ..SendMessage::default()
            };
            let accepted = world.send("andy", message).await.unwrap();
            assert_eq!(accepted.refused_attachments.len(), 1);
            assert!(accepted.refused_attachments[0].contains("bad.txt"));
            let reply = world.next_reply("andy").await;
            assert!(reply.contains("good.txt (5 bytes)"), "{reply}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_work_is_refused_when_it_is_saved() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let named = |name: &str| NewAgent { name: name.to_owned(), ..plain() };
            let entry = |word: &str| ChainEntry { provider: word.to_owned(), model: None };
            let cases = [
                (named("andy"), ErrorKind::Conflict),
                (named("../etc"), ErrorKind::Invalid),
                (named(""), ErrorKind::Invalid),
                (NewAgent { provider: "ecko".to_owned(), ..named("x") }, ErrorKind::NotFound),
                (NewAgent { fallbacks: vec![entry("ecko")], ..named("x") }, ErrorKind::NotFound),
                (NewAgent { fallbacks: vec![entry("echo"); 9], ..named("x") }, ErrorKind::Invalid),
                (NewAgent { memory_bytes: Some(1), ..named("x") }, ErrorKind::Invalid),
            ];
            for (agent, kind) in cases {
                let refused = world.create_agent(agent.clone()).await.unwrap_err();
                assert_eq!(refused.kind, kind, "{agent:?}");
            }
        })
        .await;
}
