//! The host's socket: HTTP for the operator's and the terminal's programs.
//!
//! Owns the socket file and the routes. A handler reads a request, asks the daemon and writes the
//! answer; it decides nothing. Who may connect is decided here once: the same user or root, by the
//! kernel's word, beside the socket's own mode. Every answer that is not 2xx is a `Problem`.
//!
//! **Invariant:** nothing listens beyond this machine.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request as HttpRequest, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    requests::{DaemonHandle, Rooms},
};

mod socket;

pub use socket::Socket;

mod admin;
mod agents;
mod files;
mod send;
mod sessions;
mod status;
mod stream;
mod upkeep;

mod extract;
mod problem;

use problem::Refused;

/// What every handler is given.
#[derive(Debug, Clone)]
struct Gateway {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    daemon: DaemonHandle,
    rooms: Rooms,
    /// Streams end when it is cancelled; they would never end by themselves.
    shutdown: CancellationToken,
}

/// Answers until `shutdown` is cancelled and what was open has finished, or its time is over.
///
/// # Errors
/// When the socket cannot be served any more.
pub async fn serve(
    socket: Socket,
    daemon: DaemonHandle,
    rooms: Rooms,
    shutdown: CancellationToken,
) -> Result<()> {
    let gateway = Gateway { inner: Arc::new(Inner { daemon, rooms, shutdown: shutdown.clone() }) };
    let path = socket.path().to_owned();
    let server = axum::serve(socket, routes(gateway))
        .with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(limits::GATEWAY_DRAIN).await;
    };
    let served = tokio::select! {
        // First, so that a drain that ends in time is not called late.
        biased;
        ended = server.into_future() => ended,
        () = deadline => {
            tracing::warn!("requests were still open when the host ended");
            Ok(())
        }
    };
    // A client that finds no socket knows at once that no host is there.
    let _gone_already = std::fs::remove_file(path).is_err();
    served.map_err(|error| {
        HostError::new(ErrorKind::Internal, "the host's socket cannot be served").because(error)
    })
}

fn routes(gateway: Gateway) -> Router {
    Router::new()
        .route("/v1/status", get(status::show))
        .route("/v1/health", get(upkeep::health))
        .route("/v1/backup", get(upkeep::backup))
        .route("/v1/shutdown", post(status::shutdown))
        .route("/v1/admin", post(admin::run))
        .route("/v1/agents", get(agents::list).post(agents::create))
        .route("/v1/agents/{agent}/messages", post(send::send))
        .route("/v1/agents/{agent}/stream", get(stream::stream))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/{session}/reset", post(sessions::reset))
        .route("/v1/sessions/{session}/runs", get(sessions::runs))
        .route("/v1/sessions/{session}/files/{message}/{name}", get(files::file))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn_with_state(gateway.clone(), in_time))
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES))
        .with_state(gateway)
}

/// Bounds the time until an answer's head is there; bodies (streams, files) take what they take.
async fn in_time(State(_): State<Gateway>, request: HttpRequest, next: Next) -> Response {
    match tokio::time::timeout(limits::REQUEST_TIME, next.run(request)).await {
        Ok(answer) => answer,
        Err(_late) => {
            let error = HostError::new(ErrorKind::Busy, "the host did not answer in time");
            Refused::from(error.hint("try again; the host's log says what it waits for"))
                .into_response()
        }
    }
}
