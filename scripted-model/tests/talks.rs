//! The server as a client meets it: over TCP, in each of its interfaces.
#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use scripted_model::server::ScriptedModel;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// The end of an interface's path.
const INTERFACES: [&str; 3] = ["messages", "responses", "chat/completions"];

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    /// What came, and whether the connection ended before the answer did.
    text: String,
    cut: bool,
}

impl Answer {
    /// The pieces of text in a stream, in every interface's shape.
    fn words(&self) -> String {
        let events = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        let events = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        let words = events.filter_map(|event| {
            let places = ["/delta/text", "/delta", "/choices/0/delta/content"];
            places.iter().find_map(|at| Some(event.pointer(at)?.as_str()?.to_owned()))
        });
        words.collect()
    }
}

async fn asks(model: &ScriptedModel, script: &str, interface: &str, body: Value) -> Answer {
    let tcp = TcpStream::connect(model.address()).await.unwrap();
    let (mut client, connection) = http1::handshake(TokioIo::new(tcp)).await.unwrap();
    let base = model.base(script);
    let path = format!("{base}/v1/{interface}");
    let request = Request::post(path)
        .header("authorization", "Bearer key")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let talk = async move {
        let answer = client.send_request(request).await.unwrap();
        let status = answer.status();
        let after = answer.headers().get("retry-after");
        let retry_after = after.map(|value| value.to_str().unwrap().to_owned());
        let (mut text, mut cut) = (Vec::new(), false);
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                cut = true;
                break;
            };
            text.extend_from_slice(frame.data_ref().unwrap());
        }
        Answer { status, retry_after, text: String::from_utf8(text).unwrap(), cut }
    };
    let (answer, _ended) = tokio::join!(talk, connection);
    answer
}

/// A request that every interface takes, with a shell.
fn hello(stream: bool) -> Value {
    let said = json!([{"role": "user", "content": "hello there"}]);
    json!({"model": "m", "max_tokens": 9, "stream": stream, "messages": said, "input": said,
           "tools": [{"type": "function", "name": "exec_command",
                      "function": {"name": "shell_command"}}]})
}

#[tokio::test]
async fn every_interface_streams_the_words_of_its_script() {
    let model = ScriptedModel::start(0).await.unwrap();
    for interface in INTERFACES {
        let script = format!("echo,slow:3x1,say:at%20last@{}", interface.len());
        for expected in ["hello there", "w0 w1 w2 ", "at last", "at last"] {
            let answer = asks(&model, &script, interface, hello(true)).await;
            assert_eq!((answer.words().as_str(), answer.cut), (expected, false), "{interface}");
        }
    }
    assert!(model.seen().iter().all(|seen| seen.wrong.is_empty()), "{:?}", model.seen());
}

#[tokio::test]
async fn every_interface_calls_the_shell_that_it_was_offered() {
    let model = ScriptedModel::start(0).await.unwrap();
    for (interface, tool) in INTERFACES.into_iter().zip(["exec_command", "exec_command", "shell"]) {
        for stream in [true, false] {
            let script = format!("run:ls%20-l@{interface}{stream}").replace('/', "");
            let answer = asks(&model, &script, interface, hello(stream)).await;
            assert!(answer.text.contains(tool), "{interface}: {}", answer.text);
            assert!(answer.text.contains("ls -l"), "{interface}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn every_interface_fails_as_it_is_told() {
    let model = ScriptedModel::start(0).await.unwrap();
    for interface in INTERFACES {
        let script = format!("err:429:7,fail,cut,say:there@{}", interface.len());
        let refused = asks(&model, &script, interface, hello(true)).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.retry_after.as_deref(), Some("7"));
        let failed = asks(&model, &script, interface, hello(true)).await;
        assert!(failed.text.contains("Overloaded") && !failed.cut, "{interface}");
        assert!(asks(&model, &script, interface, hello(true)).await.cut, "{interface}");
        assert_eq!(asks(&model, &script, interface, hello(true)).await.words(), "there");
    }
}

#[tokio::test]
async fn what_is_asked_by_the_way_takes_no_play_and_what_is_wrong_is_remembered() {
    let model = ScriptedModel::start(0).await.unwrap();
    let title = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "robot"}]});
    let aside = asks(&model, "err:500", "messages", title).await;
    assert!(aside.text.contains("aside"), "{}", aside.text);
    let seen = model.seen();
    assert_eq!((seen[0].nth, seen[0].key.as_deref()), (0, Some("key")));
    assert_eq!(seen[0].wrong, ["a message of \"robot\""]);
}

#[tokio::test]
async fn a_script_that_is_none_is_refused_by_name() {
    let model = ScriptedModel::start(0).await.unwrap();
    let refused = asks(&model, "sing", "messages", hello(true)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("sing"), "{}", refused.text);
}
