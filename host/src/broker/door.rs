//! One session's socket while its container lives: who comes in, and how many.
//!
//! Owns the accept loop and its bound. Which session asks is said by the socket, so there is no
//! token to steal. When the socket is closed, calls under way get a moment to finish; those of a
//! container that is gone end at once, since nobody reads them.

use std::{convert::Infallible, sync::Arc};

use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::http1::{self, Connection},
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use schemas::model_call::CallError;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{
    Inner,
    answer::{self, AnswerBody},
    calls::Calls,
};
use crate::limits::{self, broker as bounds};

/// What a connection of one session is given.
pub(super) struct Door {
    pub(super) broker: Arc<Inner>,
    pub(super) calls: Arc<Calls>,
}

/// Takes connections until `closing` says otherwise.
pub(super) async fn serve(door: Arc<Door>, listener: UnixListener, closing: CancellationToken) {
    let places = Arc::new(Semaphore::new(bounds::CONNECTIONS));
    let refusals = Arc::new(Semaphore::new(bounds::REFUSED_AT_ONCE));
    loop {
        let accepted = tokio::select! { biased;
            () = closing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                error!(%error, "cannot accept a connection of a guest");
                tokio::select! { biased;
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(limits::ACCEPT_PAUSE) => continue,
                }
            }
        };
        let (door, closing) = (door.clone(), closing.clone());
        let tasks = door.broker.tasks.clone();
        if let Ok(place) = places.clone().try_acquire_owned() {
            tasks.spawn(async move {
                connection(door, stream, closing).await;
                drop(place);
            });
        } else if let Ok(place) = refusals.clone().try_acquire_owned() {
            tasks.spawn(async move {
                let _too_slow = timeout(bounds::REFUSED_WITHIN, refuse(stream)).await.is_err();
                drop(place);
            });
        }
    }
}

async fn connection(door: Arc<Door>, stream: UnixStream, closing: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(answer::answer(&door, request).await) }
    });
    let mut talk = std::pin::pin!(http(stream, service, true));
    let ended = tokio::select! { biased;
        () = closing.cancelled() => {
            talk.as_mut().graceful_shutdown();
            timeout(bounds::DRAIN, talk).await.unwrap_or(Ok(()))
        }
        ended = talk.as_mut() => ended,
    };
    if let Err(error) = ended {
        // A guest that hung up, or that speaks no HTTP; its calls say what became of them.
        debug!(%error, "a connection of a guest ended");
    }
}

/// Answers one request with why no more can be asked.
async fn refuse(stream: UnixStream) {
    let busy = |_: Request<Incoming>| async {
        Ok::<_, Infallible>(answer::own(CallError::Busy, "too many connections at once"))
    };
    let _hung_up = http(stream, service_fn(busy), false).await.is_err();
}

fn http<S>(stream: UnixStream, service: S, keep: bool) -> Connection<TokioIo<UnixStream>, S>
where
    S: Service<Request<Incoming>, Response = Response<AnswerBody>, Error = Infallible>,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds::HEAD_WAIT)
        .max_headers(bounds::HEADERS)
        .max_header_size(bounds::HEAD_BYTES)
        .max_buf_size(bounds::GUEST_BUFFER)
        .keep_alive(keep)
        // The answer's own date passes.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
}
