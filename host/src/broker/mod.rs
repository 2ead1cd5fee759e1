//! The broker: how agents in containers without a network reach models.
//!
//! Each live session whose provider needs models has a Unix socket in the folder that its container
//! sees at `/workspace/sock`. What comes in there as `/<route>/<path>` goes on to the base URL of
//! that route, with the key that only the host has; the answer comes back as it is, piece by piece.
//! `GET /calls?after=<n>` says what became of the newest calls ([`schemas::model_call`]).
//!
//! Owns the sockets, the client and what is remembered of calls. It knows neither sessions nor the
//! database: a session's task opens a socket before its container starts and drops it once that is
//! gone. A sleeping session has none.
//!
//! **Invariant:** a guest chooses a path behind a base URL and nothing else: no address, no
//! protocol, no header that carries a credential. **Invariant:** a key is in no log, no error and no
//! answer, and goes to the server that it was given for, whatever that one answers.

use std::{fmt, path::Path, sync::Arc};

use schemas::{ids::SessionId, time::SharedClock};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    error::{ErrorKind, HostError, Result},
    secrets::Secrets,
    text,
};

mod route;

pub use route::{Auth, BaseUrl, Route};

mod answer;
mod door;
mod pass;
mod socket;
mod tap;
mod upstream;

mod calls;
mod usage;

mod tasks;

use calls::Calls;
use door::Door;
use socket::SocketFile;
use tasks::Tasks;
use upstream::Upstream;

/// The broker of a host.
#[derive(Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

struct Inner {
    clock: SharedClock,
    routes: Vec<Route>,
    secrets: Secrets,
    upstream: Upstream,
    tasks: Tasks,
}

/// A session's open socket. Dropped, it is closed and its file removed.
#[derive(Debug)]
pub struct ModelSocket {
    // First, so that nobody who finds no file is still let in.
    _file: SocketFile,
    _closing: DropGuard,
}

impl Broker {
    /// A broker with these routes and keys.
    #[must_use]
    pub fn new(clock: SharedClock, routes: Vec<Route>, secrets: Secrets) -> Self {
        let tasks = Tasks::default();
        let upstream = Upstream::new(tasks.clone());
        Self { inner: Arc::new(Inner { clock, routes, secrets, upstream, tasks }) }
    }

    /// Whether what answers in a container asks models at all.
    #[must_use]
    pub fn is_needed_by(provider: &str) -> bool {
        provider != "echo"
    }

    /// The names of the routes.
    #[must_use]
    pub fn routes(&self) -> Vec<String> {
        self.inner.routes.iter().map(|route| route.name.clone()).collect()
    }

    /// The keys.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// Listens for a session in its folder; an older socket there is replaced.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(&self, session: &SessionId, folder: &Path) -> Result<ModelSocket> {
        let (listener, file) = socket::bind(folder).map_err(|error| {
            let what = format!("cannot make the model socket in {}", folder.display());
            HostError::new(ErrorKind::Storage, what).because(error).hint(text::CHECK_THE_HOME)
        })?;
        let calls = Calls::new(self.inner.clock.clone(), session.to_string());
        let door = Arc::new(Door { broker: self.inner.clone(), calls });
        let closing = CancellationToken::new();
        self.inner.tasks.spawn(door::serve(door, listener, closing.clone()));
        Ok(ModelSocket { _file: file, _closing: closing.drop_guard() })
    }

    /// Waits for calls under way, for a moment, once every socket is closed; then ends everything.
    pub async fn close(&self) {
        self.inner.tasks.close().await;
    }

    /// Ends everything where it stands, as in a crash.
    pub fn abandon(&self) {
        self.inner.tasks.abandon();
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("routes", &self.inner.routes).finish_non_exhaustive()
    }
}
