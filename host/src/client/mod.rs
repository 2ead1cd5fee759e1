//! A client of the host's socket: what the CLI, the benchmarks and the tests speak through.
//!
//! Owns one kept-alive connection for requests; each stream of events has one of its own. It
//! knows routes and wire types, prints nothing and repeats nothing: whether a request may be sent
//! again is for the caller to say, who knows its idempotency key.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use schemas::{
    admin::{Accepted, Problem, SendMessage},
    ids::{MessageId, SessionId},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;
use tokio_util::task::TaskTracker;

use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
};

mod events;
mod route;
mod sse;

pub use events::EventStream;
pub use route::segment;

/// Where a stream of events begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// A thread of the room.
    pub thread: Option<String>,
    /// First what was said after this number; without one, only what happens from now on.
    pub after: Option<i64>,
    /// Of that, only so many of the newest.
    pub last: Option<usize>,
}

/// The client.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    connection: SendRequest<Full<Bytes>>,
    /// Drives the connections; they end when the client's side of them is dropped.
    tasks: TaskTracker,
}

impl Client {
    /// Connects to the host's socket.
    ///
    /// # Errors
    /// `HostDown` when nobody answers there.
    pub async fn connect(socket: impl Into<PathBuf>) -> Result<Self> {
        let socket = socket.into();
        let tasks = TaskTracker::new();
        let connection = open(&socket, &tasks).await?;
        Ok(Self { socket, connection, tasks })
    }

    /// Reads.
    ///
    /// # Errors
    /// `HostDown` when the host is gone, else what the host says.
    pub async fn get<T: DeserializeOwned>(&mut self, route: &str) -> Result<T> {
        let response = self.request(Method::GET, route, Bytes::new()).await?;
        answer(response).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// `HostDown` when the host is gone, whether or not it did it first; else what the host says.
    pub async fn post<T: DeserializeOwned>(
        &mut self,
        route: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|error| {
            HostError::new(ErrorKind::Internal, "cannot write the request").because(error)
        })?;
        let response = self.request(Method::POST, route, body.into()).await?;
        answer(response).await
    }

    /// Says something to an agent; the answer means that the message is durable.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn send(&mut self, agent: &str, message: &SendMessage) -> Result<Accepted> {
        self.post(&format!("/v1/agents/{}/messages", segment(agent)), message).await
    }

    /// What happens in an agent's room, on a connection of its own. Once this returns, nothing
    /// that happens later is missed.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn stream(&self, agent: &str, from: &Since) -> Result<EventStream> {
        let mut connection = open(&self.socket, &self.tasks).await?;
        let request = build(Method::GET, &route::stream(agent, from), Bytes::new())?;
        let response = respond(&mut connection, request).await?;
        Ok(EventStream::new(refused(response).await?.into_body(), connection))
    }

    /// A file that an agent sent, in pieces.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn file(
        &mut self,
        session: &SessionId,
        message: &MessageId,
        name: &str,
    ) -> Result<Download> {
        let route =
            format!("/v1/sessions/{session}/files/{}/{}", segment(message.as_str()), segment(name));
        self.download(&route).await
    }

    /// Anything that comes in pieces.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn download(&mut self, route: &str) -> Result<Download> {
        let response = self.request(Method::GET, route, Bytes::new()).await?;
        Ok(Download { body: refused(response).await?.into_body() })
    }

    async fn request(
        &mut self,
        method: Method,
        route: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        // A connection that the host closed while it was idle is no error: nothing was sent on it.
        if self.connection.ready().await.is_err() {
            self.connection = open(&self.socket, &self.tasks).await?;
        }
        let request = build(method, route, body)?;
        respond(&mut self.connection, request).await
    }
}

/// A file on its way.
#[derive(Debug)]
pub struct Download {
    body: Incoming,
}

impl Download {
    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    /// When the file or the host went away in the middle.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            match frame {
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Err(error) => {
                    let what = "the file ended before its announced size";
                    return Err(HostError::new(ErrorKind::Storage, what).because(error));
                }
            }
        }
        Ok(None)
    }
}

async fn open(socket: &Path, tasks: &TaskTracker) -> Result<SendRequest<Full<Bytes>>> {
    let stream = UnixStream::connect(socket).await.map_err(|error| {
        let what = format!("no host answers at {}", socket.display());
        HostError::new(ErrorKind::HostDown, what).because(error)
    })?;
    let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(gone)?;
    tasks.spawn(async move {
        if let Err(error) = driver.await {
            // Whoever waits on the connection is told too; this is for the one who debugs.
            tracing::debug!(%error, "a connection to the host ended");
        }
    });
    Ok(connection)
}

fn build(method: Method, route: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
    Request::builder()
        .method(method)
        .uri(route)
        .header(header::HOST, "lazaret")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|error| {
            HostError::new(ErrorKind::Invalid, "cannot make the request").because(error)
        })
}

async fn respond(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>> {
    let patience = limits::REQUEST_TIME + limits::CLIENT_MARGIN;
    match tokio::time::timeout(patience, connection.send_request(request)).await {
        Ok(response) => response.map_err(gone),
        Err(_late) => Err(HostError::new(ErrorKind::HostDown, "the host did not answer in time")),
    }
}

async fn answer<T: DeserializeOwned>(response: Response<Incoming>) -> Result<T> {
    let bytes = whole(refused(response).await?).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        HostError::new(ErrorKind::Internal, "the host's answer cannot be read")
            .because(error)
            .hint("client and host may be of different versions")
    })
}

/// Turns an answer that is not 2xx into the error that it carries.
async fn refused(response: Response<Incoming>) -> Result<Response<Incoming>> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let bytes = whole(response).await?;
    Err(match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => HostError::from_problem(problem),
        Err(_) => unexplained(status),
    })
}

fn unexplained(status: StatusCode) -> HostError {
    HostError::new(ErrorKind::Internal, format!("the host answered {status} and no reason"))
}

async fn whole(response: Response<Incoming>) -> Result<Bytes> {
    match Limited::new(response.into_body(), limits::ANSWER_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => {
            Err(HostError::new(ErrorKind::HostDown, "the host's answer broke off").because(error))
        }
    }
}

fn gone(error: hyper::Error) -> HostError {
    HostError::new(ErrorKind::HostDown, "the connection to the host broke").because(error)
}
