//! What passes: questions with the host's key, answers as they are, piece by piece.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use schemas::model_call::{CallError, CallUsage};
use scripted_model::server::ScriptedModel;

use super::{
    door::{Door, KEY, hello, post},
    server::{STREAM, Server, answer, piece},
};

#[tokio::test]
async fn the_hosts_key_goes_along_and_the_guests_own_stays_behind() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let request = Request::get("/anthropic/v1/models?limit=2")
        .header("x-api-key", "guessed")
        .header("authorization", "Bearer guessed")
        .header("cookie", "guessed=1")
        .header("host", "guessed.example")
        .header("proxy-authorization", "guessed")
        .header("anthropic-version", "2023-06-01")
        .body(Full::default())
        .unwrap();
    let answered = answer("200 OK\r\nset-cookie: session=1\r\nrequest-id: r1", "{}");
    let (got, head) = tokio::join!(door.asks(request), server.answers(&answered));
    assert!(head.starts_with("get /base/v1/models?limit=2 http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("x-api-key: {KEY}\r\n")), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01\r\n"), "{head}");
    assert!(head.contains("host: 127.0.0.1") && !head.contains("guessed"), "{head}");
    assert_eq!((got.status.as_u16(), got.text.as_str(), got.error()), (200, "{}", None));
    assert_eq!(got.headers.get("request-id").unwrap(), "r1");
    assert!(!got.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn each_piece_of_an_answer_passes_before_the_next_is_there() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let asking = door.begins(post("/anthropic/v1/messages", &hello(true)));
    let answering = async {
        let mut talk = server.accepts().await;
        talk.head().await;
        talk.says(&format!("{STREAM}{}", piece("data: one\n\n"))).await;
        talk
    };
    let ((response, _client), mut talk) = tokio::join!(asking, answering);
    let mut body = response.into_body();
    // Nothing more comes until this one was read here.
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: one\n\n");
    let call = door.calls_after(0).await.remove(0);
    assert_eq!((call.status, call.ended), (Some(200), false));
    talk.says(&format!("{}0\r\n\r\n", piece("data: two\n\n"))).await;
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(second, "data: two\n\n");
    assert!(body.frame().await.is_none());
    let call = door.the_call().await;
    assert_eq!((call.error, call.usage), (None, None));
}

#[tokio::test]
async fn every_interface_is_spoken_and_what_it_used_is_known() {
    let model = ScriptedModel::start(0).await.unwrap();
    let door = Door::to(&model.base("say:hello"));
    door.keeps("openai", "sk-other");
    let mut after = 0;
    for (path, key) in [
        ("/anthropic/v1/messages", KEY),
        ("/openai/responses", "sk-other"),
        ("/openai/chat/completions", "sk-other"),
    ] {
        for stream in [true, false] {
            let answer = door.asks(post(path, &hello(stream))).await;
            assert!(answer.status.is_success() && answer.text.contains("hello"), "{path}");
            assert_eq!(model.seen().last().unwrap().key.as_deref(), Some(key));
            let call = door.calls_after(after).await.remove(0);
            after = call.n;
            assert_eq!((call.status, call.error, call.ended), (Some(200), None, true), "{path}");
            assert_eq!(call.model.as_deref(), Some("m"), "{path} {stream}");
            assert!(call.usage.is_some_and(|usage| usage != CallUsage::default()), "{call:?}");
        }
    }
    assert!(model.seen().iter().all(|seen| seen.wrong.is_empty()), "{:?}", model.seen());
    assert!(door.calls_after(after).await.is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_model_passes_with_its_pause_and_is_remembered() {
    let model = ScriptedModel::start(0).await.unwrap();
    let door = Door::to(&model.base("err:429:7"));
    let answer = door.asks(post("/anthropic/v1/messages", &hello(true))).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (429, None));
    assert_eq!(answer.headers.get("retry-after").unwrap(), "7");
    assert!(answer.text.contains("error"), "{}", answer.text);
    let call = door.the_call().await;
    assert_eq!((call.status, call.retry_after_ms, call.error), (Some(429), Some(7_000), None));
    assert_eq!((call.route.as_str(), call.path.as_str()), ("anthropic", "/v1/messages"));
}

#[tokio::test]
async fn an_answer_that_is_cut_is_cut_for_the_guest_and_remembered() {
    let model = ScriptedModel::start(0).await.unwrap();
    let door = Door::to(&model.base("cut"));
    let answer = door.asks(post("/anthropic/v1/messages", &hello(true))).await;
    assert!(answer.cut && answer.status.is_success());
    let call = door.the_call().await;
    assert_eq!((call.status, call.error), (Some(200), Some(CallError::Cut)));
    // What it used until then was used.
    assert!(call.usage.is_some(), "{call:?}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_by_its_kind_alone() {
    let server = Server::start().await;
    let (door, base) = (Door::to(&server.base()), server.base());
    drop(server);
    let answer = door.asks(post("/anthropic/v1/messages", &hello(true))).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (502, Some("unreachable")));
    let address = base.trim_start_matches("http://").trim_end_matches("/base");
    assert!(!answer.text.contains(address) && !answer.text.contains("refused"), "{}", answer.text);
    assert_eq!(door.the_call().await.error, Some(CallError::Unreachable));
}

#[tokio::test]
async fn an_unknown_route_is_told_in_the_interfaces_own_shape() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let answer = door.asks(post("/antropic/v1/messages", &hello(true))).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (404, Some("no-route")));
    let said: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(said["error"]["type"], "not_found_error");
    assert_eq!(door.the_call().await.error, Some(CallError::NoRoute));
    assert!(server.is_alone().await);
}
