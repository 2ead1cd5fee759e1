//! The protocol between the daemon and a session's task.
//!
//! Owns the commands and the bounded mailbox. The daemon is the only sender, which is what makes
//! retiring free of races: a task may end when the daemon finds its mailbox empty.

use std::{fs::File, path::PathBuf, sync::Arc};

use schemas::{
    admin::{Accepted, SessionInfo},
    host_side::Traces,
    ids::{MessageId, SessionId},
    message::{Address, NewInbound},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{erase::Erase, lifecycle::State, messages::MessageInfo};
use crate::{
    engine::{ContainerId, LiveContainer},
    error::{ErrorKind, HostError},
    limits,
    people::Who,
    requests::{Answer, Past},
    routing::ChatCommand,
    store::DeadLetter,
};

/// What a session's task is told.
#[derive(Debug)]
pub enum Command {
    /// Keep a row; answered once it is durable.
    Append(Box<NewInbound>, Answer<Accepted>),
    /// A person's command in a chat; answered in the room.
    Chat(Box<Chat>, Answer<()>),
    /// A container of this session ended.
    Exited {
        /// Which one.
        container: ContainerId,
        /// Its exit code.
        code: i64,
        /// Whether the kernel ended it for its memory.
        out_of_memory: bool,
    },
    /// The engine can be reached (again); this is what it knew of the session when it was asked.
    EngineBack(Option<LiveContainer>, Instant),
    /// A time that the session asked for has come.
    Due,
    /// What the agent said at an address after a number.
    History(Address, i64, Answer<Past>),
    /// A file that the agent sent.
    File(MessageId, String, Answer<(File, u64)>),
    /// Replace the guest's folder by a fresh one.
    Reset(Answer<SessionInfo>),
    /// The newest messages, both ways, oldest first.
    Messages(u32, Answer<Vec<MessageInfo>>),
    /// End the container after its run, or at once.
    Restart(bool, Answer<SessionInfo>),
    /// Try a message again that was given up.
    Retry(Box<DeadLetter>, Answer<()>),
    /// Channels that posts of a sleeping session waited for are back.
    ChannelBack(Vec<String>),
    /// Copy both databases into a folder, at one moment; answered with what could not be copied.
    Snapshot(PathBuf, Answer<Vec<String>>),
    /// Throw away what was said before a time.
    ThrowAway(jiff::Timestamp, Answer<()>),
    /// Take out what a person said, or say what there is.
    Erase(Erase, Answer<Traces>),
    /// The guest's folders hold too much: end the container, with these words.
    TooMuch(String),
    /// Take nothing more in: the session is archived.
    Archive,
    /// The central database's words changed: show them to the guest; answered once it sees them.
    Refresh(Answer<()>),
}

/// A command in a chat that was asked for, with what the gate said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// The same however often its platform repeats it.
    pub id: String,
    /// Where it was given, and is answered.
    pub address: Address,
    /// The command, when it is allowed; else what the person may not.
    pub allowed: Result<ChatCommand, &'static str>,
    /// Who gave it.
    pub who: Who,
}

/// What a session's task tells the daemon.
#[derive(Debug)]
pub enum FromSession {
    /// It would end. The daemon answers whether it may, and forgets it if so.
    Retire {
        /// Which session.
        session: SessionId,
        /// When it must be looked at next.
        due: Option<jiff::Timestamp>,
        /// The channels that its posts wait for.
        waits_for: Vec<String>,
        /// `true`: end now.
        may_end: oneshot::Sender<bool>,
    },
    /// The task is over without having asked: it could not load the session.
    Ended {
        /// Which session.
        session: SessionId,
    },
}

/// What can be seen of a session from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its lifecycle state.
    pub state: State,
    /// Why it was set aside.
    pub notice: Option<String>,
    /// When something last happened.
    pub last_active: Option<jiff::Timestamp>,
}

/// The daemon's end of a session's task.
#[derive(Debug, Clone)]
pub struct SessionHandle {
    mailbox: mpsc::Sender<Command>,
    view: watch::Receiver<Arc<View>>,
}

impl SessionHandle {
    /// A handle on a task's mailbox.
    #[must_use]
    pub fn new(mailbox: mpsc::Sender<Command>, view: watch::Receiver<Arc<View>>) -> Self {
        Self { mailbox, view }
    }

    /// Whether nobody reads the mailbox any more. A task that ends as it should is forgotten
    /// before, so this one broke off.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.mailbox.is_closed()
    }

    /// Puts a command into the mailbox.
    ///
    /// # Errors
    /// Gives the command back when the mailbox is full or its task is over.
    pub fn tell(&self, command: Command) -> Result<(), Command> {
        if command.is_of_people() && self.mailbox.capacity() <= limits::MAILBOX_RESERVE {
            return Err(command);
        }
        self.mailbox.try_send(command).map_err(mpsc::error::TrySendError::into_inner)
    }

    /// Whether nothing waits in the mailbox.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mailbox.capacity() == self.mailbox.max_capacity()
    }

    /// What can be seen now.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }
}

impl Command {
    /// Whether somebody said or asked it, as opposed to the engine and the clock.
    fn is_of_people(&self) -> bool {
        match self {
            Self::Append(..)
            | Self::Chat(..)
            | Self::History(..)
            | Self::File(..)
            | Self::Reset(_)
            | Self::Messages(..)
            | Self::Retry(..)
            | Self::Snapshot(..)
            | Self::ThrowAway(..)
            | Self::Erase(..)
            | Self::Restart(..) => true,
            Self::Exited { .. }
            | Self::EngineBack(..)
            | Self::Due
            | Self::TooMuch(_)
            | Self::ChannelBack(_)
            | Self::Archive
            | Self::Refresh(_) => false,
        }
    }

    /// Answers a command that no task took.
    pub fn refuse_busy(self) {
        let busy = HostError::new(ErrorKind::Busy, "the session's queue is full");
        self.refuse(&busy.hint("the message was not taken; try again"));
    }

    /// Answers a command with why nothing comes of it.
    pub fn refuse(self, why: &HostError) {
        let why = HostError::from_problem(why.problem());
        // Whoever asked may be gone; that is no failure.
        let _nobody_waits = match self {
            Self::Append(_, answer) => answer.send(Err(why)).is_err(),
            Self::Chat(_, answer) => answer.send(Err(why)).is_err(),
            Self::History(_, _, answer) => answer.send(Err(why)).is_err(),
            Self::File(_, _, answer) => answer.send(Err(why)).is_err(),
            Self::Reset(answer) => answer.send(Err(why)).is_err(),
            Self::Messages(_, answer) => answer.send(Err(why)).is_err(),
            Self::Restart(_, answer) => answer.send(Err(why)).is_err(),
            Self::ThrowAway(_, answer) => answer.send(Err(why)).is_err(),
            Self::Erase(_, answer) => answer.send(Err(why)).is_err(),
            Self::Retry(_, answer) => answer.send(Err(why)).is_err(),
            Self::Snapshot(_, answer) => answer.send(Err(why)).is_err(),
            Self::Refresh(answer) => answer.send(Err(why)).is_err(),
            Self::Exited { .. }
            | Self::EngineBack(..)
            | Self::Due
            | Self::TooMuch(_)
            | Self::ChannelBack(_)
            | Self::Archive => false,
        };
    }
}
