//! The harness: a broker with a session's socket in a temporary folder, and a guest's client.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use host::{
    broker::{Auth, BaseUrl, Broker, ModelSocket, Route},
    secrets::{Secret, Secrets},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::HeaderMap,
};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use schemas::{
    ids::{InstallId, SessionId},
    model_call::{ERROR_HEADER, MODEL_SOCKET, ModelCall, ModelCalls},
    time::SystemClock,
};
use serde_json::Value;
use tokio::net::UnixStream;
use tokio_util::task::TaskTracker;

use crate::waiting::eventually;

/// The key that the host has for `anthropic`.
pub(crate) const KEY: &str = "sk-of-the-host";

/// A host's end and a guest's end of one socket.
pub(crate) struct Door {
    folder: tempfile::TempDir,
    pub(crate) broker: Broker,
    pub(crate) socket: Option<ModelSocket>,
    base: String,
    tasks: TaskTracker,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Whether it ended before it was whole.
    pub(crate) cut: bool,
}

impl Answer {
    /// Our own word for what went wrong.
    pub(crate) fn error(&self) -> Option<&str> {
        self.headers.get(ERROR_HEADER).map(|value| value.to_str().unwrap())
    }
}

impl Door {
    /// Both routes lead to this server, and `anthropic` has a key.
    pub(crate) fn to(base: &str) -> Self {
        let door = Self::without_keys(base);
        door.keeps("anthropic", KEY);
        door
    }

    /// The same without a key.
    pub(crate) fn without_keys(base: &str) -> Self {
        // A socket's path must be short.
        let folder = tempfile::Builder::new().prefix("lm").tempdir_in("/tmp").unwrap();
        let broker = broker(folder.path(), base);
        let mut door =
            Self { folder, broker, socket: None, base: base.to_owned(), tasks: TaskTracker::new() };
        door.open();
        door
    }

    /// Listens, where an older socket of it may lie.
    pub(crate) fn open(&mut self) {
        let session = SessionId::mint(Timestamp::UNIX_EPOCH);
        self.socket = Some(self.broker.open(&session, &self.sockets()).unwrap());
    }

    /// The host dies where it stands, its file stays, and another one begins.
    pub(crate) fn host_dies_and_another_begins(&mut self) {
        let stale = self.path().with_extension("kept");
        std::fs::rename(self.path(), &stale).unwrap();
        self.broker.abandon();
        self.socket = None;
        std::fs::rename(stale, self.path()).unwrap();
        self.broker = broker(self.folder.path(), &self.base);
        self.open();
    }

    /// The folder that a container has mounted.
    pub(crate) fn sockets(&self) -> PathBuf {
        self.folder.path().join("s7")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.sockets().join(MODEL_SOCKET)
    }

    /// Somebody gives the host a key.
    pub(crate) fn keeps(&self, name: &str, value: &str) {
        let secret = Secret::new(value.to_owned());
        self.broker.secrets().set(name, secret, Timestamp::UNIX_EPOCH).unwrap();
    }

    /// A connection without a word on it.
    pub(crate) async fn connects(&self) -> UnixStream {
        UnixStream::connect(self.path()).await.unwrap()
    }

    /// A client's connection.
    pub(crate) async fn client(&self) -> SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.connects().await);
        let (client, talk) = http1::handshake(stream).await.unwrap();
        self.tasks.spawn(async move { drop(talk.await) });
        client
    }

    /// The head of an answer; its body is still to come, as long as the client is kept.
    pub(crate) async fn begins(
        &self,
        request: Request<Full<Bytes>>,
    ) -> (Response<Incoming>, SendRequest<Full<Bytes>>) {
        let mut client = self.client().await;
        (client.send_request(request).await.unwrap(), client)
    }

    /// A whole answer.
    pub(crate) async fn asks(&self, request: Request<Full<Bytes>>) -> Answer {
        let (response, _client) = self.begins(request).await;
        let (parts, mut body) = response.into_parts();
        let (mut text, mut cut) = (Vec::new(), false);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                cut = true;
                break;
            };
            text.extend_from_slice(frame.data_ref().unwrap());
        }
        let text = String::from_utf8(text).unwrap();
        Answer { status: parts.status, headers: parts.headers, text, cut }
    }

    /// What the host remembers, as a guest asks for it.
    pub(crate) async fn calls_after(&self, n: u64) -> Vec<ModelCall> {
        let request = Request::get(format!("/calls?after={n}")).body(Full::default()).unwrap();
        let answer = self.asks(request).await;
        assert_eq!(answer.status, 200);
        serde_json::from_str::<ModelCalls>(&answer.text).unwrap().calls
    }

    /// The only call, once it has ended.
    pub(crate) async fn the_call(&self) -> ModelCall {
        eventually("the call ends", async || {
            let calls = self.calls_after(0).await;
            assert!(calls.len() < 2, "{calls:?}");
            calls.into_iter().find(|call| call.ended)
        })
        .await
    }
}

fn broker(folder: &Path, base: &str) -> Broker {
    let install = InstallId::mint(Timestamp::UNIX_EPOCH);
    let secrets = Secrets::open(folder, Some(folder.join("keys")), install);
    let route = |name: &str, auth| Route {
        name: name.to_owned(),
        base: BaseUrl::parse(base).unwrap(),
        secret: name.to_owned(),
        auth,
    };
    let routes = vec![route("anthropic", Auth::XApiKey), route("openai", Auth::Bearer)];
    Broker::new(Arc::new(SystemClock), routes, secrets)
}

/// A question to a model.
pub(crate) fn post(path: &str, body: &Value) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from(body.to_string()));
    let request = Request::builder().method(Method::POST).uri(path);
    request.header("content-type", "application/json").body(body).unwrap()
}

/// One that every interface takes.
pub(crate) fn hello(stream: bool) -> Value {
    let said = serde_json::json!([{"role": "user", "content": "hello there"}]);
    serde_json::json!({
        "model": "m", "max_tokens": 9, "stream": stream, "messages": said, "input": said,
        "tools": [{"type": "function", "name": "exec_command",
                   "function": {"name": "shell_command"}}]
    })
}
