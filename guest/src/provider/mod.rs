//! What answers inside the container.
//!
//! Owns the port ([`Provider`]) and the list of what exists. A provider sees a turn and says
//! things; it never sees a session file.

use async_trait::async_trait;
use schemas::{
    guest_side::InboundReader, message::Destination, session_dir::SessionDir, sqlite::StoreError,
};
use tokio::sync::{mpsc, oneshot};

use crate::{prompt::Turn, turn::ProviderEvent};

pub mod echo;

pub use crate::{
    reply::{Failure, FileSource, OutFile, Reply, Retry, TurnEnd, What},
    turn::Tool,
};

/// What answers. Dropping the future of [`turn`](Self::turn) must end the work.
#[async_trait]
pub trait Provider: Send {
    /// The word in `session.json` and in the attempt's row.
    fn name(&self) -> &'static str;

    /// Works on one turn and says what comes of it.
    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd;
}

/// Where a provider says things, and looks up whom it can reach. Full means wait.
#[derive(Debug, Clone)]
pub struct Sink {
    events: mpsc::Sender<Heard>,
    inbound: InboundReader,
}

/// What a provider said, and who waits until it is written down.
#[derive(Debug)]
pub struct Heard {
    /// What it said.
    pub event: ProviderEvent,
    /// Told once it is durable; dropped when it cannot be.
    pub written: Option<oneshot::Sender<()>>,
}

/// A tool must not act: that it does could not be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotWritten;

impl Sink {
    /// A sink, and where its events come out.
    #[must_use]
    pub fn new(room: usize, inbound: InboundReader) -> (Self, mpsc::Receiver<Heard>) {
        let (events, out) = mpsc::channel(room);
        (Self { events, inbound }, out)
    }

    /// The address book as it is now: it may change while the turn goes on.
    ///
    /// # Errors
    /// When it cannot be read; asking again may help.
    pub fn destinations(&self) -> Result<Vec<Destination>, StoreError> {
        self.inbound.destinations()
    }

    /// Says something. When nobody listens any more the turn is about to be dropped.
    pub async fn say(&self, event: ProviderEvent) {
        self.send(Heard { event, written: None }).await;
    }

    /// A tool is about to act. It may once this returns: that it began is durable then, so nobody
    /// repeats blindly what it does.
    ///
    /// # Errors
    /// When it could not be written down; the tool must not act.
    pub async fn tool_starts(&self, tool: Tool) -> Result<(), NotWritten> {
        let (written, durable) = oneshot::channel();
        let event = ProviderEvent::ToolStarts(tool);
        self.send(Heard { event, written: Some(written) }).await;
        durable.await.map_err(|_| NotWritten)
    }

    /// The tool has ended.
    pub async fn tool_ended(&self) {
        self.say(ProviderEvent::ToolEnded).await;
    }

    async fn send(&self, heard: Heard) {
        if self.events.send(heard).await.is_err() {
            tracing::debug!("nobody listens to the provider any more");
        }
    }
}

/// Every provider that exists, by its word in `session.json`.
#[must_use]
pub fn by_name(name: &str, dir: &SessionDir) -> Option<Box<dyn Provider>> {
    match name {
        echo::NAME => Some(Box::new(echo::Echo::new(dir.clone()))),
        _ => None,
    }
}
