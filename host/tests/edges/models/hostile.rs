//! What no runtime says: written byte by byte onto the socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    door::{Door, KEY, hello, post},
    server::Server,
};

/// What the socket answers to these bytes, until it hangs up or the guest does.
async fn says(door: &Door, bytes: &[u8]) -> String {
    let mut stream = door.connects().await;
    // It may have heard enough in the middle.
    let _hung_up = stream.write_all(bytes).await.is_err() || stream.shutdown().await.is_err();
    let mut answer = Vec::new();
    let _hung_up = stream.read_to_end(&mut answer).await.is_err();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_reaches_nobody() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    for target in [
        "GET /anthropic/../admin",
        "GET /anthropic/%2e%2e/admin",
        "GET /anthropic/..%2fadmin",
        "GET /anthropic/..;/admin",
        "GET /anthropic//evil.example/x",
        "GET /anthropic/a\\b",
        "GET /anthropic/a%00b",
        "GET http://evil.example/anthropic/v1/models",
        "GET https://evil.example/",
        "CONNECT evil.example:443",
        "CONNECT /anthropic/v1/messages",
        "PUT /anthropic/v1/messages",
        "DELETE /anthropic/v1/files/x",
        "HEAD /anthropic/v1/models",
        "OPTIONS *",
        "TRACE /anthropic/x",
        "PRI *",
        "POST /calls",
        "GET /calls?after=x",
    ] {
        let request = format!("{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = says(&door, request.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{target}: {answer}");
        assert!(!answer.contains(KEY));
    }
    assert!(server.is_alone().await);
}

#[tokio::test]
async fn nothing_is_upgraded_and_nothing_is_smuggled() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    for head in [
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13",
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ",
        "content-length: 4\r\ntransfer-encoding: chunked",
        "content-length: 4\r\ncontent-length: 5",
        "content-length: -1",
        "transfer-encoding: gzip",
        "x-folded: a\r\n b",
        "x bad: 1",
    ] {
        let request = format!(
            "POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\n{head}\r\nx-last: 1\r\n\r\n0\r\n\r\n"
        );
        let answer = says(&door, request.as_bytes()).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400");
        // Where both lengths are given, the request is read by its pieces and the other forgotten.
        let by_pieces = head.ends_with("chunked");
        assert!(refused || by_pieces, "{head}: {answer}");
        assert!(!answer.contains(KEY) && !answer.contains("101"), "{head}: {answer}");
    }
}

#[tokio::test]
async fn whatever_is_written_onto_it_the_next_call_works() {
    let model = scripted_model::server::ScriptedModel::start(0).await.unwrap();
    let door = Door::to(&model.base("say:hi"));
    let noise: Vec<u8> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let heads = "GET /anthropic/x HTTP/1.1\r\n".repeat(10_000);
    for bytes in [
        &b""[..],
        b"\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /anthropic/v1/models",
        b"POST /anthropic/v1/messages HTTP/1.1\r\ncontent-length: 9\r\n\r\n{",
        b"POST /anthropic/v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        heads.as_bytes(),
        &noise,
    ] {
        let answer = says(&door, bytes).await;
        assert!(!answer.contains(KEY), "{answer}");
    }
    let answer = door.asks(post("/anthropic/v1/messages", &hello(true))).await;
    assert!(answer.status.is_success());
}
