//! What can be asked of a running host: one noun a file, its arguments, its rule and its doing side
//! by side.
//!
//! The same commands come from the operator's socket, from people and from agents. Words become a
//! [`Command`] by the one grammar that the command line has, too; who asks is said by the transport
//! that carried them. The gate is asked here, once for each command, and what changed something is
//! audited here. A handler does what is allowed already, and answers twice: `data` for machines,
//! `text` for people.

use std::sync::Arc;

use schemas::{admin::AdminAnswer, ids::AgentId};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ErrorKind, HostError, Result},
    people::{Act, Verdict, Who, decide},
    requests::{DaemonHandle, Request},
    sessions::Context,
};

mod agent_settings;
pub mod agents;
pub mod approvals;
pub mod destinations;
pub mod erase;
pub mod people;
pub mod questions;
pub mod roles;
pub mod rooms;
pub mod secrets;
pub mod wirings;

pub mod runs;
pub mod sessions;
pub mod tasks;

pub mod audit;
pub mod drops;
pub mod messages;

pub(crate) mod check;
mod find;
mod folders;
mod sizes;
mod who_engages;
mod words;

pub mod print;

pub use words::{Parsed, parse};

/// A command: a noun with its verb and arguments.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make, list and change agents
    #[command(subcommand)]
    Agents(agents::Command),
    /// Keys for models, which no container holds
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Places on a channel, and what becomes of strangers there
    #[command(subcommand)]
    Rooms(rooms::Command),
    /// Which agent listens in which room, and when
    #[command(subcommand)]
    Wirings(wirings::Command),
    /// Where agents may send, by the names that they use
    #[command(subcommand)]
    Destinations(destinations::Command),
    /// Who is known, and by which names
    #[command(subcommand)]
    People(people::Command),
    /// Owners and admins
    #[command(subcommand)]
    Roles(roles::Command),
    /// Who may talk to an agent
    #[command(subcommand)]
    Members(roles::Members),
    /// What waits for your yes or no
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// What agents asked people
    #[command(subcommand)]
    Questions(questions::Command),
    /// Conversations: what is live, what was put away
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// What was said in a session, and what became of it
    #[command(subcommand)]
    Messages(messages::Command),
    /// What is done at a time, once or again and again
    #[command(subcommand)]
    Tasks(tasks::Command),
    /// Show the newest runs of a session
    Runs(runs::Command),
    /// Show what no agent got, and why
    Drops(drops::Command),
    /// Show who changed what, and who was refused
    Audit(audit::Command),
}

/// What a handler works with.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Store, clock, channels, home.
    pub context: Arc<Context>,
    /// To the daemon's loop: what only it knows, and what it must hear of.
    pub daemon: DaemonHandle,
}

/// What a command needs the gate's word for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asks {
    /// The act.
    pub act: Act,
    /// The agent that it is about.
    pub on: Option<AgentId>,
    /// Whether it changes anything; then it is audited, under these words.
    pub changes: Option<String>,
}

/// What became of a command.
#[derive(Debug)]
pub enum Done {
    /// It was done.
    Answered(AdminAnswer),
    /// A person must say yes first; the command names what it is about by id.
    Held(Asks, Box<Command>),
}

/// Asks the gate, and does what is allowed.
///
/// # Errors
/// `Denied` when the gate says no, else the command's own.
pub async fn run(desk: &Desk, who: &Who, command: Command) -> Result<Done> {
    let mut command = command;
    let (clock, store) = (&desk.context.clock, &desk.context.store);
    let asks = match command.asks(desk).await {
        Ok(asks) => asks,
        Err(failure) => return Err(unseen(desk, who, &command, failure).await?),
    };
    match decide(who, asks.act, asks.on.as_ref()) {
        Verdict::Allow => {}
        Verdict::Hold => return Ok(Done::Held(asks, Box::new(command))),
        Verdict::Deny(words) => {
            let what = asks.changes.unwrap_or_else(|| words.to_owned());
            store.audit(who.word(), "denied", what, clock.now()).await?;
            return Err(denied(words));
        }
    }
    let answer = command.run(desk, who).await?;
    if let Some(what) = asks.changes {
        store.audit(who.word(), "did", what, clock.now()).await?;
    }
    Ok(Done::Answered(answer))
}

/// Who may not see a thing is told the same whether it exists or not.
async fn unseen(
    desk: &Desk,
    who: &Who,
    command: &Command,
    failure: HostError,
) -> Result<HostError> {
    let now = desk.context.clock.now();
    // An agent that nobody has: what is said of it is what is said of any that is another's.
    match decide(who, command.act(), Some(&AgentId::mint(now))) {
        Verdict::Allow | Verdict::Hold => Ok(failure),
        Verdict::Deny(words) => {
            let what = command.changes().unwrap_or_else(|| words.to_owned());
            desk.context.store.audit(who.word(), "denied", what, now).await?;
            Ok(denied(words))
        }
    }
}

fn denied(words: &str) -> HostError {
    HostError::new(ErrorKind::Denied, format!("you may not {words}"))
}

impl Desk {
    /// Shows what changed to every live session of these agents, before it is answered.
    async fn project(&self, agents: Vec<AgentId>) -> Result<()> {
        // It is saved already: a full queue must not leave the sessions with what was.
        self.daemon.ask_surely(|answer| Request::Refresh(agents, answer)).await
    }
}

impl Command {
    /// What it needs the gate's word for. Names are looked up for it, and from here on stand in
    /// the command as ids: what was asked about is what is done, whatever is renamed meanwhile.
    ///
    /// # Errors
    /// `NotFound` for a name that nothing has.
    pub async fn asks(&mut self, desk: &Desk) -> Result<Asks> {
        let (act, changes) = (self.act(), self.changes());
        let on = match self {
            Self::Agents(command) => command.pin(desk).await?,
            Self::Secrets(command) => command.pin()?,
            Self::Rooms(command) => command.pin(desk).await?,
            Self::Wirings(command) => command.pin(desk).await?,
            Self::Destinations(command) => command.pin(desk).await?,
            Self::People(command) => command.pin(desk).await?,
            Self::Roles(command) => command.pin(desk).await?,
            Self::Members(command) => command.pin(desk).await?,
            Self::Approvals(command) => command.pin(desk).await?,
            Self::Questions(command) => command.pin(desk).await?,
            Self::Sessions(command) => command.pin(desk).await?,
            Self::Messages(command) => command.pin(desk).await?,
            Self::Tasks(command) => command.pin(desk).await?,
            Self::Runs(command) => command.pin(desk).await?,
            Self::Drops(_) | Self::Audit(_) => None,
        };
        Ok(Asks { act, on, changes })
    }

    fn act(&self) -> Act {
        match self {
            Self::Agents(command) => command.act(),
            Self::Secrets(command) => command.act(),
            Self::Rooms(command) => command.act(),
            Self::Wirings(command) => command.act(),
            Self::Destinations(command) => command.act(),
            Self::People(command) => command.act(),
            Self::Roles(command) => command.act(),
            Self::Members(command) => command.act(),
            Self::Approvals(command) => command.act(),
            Self::Questions(command) => command.act(),
            Self::Sessions(command) => command.act(),
            Self::Messages(command) => command.act(),
            Self::Tasks(command) => command.act(),
            Self::Runs(command) => command.act(),
            Self::Drops(command) => command.act(),
            Self::Audit(command) => command.act(),
        }
    }

    /// The words for the audit, of a command that changes something.
    fn changes(&self) -> Option<String> {
        match self {
            Self::Agents(command) => command.changes(),
            Self::Secrets(command) => command.changes(),
            Self::Rooms(command) => command.changes(),
            Self::Wirings(command) => command.changes(),
            Self::Destinations(command) => command.changes(),
            Self::People(command) => command.changes(),
            Self::Roles(command) => command.changes(),
            Self::Members(command) => command.changes(),
            Self::Approvals(command) => command.changes(),
            Self::Questions(command) => command.changes(),
            Self::Sessions(command) => command.changes(),
            Self::Messages(command) => command.changes(),
            Self::Tasks(command) => command.changes(),
            Self::Runs(_) | Self::Drops(_) | Self::Audit(_) => None,
        }
    }

    async fn run(self, desk: &Desk, who: &Who) -> Result<AdminAnswer> {
        match self {
            Self::Agents(command) => command.run(desk).await,
            Self::Secrets(command) => command.run(desk).await,
            Self::Rooms(command) => command.run(desk).await,
            Self::Wirings(command) => command.run(desk).await,
            Self::Destinations(command) => command.run(desk).await,
            Self::People(command) => command.run(desk, who.word()).await,
            Self::Roles(command) => command.run(desk, who.word()).await,
            Self::Members(command) => command.run(desk, who.word()).await,
            Self::Approvals(command) => Box::pin(command.run(desk, who)).await,
            Self::Questions(command) => command.run(desk, who).await,
            Self::Sessions(command) => command.run(desk).await,
            Self::Messages(command) => command.run(desk).await,
            Self::Tasks(command) => command.run(desk, who.word()).await,
            Self::Runs(command) => command.run(desk).await,
            Self::Drops(command) => command.run(desk).await,
            Self::Audit(command) => command.run(desk).await,
        }
    }
}
