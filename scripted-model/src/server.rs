//! The server: HTTP on loopback.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    asked::{Asked, Outcome, Said, outcome},
    chat, check, frame, messages, responses, script,
    seen::{Api, Memory, Seen},
};

/// The longest body that is read, in bytes: contexts of a million tokens are about four.
const LONGEST_BODY: usize = 64 << 20;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct ScriptedModel {
    address: SocketAddr,
    memory: Arc<Memory>,
    serving: JoinHandle<()>,
}

impl ScriptedModel {
    /// Starts one on loopback, at a port or at any.
    ///
    /// # Errors
    /// When nothing can listen there.
    pub async fn start(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let memory = Arc::new(Memory::default());
        let app = router(Arc::clone(&memory));
        #[expect(clippy::disallowed_methods, reason = "a test's own task, ended with its owner")]
        let serving = tokio::spawn(async move {
            // It ends by being aborted.
            drop(axum::serve(listener, app).await);
        });
        Ok(Self { address, memory, serving })
    }

    /// The base URL of a script, as a runtime is given it: the paths of its interface follow.
    #[must_use]
    pub fn base(&self, script: &str) -> String {
        format!("http://{}/s/{script}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.memory.all()
    }

    /// Serves until the end of the process.
    ///
    /// # Errors
    /// When the task that serves has panicked.
    pub async fn serve(mut self) -> Result<(), tokio::task::JoinError> {
        (&mut self.serving).await
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(memory: Arc<Memory>) -> Router {
    Router::new()
        .route("/seen", get(seen).delete(forget))
        .fallback(answer)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(memory)
}

async fn seen(State(memory): State<Arc<Memory>>) -> Json<Vec<Seen>> {
    Json(memory.all())
}

async fn forget(State(memory): State<Arc<Memory>>) -> StatusCode {
    memory.forget();
    StatusCode::NO_CONTENT
}

/// What a path asks for.
enum Wanted {
    Ask(Api),
    Count,
    Models,
}

fn wanted(path: &str) -> Option<Wanted> {
    let asks = [
        ("/count_tokens", Wanted::Count),
        ("/messages", Wanted::Ask(Api::Messages)),
        ("/responses", Wanted::Ask(Api::Responses)),
        ("/chat/completions", Wanted::Ask(Api::Chat)),
        ("/models", Wanted::Models),
    ];
    asks.into_iter().find_map(|(end, wanted)| path.ends_with(end).then_some(wanted))
}

async fn answer(State(memory): State<Arc<Memory>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let Some((script, wanted)) = path.strip_prefix("/s/").and_then(|rest| {
        let (script, path) = rest.split_once('/')?;
        Some((script, wanted(&format!("/{path}"))?))
    }) else {
        return problem(StatusCode::NOT_FOUND, &format!("no such path: {path}"));
    };
    let api = match wanted {
        Wanted::Models => return Json(models()).into_response(),
        Wanted::Count => return Json(json!({"input_tokens": 100})).into_response(),
        Wanted::Ask(api) => api,
    };
    if let Some(encoding) = parts.headers.get(header::CONTENT_ENCODING) {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, &format!("{encoding:?} is not read"));
    }
    let read = axum::body::to_bytes(body, LONGEST_BODY).await.map_err(|error| error.to_string());
    let read = read.and_then(|bytes| json_of(&bytes));
    match read {
        Ok(body) => play(&memory, api, script, &parts.headers, body).await,
        Err(why) => problem(StatusCode::BAD_REQUEST, &why),
    }
}

fn json_of(bytes: &Bytes) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("the body is no JSON: {error}"))
}

async fn play(
    memory: &Memory,
    api: Api,
    script: &str,
    headers: &HeaderMap,
    body: Value,
) -> Response {
    let written = script.split_once('@').map_or(script, |(script, _)| script);
    let plays = match script::parse(written) {
        Ok(plays) => plays,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let asked = match api {
        Api::Messages => messages::asked(&body),
        Api::Responses => responses::asked(&body),
        Api::Chat => chat::asked(&body),
    };
    // Titles and summaries that a runtime asks for by the way offer no tools.
    let aside = asked.tools.is_empty();
    let nth = if aside { 0 } else { memory.next(script) };
    let key = key(headers);
    let wrong = check::wrong(api, &body, key.as_deref());
    memory.remember(Seen { api, script: script.to_owned(), nth, key, body, wrong });
    let aside_play = script::Play::Say { words: vec!["aside".into()], pause: <_>::default() };
    let play = if aside { Some(&aside_play) } else { plays.get(nth - 1).or_else(|| plays.last()) };
    let Some(play) = play else {
        return problem(StatusCode::BAD_REQUEST, "the script has no play");
    };
    match outcome(play, &asked) {
        Outcome::Says(said) => says(api, &said, &asked, nth),
        Outcome::Refused { status, retry_after } => refuses(api, status, retry_after),
        Outcome::Hangs => std::future::pending().await,
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    let plain = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    plain.or(bearer).map(str::to_owned)
}

fn says(api: Api, said: &Said, asked: &Asked, nth: usize) -> Response {
    if !asked.stream {
        return Json(match api {
            Api::Messages => messages::whole(said, asked, nth),
            Api::Responses => responses::whole(said, asked, nth),
            Api::Chat => chat::whole(said, asked, nth),
        })
        .into_response();
    }
    let frames = match api {
        Api::Messages => messages::frames(said, asked, nth),
        Api::Responses => responses::frames(said, asked, nth),
        Api::Chat => chat::frames(said, asked, nth),
    };
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (kind, frame::body(frames)).into_response()
}

fn refuses(api: Api, status: u16, retry_after: Option<u64>) -> Response {
    let body = match api {
        Api::Messages => messages::refusal(status),
        Api::Responses | Api::Chat => chat::refusal(status),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn models() -> Value {
    json!({"object": "list", "has_more": false, "data": [
        {"id": "scripted", "object": "model", "type": "model", "display_name": "Scripted"}]})
}

fn problem(status: StatusCode, message: &str) -> Response {
    let error = json!({"type": "scripted_model", "message": message});
    (status, Body::from(json!({"type": "error", "error": error}).to_string())).into_response()
}
