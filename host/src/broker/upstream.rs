//! The client that asks the models' servers.
//!
//! Made when the first call is: a host whose agents need no models does not pay for it. It speaks
//! HTTP/1.1, over TLS but for this very machine (`route` sees to that), keeps a few connections for
//! the next call, follows nothing, and believes the machine's own authorities, or, where it has
//! none, those that are built in. Its tasks end with the broker.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use hyper::{Request, Response, Uri, body::Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioTimer,
};
use tokio::sync::OnceCell;
use tower_service::Service;
use tracing::warn;

use super::{tap::Outgoing, tasks::Tasks};
use crate::limits::broker as limits;

type Https = HttpsConnector<HttpConnector>;

/// The client, once it is needed.
pub(super) struct Upstream {
    tasks: Tasks,
    client: OnceCell<Client<InTime, Outgoing>>,
}

/// Why there is no answer.
pub(super) type Failure = hyper_util::client::legacy::Error;

impl Upstream {
    pub(super) fn new(tasks: Tasks) -> Self {
        Self { tasks, client: OnceCell::new() }
    }

    /// Asks; answers with the head of the answer.
    pub(super) async fn ask(
        &self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, Failure> {
        let client = self.client.get_or_init(|| make(self.tasks.clone())).await;
        client.request(request).await
    }
}

async fn make(tasks: Tasks) -> Client<InTime, Outgoing> {
    // The authorities are read from the disk.
    let connector = tokio::task::spawn_blocking(connector).await;
    let connector = connector.unwrap_or_else(|_| with_built_in());
    Client::builder(tasks)
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(limits::KEPT_IDLE)
        .pool_max_idle_per_host(limits::KEPT_CONNECTIONS)
        .http1_max_buf_size(limits::ANSWER_BUFFER)
        .build(InTime(connector))
}

fn connector() -> Https {
    match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(builder) => builder.https_or_http().enable_http1().wrap_connector(tcp()),
        Err(error) => {
            warn!(%error, "this machine names no authorities; the built-in ones are believed");
            with_built_in()
        }
    }
}

fn with_built_in() -> Https {
    let builder = HttpsConnectorBuilder::new().with_webpki_roots();
    builder.https_or_http().enable_http1().wrap_connector(tcp())
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

/// Connects within a bound, TLS included.
#[derive(Clone)]
struct InTime(Https);

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, Unconnected>> + Send>>;
type Unconnected = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for InTime {
    type Response = <Https as Service<Uri>>::Response;
    type Error = Unconnected;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unconnected>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(limits::CONNECT, self.0.call(to));
        Box::pin(async move { connecting.await? })
    }
}
