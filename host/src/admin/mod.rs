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
    requests::DaemonHandle,
    sessions::Context,
};

pub mod agents;

pub mod print;

/// A command: a noun with its verb and arguments.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make, list and change agents
    #[command(subcommand)]
    Agents(agents::Command),
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
    /// A person must say yes first.
    Held(Asks),
}

/// Asks the gate, and does what is allowed.
///
/// # Errors
/// `Denied` when the gate says no, else the command's own.
pub async fn run(desk: &Desk, who: &Who, command: Command) -> Result<Done> {
    let asks = command.asks(desk).await?;
    let (clock, store) = (&desk.context.clock, &desk.context.store);
    match decide(who, asks.act, asks.on.as_ref()) {
        Verdict::Allow => {}
        Verdict::Hold => return Ok(Done::Held(asks)),
        Verdict::Deny(words) => {
            let what = asks.changes.unwrap_or_else(|| words.to_owned());
            store.audit(who.word(), "denied", what, clock.now()).await?;
            return Err(HostError::new(ErrorKind::Denied, format!("you may not {words}")));
        }
    }
    let answer = command.run(desk, who).await?;
    if let Some(what) = asks.changes {
        store.audit(who.word(), "did", what, clock.now()).await?;
    }
    Ok(Done::Answered(answer))
}

impl Command {
    /// What it needs the gate's word for; names are looked up for it.
    ///
    /// # Errors
    /// `NotFound` for a name that nothing has.
    #[expect(clippy::unused_async, reason = "names of other nouns are looked up here")]
    pub async fn asks(&self, _desk: &Desk) -> Result<Asks> {
        match self {
            Self::Agents(command) => Ok(command.asks()),
        }
    }

    async fn run(self, desk: &Desk, _who: &Who) -> Result<AdminAnswer> {
        match self {
            Self::Agents(command) => command.run(desk).await,
        }
    }
}
