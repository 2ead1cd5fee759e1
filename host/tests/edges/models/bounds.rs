//! Bounds: connections, heads, bodies.

use bytes::Bytes;
use futures_util::stream;
use host::limits::broker as limits;
use http_body_util::{Full, StreamBody};
use hyper::{Request, body::Frame, client::conn::http1};
use hyper_util::rt::TokioIo;
use schemas::model_call::CallError;
use tokio_util::task::TaskTracker;

use super::{
    door::{Door, hello, post},
    server::{Server, answer},
};
use crate::waiting::eventually;

#[tokio::test]
async fn who_opens_too_many_connections_is_told_so_and_harms_nobody_else() {
    let server = Server::start().await;
    let (greedy, other) = (Door::to(&server.base()), Door::to(&server.base()));
    let mut held = Vec::new();
    for _ in 0..limits::CONNECTIONS {
        held.push(greedy.client().await);
    }
    let refused = greedy.asks(post("/anthropic/v1/messages", &hello(true))).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (503, Some("busy")));
    assert!(other.calls_after(0).await.is_empty());
    drop(held.pop());
    eventually("there is a place again", async || {
        let asked = greedy.asks(post("/nowhere/x", &hello(true))).await;
        (asked.error() == Some("no-route")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let large = "x".repeat(limits::HEAD_BYTES);
    let request = Request::get("/anthropic/v1/models").header("x-large", large);
    let answer = door.asks(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status, 431);
    let many = (0..=limits::HEADERS)
        .fold(Request::get("/anthropic/x"), |request, n| request.header(format!("x-{n}"), "1"));
    assert_eq!(door.asks(many.body(Full::default()).unwrap()).await.status, 431);
    assert!(server.is_alone().await);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_unread() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let request = Request::post("/anthropic/v1/messages")
        .header("content-length", limits::BODY_BYTES + 1)
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    let mut client = door.client().await;
    let response = client.send_request(request).await;
    assert_eq!(response.unwrap().status(), 413);
    assert_eq!(door.the_call().await.error, Some(CallError::TooLarge));
    assert!(server.is_alone().await);
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_ended() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let pieces = limits::BODY_BYTES / (1 << 20) + 1;
    let frames = (0..pieces).map(move |_| Ok::<_, std::io::Error>(Frame::data(piece.clone())));
    let body = StreamBody::new(stream::iter(frames));
    let (mut client, talk) = http1::handshake(TokioIo::new(door.connects().await)).await.unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(async move { drop(talk.await) });
    let request = Request::post("/anthropic/v1/messages").body(body).unwrap();
    let hearing = async { server.accepts().await.hears().await.len() };
    let (_response, heard) = tokio::join!(client.send_request(request), hearing);
    assert!(u64::try_from(heard).unwrap() < limits::BODY_BYTES + (1 << 20), "{heard}");
    assert_eq!(door.the_call().await.error, Some(CallError::TooLarge));
}

#[tokio::test]
async fn a_connection_serves_call_after_call() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let mut client = door.client().await;
    for n in 0..3 {
        let said = answer("200 OK", &n.to_string());
        let asking = client.send_request(post("/anthropic/v1/messages", &hello(true)));
        let (response, _head) = tokio::join!(asking, server.answers(&said));
        assert_eq!(response.unwrap().status(), 200);
        client.ready().await.unwrap();
    }
    assert_eq!(door.calls_after(0).await.len(), 3);
}
