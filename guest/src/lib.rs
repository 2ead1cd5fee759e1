//! The program that runs an agent inside its container, as a library.
//!
//! Owns one session's work: it is woken, claims rows of `inbound.db`, lets a provider answer, and
//! settles in `outbound.db`. It is one task; only a script is waited for on a thread beside it. In
//! production [`run`] is the binary's `run` mode; in the host's tests the same function is run as a
//! task in place of a container.
//!
//! The modules stand in the order of a message's life.

mod config;
pub mod error;
pub mod limits;
pub mod steps;

mod mailbox;
mod session;
pub mod wake;
pub mod watch;

pub mod chain;
mod controls;
pub mod handoff;
mod inbox;
pub mod models;
pub mod past;
pub mod prompt;
pub mod provider;
pub mod turn;
pub mod written;

pub mod reply;
pub mod spoken;

mod asking;
mod at_work;
mod attempt;
mod heartbeat;
mod live;
mod natives;
mod outbox;
mod posting;
mod providers;
mod prune;
mod rows;
mod runner;
mod script;

pub mod tools;

#[cfg(test)]
mod fuzz;

pub mod cli;
pub mod init;
pub mod probe;

use schemas::{
    CONTRACT_VERSION, session_dir::SessionDir, session_file::SessionFile, time::SharedClock,
};
use tokio_util::sync::CancellationToken;

use crate::{
    chain::Chain, controls::Controls, inbox::Inbox, live::Live, mailbox::Mailbox, natives::Natives,
    providers::Providers, prune::Pruner, runner::Runner, session::Session,
};
pub use crate::{
    error::{GuestError, GuestErrorKind},
    mailbox::OnCommit,
    provider::Provider,
    providers::MakeProvider,
    wake::Wake,
};

/// What is different in a container and in a test.
pub struct Ports {
    /// Where stored times come from.
    pub clock: SharedClock,
    /// What says that `inbound.db` may have changed.
    pub wake: Box<dyn Wake>,
    /// What makes those that answer, each when it is first asked.
    pub providers: MakeProvider,
    /// Called after each commit of `outbound.db`, for a host that cannot watch the file.
    pub on_commit: OnCommit,
    /// Who is told of each step: nobody, but in tests.
    pub steps: steps::Steps,
    /// Where the provider's tools find the turn at work: that of its `Surroundings`.
    pub desk: tools::Desk,
}

/// Works on one session until `cancel`: then the turn at work is dropped, its rows are due again,
/// and nothing is half written. Dropping the future instead is what a kill is to a process.
///
/// # Errors
/// When `session.json` cannot be read or names a newer contract, when a session file stays
/// unreadable or unwritable, or when the provider asks the process to end.
pub async fn run(
    dir: SessionDir,
    ports: Ports,
    cancel: CancellationToken,
) -> Result<(), GuestError> {
    let mut session = Session::start(&dir)?;
    let limit = session.now(&dir).max_messages_per_prompt;
    let mailbox = Mailbox::new(dir, ports.clock, ports.on_commit, ports.steps);
    let limit = usize::try_from(limit).unwrap_or(1).max(1);
    let live = Live::start(&mailbox.dir);
    let controls = Controls::start(&mailbox.inbound);
    let inbox = mailbox.patiently(&cancel, |mailbox| Inbox::start(mailbox, limit)).await?;
    let runner = Runner {
        mailbox,
        session,
        controls,
        inbox,
        pruner: Pruner::new(),
        live,
        wake: ports.wake,
        providers: Providers::new(ports.providers),
        worked_at: tokio::time::Instant::now(),
        chain: Chain::default(),
        natives: Natives::default(),
        desk: ports.desk,
        cancel,
    };
    runner.run().await
}

/// What the host says about this session.
///
/// # Errors
/// When the file cannot be read, or the host speaks a newer contract.
pub fn load(dir: &SessionDir) -> Result<SessionFile, GuestError> {
    let session = SessionFile::load(dir)
        .map_err(|e| GuestError::new(GuestErrorKind::Config, "cannot read session.json", e))?;
    if session.contract > CONTRACT_VERSION {
        let message = format!(
            "the host speaks contract version {}, this guest knows {CONTRACT_VERSION}",
            session.contract
        );
        return Err(GuestError::bare(GuestErrorKind::Newer, message));
    }
    Ok(session)
}
