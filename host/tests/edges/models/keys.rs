//! Keys: missing, given, changed; and never carried elsewhere.

use schemas::model_call::CallError;
use scripted_model::server::ScriptedModel;

use super::{
    door::{Door, KEY, hello, post},
    server::{Server, answer},
};

#[tokio::test]
async fn without_a_key_nobody_is_asked_and_one_that_is_given_holds_at_once() {
    let model = ScriptedModel::start(0).await.unwrap();
    let door = Door::without_keys(&model.base("say:hi"));
    let ask = async || door.asks(post("/anthropic/v1/messages", &hello(false))).await;
    let refused = ask().await;
    assert_eq!((refused.status.as_u16(), refused.error()), (401, Some("no-key")));
    let said: serde_json::Value = serde_json::from_str(&refused.text).unwrap();
    assert_eq!(
        (&said["type"], &said["error"]["type"]),
        (&"error".into(), &"authentication_error".into())
    );
    assert_eq!(door.the_call().await.error, Some(CallError::NoKey));
    assert!(model.seen().is_empty());
    for key in ["sk-one", "sk-two"] {
        door.keeps("anthropic", key);
        assert!(ask().await.status.is_success());
        assert_eq!(model.seen().last().unwrap().key.as_deref(), Some(key));
    }
    door.broker.secrets().remove("anthropic").unwrap();
    assert_eq!(ask().await.error(), Some("no-key"));
}

#[tokio::test]
async fn a_key_does_not_follow_where_a_server_points() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let door = Door::to(&server.base());
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let there = format!("{status}\r\nlocation: {}/v1/messages", elsewhere.base());
        let there = answer(&there, "");
        let asking = door.asks(post("/anthropic/v1/messages", &hello(true)));
        let (got, _head) = tokio::join!(asking, server.answers(&there));
        assert_eq!((got.status.as_u16(), got.error()), (502, Some("redirect")), "{status}");
        assert!(!got.headers.contains_key("location"));
    }
    assert!(elsewhere.is_alone().await);
    let errors = door.calls_after(0).await.into_iter().map(|call| call.error);
    assert!(errors.eq([Some(CallError::Redirect); 4]));
}

#[tokio::test]
async fn a_key_is_not_said_to_a_server_that_speaks_no_tls() {
    let server = Server::start().await;
    let door = Door::to(&server.base().replace("http:", "https:"));
    let talking = async {
        let mut talk = server.accepts().await;
        talk.says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        talk.hears().await
    };
    let asking = door.asks(post("/anthropic/v1/messages", &hello(true)));
    let (got, heard) = tokio::join!(asking, talking);
    assert_eq!(got.error(), Some("unreachable"));
    assert!(!heard.is_empty() && !String::from_utf8_lossy(&heard).contains(KEY));
}

#[tokio::test]
async fn a_login_token_goes_as_one() {
    let server = Server::start().await;
    let door = Door::without_keys(&server.base());
    door.keeps("anthropic", "sk-ant-oat01-abc");
    let asking = door.asks(post("/anthropic/v1/messages", &hello(true)));
    let answered = answer("200 OK", "{}");
    let (_, head) = tokio::join!(asking, server.answers(&answered));
    assert!(head.contains("authorization: bearer sk-ant-oat01-abc\r\n"), "{head}");
    assert!(head.contains("anthropic-beta: oauth-2025-04-20\r\n"), "{head}");
    assert!(!head.contains("x-api-key"), "{head}");
}
