//! Requests and answers.

use host::{
    client::Client,
    draft::Draft,
    error::{ErrorKind, HostError},
};
use schemas::{
    admin::{Accepted, Agent, NewAgent, RunInfo, SendMessage, SessionInfo, Status},
    ids::MessageId,
};
use serde_json::{Value, json};

use crate::fake_daemon::World;

#[tokio::test]
async fn a_message_is_accepted_once_however_often_it_is_sent() {
    World::run(async |world| {
        let mut client = world.client().await;
        let message = SendMessage {
            text: "hello".to_owned(),
            client_id: Some("c1".to_owned()),
            ..SendMessage::default()
        };
        assert!(!client.send("andy", &message).await.unwrap().replayed);
        assert!(client.send("andy", &message).await.unwrap().replayed);
        assert_eq!(*world.received.lock().unwrap(), [Draft::of(message).unwrap()]);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_agent_is_an_error_with_the_hosts_hint() {
    World::run(async |world| {
        let message = SendMessage { text: "hello".to_owned(), ..SendMessage::default() };
        let error = world.client().await.send("b/b", &message).await.unwrap_err();
        assert_eq!((error.kind, error.chain().as_str()), (ErrorKind::NotFound, "no agent \"b/b\""));
        assert_eq!(error.hint_text(), Some("known are andy"));
    })
    .await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_where_and_why() {
    World::run(async |world| {
        let mut client = world.client().await;
        let error = refusal(&mut client, &json!({ "txt": "hello" })).await;
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.chain().contains("unknown field `txt`, expected one of `text`"));
        let error = refusal(&mut client, &json!({ "text": 7 })).await;
        assert!(error.chain().contains("expected a string"));
        let error = refusal(&mut client, &json!({ "text": " " })).await;
        assert_eq!(error.chain(), "the message is empty");
        assert!(world.received.lock().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_path_or_method_that_does_not_exist_is_a_problem_too() {
    World::run(async |world| {
        let mut client = world.client().await;
        let error = client.get::<Value>("/v1/nowhere").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        let error = client.get::<Value>("/v1/shutdown").await.unwrap_err();
        assert_eq!(error.chain(), "/v1/shutdown does not take GET");
        let error = client.get::<Value>("/v1/agents/andy/stream?after=x").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn every_question_reaches_the_daemon_over_one_connection() {
    World::run(async |world| {
        let mut client = world.client().await;
        assert_eq!(client.get::<Status>("/v1/status").await.unwrap().engine, "none");
        assert_eq!(client.get::<Vec<Agent>>("/v1/agents").await.unwrap().len(), 1);
        let new: NewAgent = serde_json::from_value(json!({ "name": "bob" })).unwrap();
        assert_eq!(client.post::<Agent>("/v1/agents", &new).await.unwrap().name, "bob");
        let sessions: Vec<SessionInfo> = client.get("/v1/sessions").await.unwrap();
        let id = &sessions.first().unwrap().id;
        let route = format!("/v1/sessions/{id}/reset");
        assert_eq!(client.post::<SessionInfo>(&route, &()).await.unwrap().id, *id);
        let route = format!("/v1/sessions/{id}/runs");
        assert!(client.get::<Vec<RunInfo>>(&route).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_file_is_streamed_whole_under_any_name() {
    World::run(async |world| {
        let message = MessageId::parse("a/b:1").unwrap();
        let mut client = world.client().await;
        let mut file = client.file(&world.session, &message, "my \"file\".txt").await.unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = file.piece().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(String::from_utf8(bytes).unwrap(), "my \"file\".txt of a/b:1");
    })
    .await;
}

#[tokio::test]
async fn a_request_larger_than_the_limit_is_refused_and_the_socket_lives_on() {
    World::run(async |world| {
        let text = "x".repeat(host::limits::REQUEST_BYTES);
        let message = SendMessage { text, ..SendMessage::default() };
        let error = world.client().await.send("andy", &message).await.unwrap_err();
        // The host closes on a body that it will not read, which a client may see first.
        assert!(matches!(error.kind, ErrorKind::TooLarge | ErrorKind::HostDown), "{error}");
        assert!(world.client().await.get::<Status>("/v1/status").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn shutdown_is_answered_before_the_socket_goes() {
    World::run(async |world| {
        let mut client = world.client().await;
        client.post::<()>("/v1/shutdown", &()).await.unwrap();
        assert!(world.shutdown.is_cancelled());
    })
    .await;
}

async fn refusal(client: &mut Client, body: &Value) -> HostError {
    client.post::<Accepted>("/v1/agents/andy/messages", body).await.unwrap_err()
}
