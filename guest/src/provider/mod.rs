//! What answers inside the container.
//!
//! Owns the port ([`Provider`]) and the list of what exists. A provider sees a turn and says
//! things; it never sees a session file.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use schemas::{
    guest_side::InboundReader, message::Destination, session_dir::SessionDir, sqlite::StoreError,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    limits,
    prompt::Turn,
    tools::{self, Desk},
    turn::ProviderEvent,
};

pub mod child;
pub mod claude;
pub mod codex;
pub mod echo;
mod fault;

pub use crate::{
    posting::{Post, Posted},
    reply::{Failure, FileSource, OutFile, Reply, Retry, TurnEnd, What},
    turn::Tool,
};
pub use fault::{Class, Fault};

/// What answers: one runtime, kept alive over many turns.
///
/// Its life is `open`, then any number of turns, each after an `open` with what holds then, then
/// `close`. Dropping the future of [`turn`](Self::turn) must end the work, with every process that
/// it started: that is what happens when an interrupt is not confirmed in time.
#[async_trait]
pub trait Provider: Send {
    /// The word in `session.json` and in the attempt's row.
    fn name(&self) -> &'static str;

    /// What it is doing.
    fn health(&self) -> Health;

    /// Makes ready for a turn. What runs already with the same launch is left as it is; a changed
    /// launch starts it anew, in the same conversation. `resume` is the native id to go on from
    /// where nothing runs yet.
    ///
    /// # Errors
    /// When it cannot be started. A conversation that it cannot find is no error: it answers
    /// [`Opened::Fresh`].
    async fn open(&mut self, launch: &Launch, resume: Option<&str>) -> Result<Opened, Fault>;

    /// Works on one turn and says what comes of it. Its first event is the native id of its
    /// conversation, where it has one. It looks for [`Sink::stopped`] and [`Sink::follow_up`]
    /// meanwhile, if it can do anything about them.
    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd;

    /// Ends its process in good order, so that the conversation can be resumed.
    async fn close(&mut self);
}

/// How it is to run. Another value is another process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Launch {
    /// Which model; `None` leaves it to the provider.
    pub model: Option<String>,
    /// What the model is told about itself.
    pub system_prompt: String,
    /// Where it works.
    pub work_dir: PathBuf,
}

/// What a provider is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing runs.
    Down,
    /// It was started, and has not answered yet.
    Starting,
    /// It waits for a turn.
    Ready,
    /// It works on one.
    Busy,
}

/// What it knows of the conversation, once it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It ran already, and knows what was said.
    Warm,
    /// It has found the conversation that was asked for.
    Resumed,
    /// It knows nothing: a new conversation, or the one that was asked for is gone.
    Fresh,
}

/// What surrounds a provider in its container.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The session's folder.
    pub dir: SessionDir,
    /// Where the model APIs are to be had, on loopback, without a slash at the end; the route's
    /// name follows: `http://127.0.0.1:8399` + `/anthropic`. `None` where there are none.
    pub models: Option<String>,
    /// The guest's own tools: for [`tools::serve`] in band, or over its
    /// [`socket`](Desk::socket). They find the turn at work by themselves.
    pub desk: Desk,
}

/// Where a provider says things, and looks up whom it can reach. Full means wait.
#[derive(Debug, Clone)]
pub struct Sink {
    events: mpsc::Sender<Heard>,
    inbound: InboundReader,
    stop: CancellationToken,
    follow_ups: Arc<Mutex<mpsc::Receiver<FollowUp>>>,
}

/// Said by a person while the turn goes on, and to be heard in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// A UUID of its own: saying it twice is saying it once.
    pub id: String,
    /// The words.
    pub text: String,
}

/// The other end of a [`Sink`].
#[derive(Debug)]
pub struct Ears {
    /// What the provider says.
    pub heard: mpsc::Receiver<Heard>,
    /// What it is told while it works; full means wait.
    pub follow_ups: mpsc::Sender<FollowUp>,
    /// Asks it to stop in good order, and to answer [`TurnEnd::Stopped`].
    pub stop: CancellationToken,
}

/// What a provider said, and who waits until it is written down.
#[derive(Debug)]
pub struct Heard {
    /// What it said.
    pub event: ProviderEvent,
    /// Told once it is durable; dropped when it cannot be.
    pub written: Option<oneshot::Sender<()>>,
    /// The same for what is posted, with its number.
    pub posted: Option<oneshot::Sender<Posted>>,
}

/// A tool must not act: that it does could not be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotWritten;

impl Sink {
    /// A sink, and its other end.
    #[must_use]
    pub fn new(room: usize, inbound: InboundReader) -> (Self, Ears) {
        let (events, heard) = mpsc::channel(room);
        let (follow_ups, more) = mpsc::channel(limits::FOLLOW_UPS);
        let stop = CancellationToken::new();
        let sink =
            Self { events, inbound, stop: stop.clone(), follow_ups: Arc::new(Mutex::new(more)) };
        (sink, Ears { heard, follow_ups, stop })
    }

    /// Ends once the turn is to be stopped: an interrupt in place, then [`TurnEnd::Stopped`].
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The next thing that is said into the turn; waits for it, for ever if need be. May be
    /// dropped while it waits: nothing is lost.
    pub async fn follow_up(&self) -> FollowUp {
        match self.follow_ups.lock().await.recv().await {
            Some(more) => more,
            None => std::future::pending().await,
        }
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
        self.send(Heard { event, written: None, posted: None }).await;
    }

    /// Says or does something at once, while the turn goes on. It is durable, and on its way, once
    /// this returns. It counts as a tool that has acted, so [`tool_starts`](Self::tool_starts) may
    /// have been said before it, and need not.
    ///
    /// # Errors
    /// When it could not be written down; nothing of it happens then.
    pub async fn post(&self, post: Post) -> Result<Posted, NotWritten> {
        let (posted, durable) = oneshot::channel();
        let event = ProviderEvent::Post(post);
        self.send(Heard { event, written: None, posted: Some(posted) }).await;
        durable.await.map_err(|_| NotWritten)
    }

    /// A tool is about to act. It may once this returns: that it began is durable then, so nobody
    /// repeats blindly what it does.
    ///
    /// # Errors
    /// When it could not be written down; the tool must not act.
    pub async fn tool_starts(&self, tool: Tool) -> Result<(), NotWritten> {
        let (written, durable) = oneshot::channel();
        let event = ProviderEvent::ToolStarts(tool);
        self.send(Heard { event, written: Some(written), posted: None }).await;
        durable.await.map_err(|_| NotWritten)
    }

    /// The tool of that id has ended.
    pub async fn tool_ended(&self, id: &str) {
        self.say(ProviderEvent::ToolEnded(id.to_owned())).await;
    }

    async fn send(&self, heard: Heard) {
        if self.events.send(heard).await.is_err() {
            tracing::debug!("nobody listens to the provider any more");
        }
    }
}

/// Every provider that exists, by its word in `session.json`.
#[must_use]
pub fn by_name(name: &str, around: &Surroundings) -> Option<Box<dyn Provider>> {
    match name {
        claude::NAME => {
            let tools = in_band(around.desk.clone());
            Some(Box::new(claude::Claude::new(around.clone()).with_tools(tools)))
        }
        codex::NAME => {
            let tools = over_a_pipe(&around.desk);
            Some(Box::new(codex::Codex::new(around.clone(), tools)))
        }
        echo::NAME => Some(Box::new(echo::Echo::new(around))),
        _ => None,
    }
}

/// The guest's tools, spoken to without a process of their own.
fn in_band(desk: Desk) -> claude::Tools {
    claude::Tools::new(move || {
        let (theirs, ours) = tokio::io::duplex(limits::TOOL_PIPE);
        let serves = tools::serve(ours, desk.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the stream that this answers")]
        tokio::spawn(serves);
        theirs
    })
}

/// The command that speaks with the guest's tools over stdio; `None` where they have no socket.
fn over_a_pipe(desk: &Desk) -> Option<Vec<String>> {
    let guest = std::env::current_exe().ok()?;
    let words = [guest.to_str()?, "tools", "--socket", desk.socket()?.to_str()?];
    Some(words.map(str::to_owned).to_vec())
}
