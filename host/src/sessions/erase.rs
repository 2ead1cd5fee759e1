//! Taking what a person said out of a session, by the session's own task.
//!
//! Owns the order: rows before their files, so that what a crash leaves is swept. What the agent
//! made of it lies in the agent's own files, which nobody else writes.

use schemas::host_side::Traces;

use super::{intake::blocking, runner::Runner};
use crate::{
    error::{ErrorKind, HostError, Result},
    requests::Answer,
};

/// What is to be done about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// As `<channel>:<the platform's id>`.
    pub senders: Vec<String>,
    /// Only say what there is.
    pub dry_run: bool,
}

impl Runner {
    /// Takes out what senders said; answers with what that was.
    pub(super) async fn erase(&mut self, what: Erase, answer: Answer<Traces>) {
        // Whoever asked may be gone; that is no failure.
        drop(answer.send(self.erased(what).await));
    }

    async fn erased(&mut self, what: Erase) -> Result<Traces> {
        let writer = self.writer.clone();
        if what.dry_run {
            let work = blocking(move || Ok(writer.traces(&what.senders)?));
            return self.past_leases(work).await;
        }
        if self.context.upkeep.is_backing_up() {
            return Err(HostError::new(ErrorKind::Busy, "a backup is being made"));
        }
        // A crash between rows and their files is looked after at the next start.
        self.mark().await?;
        let work = blocking(move || {
            let traces = writer.erase(&what.senders)?;
            writer.remove_inboxes(&traces.inboxes).map_err(|error| {
                HostError::new(ErrorKind::Storage, "cannot remove attachments").because(error)
            })?;
            Ok(traces)
        });
        self.past_leases(work).await
    }
}
