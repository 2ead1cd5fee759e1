//! The protocol between whoever asks (gateway, harness) and the daemon's loop.
//!
//! Owns the requests and the handle that sends them. Each request carries its `oneshot`; the queue
//! is bounded and full is an answer. Nothing here decides anything.

use std::sync::Arc;

use jiff::Timestamp;
use schemas::{
    admin::{Accepted, Agent, NewAgent, RoomMessage, RunInfo, SessionInfo, Status},
    ids::{AgentId, MessageId, SessionId},
    message::{Address, NewInbound},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    admin,
    channels::{Bounded, Inbound, Post},
    draft::Draft,
    error::{ErrorKind, HostError, Result},
    limits,
    people::Who,
    routing::Refusal,
    sessions::MessageInfo,
    store::DeadLetter,
    upkeep,
};

/// Where the answer to a request goes.
pub type Answer<T> = oneshot::Sender<Result<T>>;

/// What was said, as far as one answer about the past goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Oldest first.
    pub said: Vec<RoomMessage>,
    /// Whether that is all: an answer has a bound, and a guest's file may be half-written.
    pub whole: bool,
}

/// What can be asked of the daemon.
#[derive(Debug)]
pub enum Request {
    /// A person says something to an agent in its terminal room.
    Send(String, Box<Draft>, Answer<Accepted>),
    /// Somebody says something in a room; answered once every row that comes of it is durable.
    Inbound(Box<Bounded>, Answer<Taken>),
    /// A message that waited for a person's yes comes in, before what was said since.
    Replay(Box<Inbound>, Answer<Taken>),
    /// Make an agent, its terminal room and their wiring.
    CreateAgent(Box<NewAgent>, Answer<Agent>),
    /// All agents by name.
    Agents(Answer<Vec<Agent>>),
    /// The address of an agent's terminal room.
    TerminalAddress(String, Option<String>, Answer<Address>),
    /// What the agent said at an address after a number, oldest first.
    History(Address, i64, Answer<Past>),
    /// All sessions that are not archived.
    Sessions(Answer<Vec<SessionInfo>>),
    /// Give a session that was set aside a fresh `out/`, keeping what was said.
    ResetSession(String, Answer<SessionInfo>),
    /// The newest messages of a session, both ways, oldest first.
    Messages(SessionId, u32, Answer<Vec<MessageInfo>>),
    /// Try a message again that was given up.
    Retry(Box<DeadLetter>, Answer<()>),
    /// End a session's container after its run, or at once.
    RestartSession(SessionId, bool, Answer<SessionInfo>),
    /// Put a session away: the next message makes a fresh one. With the chat's command for it.
    ArchiveSession(SessionId, Option<String>, Answer<()>),
    /// The newest runs of a session, newest first.
    Runs(String, Answer<Vec<RunInfo>>),
    /// A file that an agent sent.
    File(SessionId, MessageId, String, Answer<(std::fs::File, u64)>),
    /// Put a row of the host's own into a session; a repeated id is written once.
    Tell(SessionId, Box<NewInbound>, Answer<Accepted>),
    /// An agent's words to another agent; answered with the row that they became.
    Peer(Box<Post>, Answer<MessageId>),
    /// One of the operator's commands, with who asks; the transport says who.
    Admin(Who, Box<admin::Command>, Answer<admin::Done>),
    /// Something that waits for a person is to be looked at then.
    LookAtApprovals(Timestamp),
    /// A task is due then.
    LookAtTasks(Timestamp),
    /// The rules of these agents changed: forget what was read of them, and show their live
    /// sessions; answered once those see it.
    Refresh(Vec<AgentId>, Answer<()>),
    /// What keeps the host in order.
    Upkeep(Box<upkeep::Ask>),
    /// How the daemon is.
    Status(Answer<Status>),
    /// Stop taking in, finish what is being written, end.
    Shutdown(Answer<()>),
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// For each agent that got it, in the order in which they were asked.
    pub agents: Vec<(AgentId, Became)>,
    /// Why nobody got it, or who did not.
    pub drops: Vec<Refusal>,
}

/// What came of a message for one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It wakes over it.
    Woke(Accepted),
    /// It is kept for the next time that it wakes.
    Kept(Accepted),
    /// It was a command, which was done or refused.
    Command(Accepted),
}

impl Became {
    /// The row that it became; a command has no number.
    #[must_use]
    pub fn accepted(&self) -> &Accepted {
        match self {
            Self::Woke(row) | Self::Kept(row) | Self::Command(row) => row,
        }
    }
}

impl Request {
    /// Answers a request that nobody took.
    pub fn refuse(self, why: &HostError) {
        let why = HostError::from_problem(why.problem());
        // Whoever asked may be gone; that is no failure.
        match self {
            Self::Send(_, _, answer) => drop(answer.send(Err(why))),
            Self::Inbound(_, answer) | Self::Replay(_, answer) => drop(answer.send(Err(why))),
            Self::CreateAgent(_, answer) => drop(answer.send(Err(why))),
            Self::Agents(answer) => drop(answer.send(Err(why))),
            Self::TerminalAddress(_, _, answer) => drop(answer.send(Err(why))),
            Self::History(_, _, answer) => drop(answer.send(Err(why))),
            Self::Sessions(answer) => drop(answer.send(Err(why))),
            Self::ResetSession(_, answer) => drop(answer.send(Err(why))),
            Self::Messages(_, _, answer) => drop(answer.send(Err(why))),
            Self::Retry(_, answer) => drop(answer.send(Err(why))),
            Self::RestartSession(_, _, answer) => drop(answer.send(Err(why))),
            Self::ArchiveSession(.., answer) => drop(answer.send(Err(why))),
            Self::Runs(_, answer) => drop(answer.send(Err(why))),
            Self::File(_, _, _, answer) => drop(answer.send(Err(why))),
            Self::Tell(_, _, answer) => drop(answer.send(Err(why))),
            Self::Peer(_, answer) => drop(answer.send(Err(why))),
            Self::Admin(_, _, answer) => drop(answer.send(Err(why))),
            Self::LookAtApprovals(_) | Self::LookAtTasks(_) => {}
            Self::Refresh(_, answer) => drop(answer.send(Err(why))),
            Self::Upkeep(ask) => ask.refuse(why),
            Self::Status(answer) => drop(answer.send(Err(why))),
            Self::Shutdown(answer) => drop(answer.send(Ok(()))),
        }
    }
}

/// The daemon's end of its queue, with a handle for the tasks that work beside its loop.
#[derive(Debug)]
pub struct Requests {
    /// What is asked.
    pub queue: mpsc::Receiver<Request>,
    /// How the daemon's own tasks ask.
    pub own: DaemonHandle,
}

/// A queue to a daemon, and its two ends.
#[must_use]
pub fn queue() -> (DaemonHandle, Requests) {
    let (sender, queue) = mpsc::channel(limits::DAEMON_QUEUE);
    let handle = DaemonHandle { queue: sender };
    (handle.clone(), Requests { queue, own: handle })
}

/// Sends requests to the daemon.
#[derive(Debug, Clone)]
pub struct DaemonHandle {
    queue: mpsc::Sender<Request>,
}

impl DaemonHandle {
    /// Asks, and waits for the answer:
    /// `daemon.ask(|answer| Request::Agents(answer)).await`.
    ///
    /// # Errors
    /// `Busy` when the queue is full, `HostDown` when the daemon has ended, else the answer's own.
    pub async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(request(answer)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                HostError::new(ErrorKind::Busy, "the daemon's queue is full").hint("try again")
            }
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        answered.await.map_err(|_| gone())?
    }

    /// Tells something that nobody waits for, once there is a place in the queue. For tasks beside
    /// the loop only: the loop would wait for itself.
    pub async fn tell(&self, request: Request) {
        // A daemon that is gone finds out at its next start.
        drop(self.queue.send(request).await);
    }

    /// The same for what must be heard: waits for a place in the queue.
    ///
    /// # Errors
    /// `HostDown` when the daemon has ended, else the answer's own.
    pub async fn ask_surely<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(request(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn gone() -> HostError {
    HostError::new(ErrorKind::HostDown, "the host is shutting down")
}

/// The rooms' event streams, as the gateway reads them.
pub type Rooms = Arc<crate::channels::terminal::Terminal>;
