//! Which rows are worked on next: look, claim, look again.
//!
//! Owns what the guest remembers of its own acks and which numbers it has read. What counts for a
//! turn is the reading *after* the claim: a row that was cancelled in between is left out.

use std::collections::HashMap;

use jiff::Timestamp;
use schemas::{
    guest_side::{Ack, DueBatch, DueQuery},
    ids::{MessageId, RunId},
    message::{AckStatus, InboundRow, InboundStatus},
    sqlite::{StoreError, StoreErrorKind},
};
use tokio_util::sync::CancellationToken;

use crate::{error::GuestError, mailbox::Mailbox, reply::Claim, steps::Step, wake::Wake};

/// What the guest knows of `inbound.db`.
#[derive(Debug)]
pub(crate) struct Inbox {
    acked: HashMap<MessageId, i64>,
    highest_seq: i64,
    on_wake_up_to: i64,
    limit: usize,
}

/// What a look found.
#[derive(Debug)]
pub(crate) enum Look {
    /// Rows to claim.
    Work(DueBatch),
    /// Nothing now; perhaps something at a known time.
    Nothing {
        /// When the next row becomes due.
        next_due: Option<Timestamp>,
    },
}

impl Inbox {
    /// The guest's first act: a write, which rolls back what a dead one left behind. Claims of
    /// that one are given back, and the acks of rows that are still pending are remembered.
    ///
    /// # Errors
    /// When a session file cannot be read or written.
    pub(crate) fn start(mailbox: &Mailbox, limit: usize) -> Result<Self, GuestError> {
        let now = mailbox.now();
        let released = mailbox.commit(|tx| tx.release_claims(now))?;
        if released > 0 {
            tracing::info!(released, "gave back the claims of a guest that is no more");
        }
        mailbox.steps.reached(Step::Begun);
        let pending = mailbox.inbound.pending()?;
        let acked = mailbox.commit(|tx| tx.acks_of(&pending))?;
        Ok(Self { acked, highest_seq: 0, on_wake_up_to: i64::MAX, limit })
    }

    /// Reads which rows are due.
    ///
    /// # Errors
    /// When `inbound.db` cannot be read; see [`is_again_later`].
    pub(crate) fn look(&mut self, mailbox: &Mailbox) -> Result<Look, StoreError> {
        let batch = mailbox.inbound.due(&DueQuery {
            now: mailbox.now(),
            acked: &self.acked,
            limit: self.limit,
            on_wake_up_to: self.on_wake_up_to,
        })?;
        self.on_wake_up_to = self.on_wake_up_to.min(batch.highest_seq);
        self.highest_seq = self.highest_seq.max(batch.highest_seq);
        if batch.triggers.is_empty() {
            return Ok(Look::Nothing { next_due: batch.next_due });
        }
        mailbox.steps.reached(Step::Read);
        Ok(Look::Work(batch))
    }

    /// Claims the rows in one commit and reads them again. `None` when nothing is left to do, or
    /// nothing can be read now; the claim is given back then.
    ///
    /// # Errors
    /// When `outbound.db` cannot be written.
    pub(crate) async fn claim(
        &mut self,
        mailbox: &Mailbox,
        batch: DueBatch,
        (wake, cancel): (&mut dyn Wake, &CancellationToken),
    ) -> Result<Option<Claim>, GuestError> {
        let at = mailbox.now();
        let run = RunId::mint(at);
        let rows: Vec<InboundRow> = batch.triggers.into_iter().chain(batch.context).collect();
        let acks: Vec<Ack> =
            rows.iter().map(|row| word(row, AckStatus::Processing, &run)).collect();
        mailbox.patiently(cancel, |m| m.commit(|tx| put_all(tx, &acks, at))).await?;
        mailbox.steps.reached(Step::Claimed);
        mailbox.beat();
        let ids: Vec<MessageId> = rows.into_iter().map(|row| row.id).collect();
        // What rang until now is seen by the reading that follows; only what rings later may be
        // somebody who wants to cancel.
        tokio::select! {
            biased;
            () = wake.changed() => {}
            () = std::future::ready(()) => {}
        }
        let rows = match mailbox.inbound.again(&ids) {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "cannot read claimed rows again, giving them back");
                Vec::new()
            }
        };
        let claim = self.sort_out(mailbox, &Claim::of(run, at, rows), &ids, cancel).await?;
        mailbox.steps.reached(Step::ReadAgain);
        Ok(Some(claim).filter(|claim| !claim.triggers.is_empty()))
    }

    /// The highest number that was read; replies are numbered above it.
    pub(crate) fn highest_seq(&self) -> i64 {
        self.highest_seq
    }

    /// Forgets acks of rows that are no longer pending: they cannot become due again.
    ///
    /// # Errors
    /// When `inbound.db` cannot be read.
    pub(crate) fn forget_settled(&mut self, mailbox: &Mailbox) -> Result<(), StoreError> {
        let pending = mailbox.inbound.pending()?;
        self.acked = pending.into_iter().filter_map(|id| self.acked.remove_entry(&id)).collect();
        Ok(())
    }

    /// Keeps what is still pending; acks what was cancelled; gives back everything else.
    async fn sort_out(
        &mut self,
        mailbox: &Mailbox,
        claim: &Claim,
        ids: &[MessageId],
        cancel: &CancellationToken,
    ) -> Result<Claim, GuestError> {
        let mut kept = claim.clone();
        kept.triggers.retain(is_pending);
        kept.context.retain(is_pending);
        if kept.triggers.is_empty() {
            kept.context.clear();
        }
        let cancelled: Vec<Ack> = claim
            .rows()
            .filter(|row| row.status == InboundStatus::Cancelled)
            .map(|row| word(row, AckStatus::Cancelled, &claim.run))
            .collect();
        let mine = |id: &MessageId| kept.rows().any(|row| row.id == *id);
        let gone = |id: &MessageId| cancelled.iter().any(|ack| ack.message == *id);
        let back: Vec<MessageId> =
            ids.iter().filter(|id| !mine(id) && !gone(id)).cloned().collect();
        if !cancelled.is_empty() || !back.is_empty() {
            let give_back = |m: &Mailbox| {
                m.commit(|tx| {
                    tx.unclaim(&back)?;
                    put_all(tx, &cancelled, claim.at)
                })
            };
            mailbox.patiently(cancel, give_back).await?;
        }
        let known = claim.rows().filter(|row| mine(&row.id) || gone(&row.id));
        self.acked.extend(known.map(|row| (row.id.clone(), row.tries)));
        Ok(kept)
    }
}

impl Claim {
    fn of(run: RunId, at: Timestamp, rows: Vec<InboundRow>) -> Self {
        let (triggers, context) = rows.into_iter().partition(|row| row.trigger);
        Self { run, at, triggers, context }
    }
}

/// Whether a failed read only means *again later*: the host is in the middle of something.
pub(crate) fn is_again_later(error: &StoreError) -> bool {
    matches!(error.kind, StoreErrorKind::RollbackPending | StoreErrorKind::Busy)
}

/// Writes acks.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn put_all(
    tx: &schemas::guest_side::OutboundTx<'_>,
    acks: &[Ack],
    now: Timestamp,
) -> Result<(), StoreError> {
    acks.iter().try_for_each(|ack| tx.ack(ack, now))
}

fn is_pending(row: &InboundRow) -> bool {
    row.status == InboundStatus::Pending
}

fn word(row: &InboundRow, status: AckStatus, run: &RunId) -> Ack {
    Ack {
        message: row.id.clone(),
        status,
        tries: row.tries,
        run: Some(run.clone()),
        error: None,
        retry_at: None,
    }
}
