//! Getting settled rows out of the way, in steps small enough that a message waits for one only.
//!
//! Owns when a pass is made and what a step takes out. What is settled is the host's word: a
//! delivered or failed row in its ledger, an inbound row that is no longer pending. The newest
//! rows stay, and with them the highest number.

use crate::{error::GuestError, limits, mailbox::Mailbox, outbox};

/// Whether there is something to prune, as far as the guest knows.
#[derive(Debug)]
pub(crate) struct Pruner {
    phase: Phase,
    runs_since: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Resting,
    Rows,
    Runs,
    Compacting,
}

impl Pruner {
    /// A guest begins with a pass: the one before it may have left much.
    pub(crate) fn new() -> Self {
        Self { phase: Phase::Rows, runs_since: 0 }
    }

    /// A run has been settled; `true` when it is time for a pass.
    pub(crate) fn count_run(&mut self) -> bool {
        self.runs_since += 1;
        self.runs_since >= limits::PRUNE_EVERY_RUNS
    }

    /// Whether a pass would be worth it once it has been quiet for a while.
    pub(crate) fn wants_quiet(&self) -> bool {
        self.runs_since > 0
    }

    /// Begins a pass.
    pub(crate) fn begin(&mut self) {
        self.phase = Phase::Rows;
        self.runs_since = 0;
    }

    /// Does one step; `false` when the pass is over. A step that fails ends its pass with a
    /// warning: the next one tries again, and no message waits for it.
    pub(crate) fn step(&mut self, mailbox: &Mailbox) -> bool {
        let next = match self.phase {
            Phase::Resting => return false,
            Phase::Rows => rows(mailbox),
            Phase::Runs => runs(mailbox),
            Phase::Compacting => mailbox.compact().map(|()| Phase::Resting),
        };
        self.phase = next.unwrap_or_else(|error| {
            tracing::warn!(error = error.chain(), "cannot prune");
            Phase::Resting
        });
        self.phase != Phase::Resting
    }
}

fn rows(mailbox: &Mailbox) -> Result<Phase, GuestError> {
    let (keep, batch) = (limits::KEEP_ROWS, limits::PRUNE_BATCH);
    let (old_messages, mut acks) =
        mailbox.commit(|tx| Ok((tx.old_messages(keep, batch)?, tx.old_acks(keep, batch)?)))?;
    let messages = mailbox.inbound.settled_out(&old_messages)?;
    let pending = mailbox.inbound.still_pending(&acks)?;
    let pending: std::collections::HashSet<_> = pending.iter().collect();
    acks.retain(|id| !pending.contains(id));
    if messages.is_empty() && acks.is_empty() {
        return Ok(Phase::Runs);
    }
    mailbox.commit(|tx| tx.prune(&messages, &acks))?;
    outbox::remove(&mailbox.dir, &messages);
    Ok(Phase::Rows)
}

fn runs(mailbox: &Mailbox) -> Result<Phase, GuestError> {
    let gone = mailbox.commit(|tx| tx.prune_runs(limits::KEEP_ROWS, limits::PRUNE_BATCH))?;
    Ok(if gone == 0 { Phase::Compacting } else { Phase::Runs })
}
