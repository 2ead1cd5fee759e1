//! The guest's two doors: it reads `inbound.db`, and commits to `outbound.db`.
//!
//! Owns the patience with a disk that has no room, and that the host is woken after each commit.
//! Every operation opens, works and closes; nothing is held across an await.

use jiff::Timestamp;
use schemas::{
    guest_side::{InboundReader, OutboundTx, OutboundWriter},
    session_dir::SessionDir,
    sqlite::StoreError,
    time::SharedClock,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    error::{GuestError, GuestErrorKind},
    heartbeat, limits,
    steps::Steps,
};

/// Rung after each commit, for a host that cannot watch the file.
pub type OnCommit = Box<dyn Fn() + Send + Sync>;

/// The session's files as the turn loop uses them.
pub(crate) struct Mailbox {
    /// The session's folder.
    pub(crate) dir: SessionDir,
    /// What the host wrote.
    pub(crate) inbound: InboundReader,
    outbound: OutboundWriter,
    clock: SharedClock,
    on_commit: OnCommit,
    /// Who is told of each step.
    pub(crate) steps: Steps,
}

impl Mailbox {
    /// The doors of one session.
    pub(crate) fn new(
        dir: SessionDir,
        clock: SharedClock,
        on_commit: OnCommit,
        steps: Steps,
    ) -> Self {
        let inbound = InboundReader::new(dir.clone());
        let outbound = OutboundWriter::new(dir.clone());
        Self { dir, inbound, outbound, clock, on_commit, steps }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Says *I live*.
    pub(crate) fn beat(&self) {
        heartbeat::touch(&self.dir, self.now());
    }

    /// One transaction, once; the host is woken when it is in.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is kept then.
    pub(crate) fn commit<T>(
        &self,
        work: impl FnOnce(&OutboundTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, GuestError> {
        let value = self.outbound.write(work)?;
        (self.on_commit)();
        Ok(value)
    }

    /// Gives free pages of `outbound.db` back.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn compact(&self) -> Result<(), GuestError> {
        self.outbound.compact()?;
        (self.on_commit)();
        Ok(())
    }

    /// Tries again while the disk refuses: what was computed is kept and the heartbeat goes on.
    ///
    /// # Errors
    /// When it is refused for another reason or for too long, or when the guest is asked to end
    /// in the meantime.
    pub(crate) async fn patiently<T>(
        &self,
        cancel: &CancellationToken,
        mut attempt: impl FnMut(&Self) -> Result<T, GuestError> + Send,
    ) -> Result<T, GuestError> {
        let began = Instant::now();
        loop {
            let error = match attempt(self) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let worth_it = match error.kind {
                GuestErrorKind::NotYet => true,
                GuestErrorKind::Disk => began.elapsed() < limits::WRITE_GIVE_UP,
                GuestErrorKind::Config
                | GuestErrorKind::Newer
                | GuestErrorKind::Damaged
                | GuestErrorKind::Exit(_) => false,
            };
            if !worth_it || cancel.is_cancelled() {
                return Err(error);
            }
            tracing::error!(error = error.chain(), "the disk refuses, trying again");
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(limits::WRITE_PAUSE) => {}
            }
            self.beat();
        }
    }
}
