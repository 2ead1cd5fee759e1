//! What waits for the next commit of a session, and the commit itself.
//!
//! Owns the order of the two databases: runs are settled in the central one first, then their rows
//! are folded in the session's file. A crash in between leaves rows that are judged again, and
//! settling twice changes nothing.

use jiff::Timestamp;
use schemas::{
    host_side::{Appended, AttachmentError, InboundTx, InboundWriter, extract},
    ids::{InboxId, MessageId, SessionId},
    message::{InboundStatus, LedgerRow, NewInbound},
    sqlite::StoreError,
};

use super::projection::Projection;
use crate::{
    error::{ErrorKind, HostError},
    steps::{Step, Steps},
    store::{LostPost, Settled, SettledRun, Store},
    text,
};

/// What waits for the next commit.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// Words for the ledger.
    pub(super) ledger: Vec<LedgerRow>,
    /// Rows that are over.
    pub(super) over: Vec<(MessageId, InboundStatus)>,
    /// Rows that get one more try, not before a time.
    pub(super) retries: Vec<(MessageId, Timestamp)>,
    /// What the agent must be told.
    pub(super) notes: Vec<NewInbound>,
    /// Runs that have their outcome.
    pub(super) runs: Vec<SettledRun>,
    /// Posts that were given up.
    pub(super) lost: Vec<LostPost>,
    /// Posts that an earlier task knew of, and that are out: nothing of them is lost any more.
    pub(super) mended: Vec<MessageId>,
    /// What the guest should see of the central database's words.
    pub(super) projection: Option<Projection>,
}

/// One commit: what is staged, and the messages that people wait for.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) session: SessionId,
    pub(super) staged: Staged,
    pub(super) appends: Vec<NewInbound>,
}

/// A message whose files are written.
struct Prepared {
    row: NewInbound,
    refused: Vec<String>,
}

/// What a commit did.
#[derive(Debug)]
pub(super) struct Committed {
    /// One for each append, in order.
    pub(super) appended: Vec<(Appended, Vec<String>)>,
    /// The runs that are settled.
    pub(super) settled: Vec<SettledRun>,
    /// Rows of the host's own that are new and wake the agent, with their numbers.
    pub(super) noted: Vec<(NewInbound, i64)>,
}

/// Why nothing was committed.
#[derive(Debug)]
pub(super) enum CommitError {
    /// The session's file.
    Session(StoreError),
    /// The central database, or the folder.
    Central(HostError),
    /// The inbox.
    Inbox(AttachmentError),
}

impl Staged {
    pub(super) fn is_empty(&self) -> bool {
        self.ledger.is_empty()
            && self.over.is_empty()
            && self.retries.is_empty()
            && self.notes.is_empty()
            && self.runs.is_empty()
            && self.lost.is_empty()
            && self.mended.is_empty()
            && self.projection.is_none()
    }

    /// What a failed commit was about stands before what came since.
    pub(super) fn put_back(&mut self, mut earlier: Self) {
        earlier.ledger.append(&mut self.ledger);
        earlier.over.append(&mut self.over);
        earlier.retries.append(&mut self.retries);
        earlier.notes.append(&mut self.notes);
        earlier.runs.append(&mut self.runs);
        earlier.lost.append(&mut self.lost);
        earlier.mended.append(&mut self.mended);
        earlier.projection = self.projection.take().or(earlier.projection);
        *self = earlier;
    }
}

impl Commit {
    /// Carries the commit out; blocks.
    pub(super) fn run(
        &mut self,
        writer: &InboundWriter,
        store: &Store,
        now: Timestamp,
        steps: &Steps,
    ) -> Result<Committed, CommitError> {
        self.save_projection(writer)?;
        let prepared = self.write_files(writer, now)?;
        if prepared.iter().any(|one| one.row.inbox.is_some()) {
            steps.reached(Step::FilesWritten);
        }
        let settled = self.settle(store)?;
        if !settled.is_empty() {
            steps.reached(Step::RunsSettled);
        }
        let (appended, noted) = writer
            .write(|tx| {
                let noted = self.fold(tx)?;
                let rows = prepared.iter().map(|one| tx.append(&one.row));
                Ok((rows.collect::<Result<Vec<_>, _>>()?, noted))
            })
            .inspect_err(|_| drop_files(writer, &prepared))
            .map_err(CommitError::Session)?;
        self.tell_steps(steps);
        let pairs = appended.into_iter().zip(prepared);
        let appended = pairs.map(|(appended, one)| {
            if !matches!(appended, Appended::New { .. }) {
                drop_files(writer, std::slice::from_ref(&one));
            }
            (appended, one.refused)
        });
        Ok(Committed { appended: appended.collect(), settled, noted })
    }

    /// What has just become durable.
    fn tell_steps(&self, steps: &Steps) {
        let durable = [
            (self.appends.is_empty(), Step::RowWritten),
            (self.staged.over.is_empty(), Step::RowsFolded),
            (self.staged.ledger.is_empty(), Step::LedgerWritten),
        ];
        for (_, step) in durable.into_iter().filter(|(nothing, _)| !nothing) {
            steps.reached(step);
        }
    }

    /// Files first, row second: a row never names a file that is not there. The messages stay as
    /// they came: a second try writes their files again.
    fn write_files(
        &mut self,
        writer: &InboundWriter,
        now: Timestamp,
    ) -> Result<Vec<Prepared>, CommitError> {
        let mut prepared = Vec::with_capacity(self.appends.len());
        for row in &mut self.appends {
            let inbox = InboxId::mint(now);
            let extracted = match extract(&row.content, writer.dir(), &inbox) {
                Ok(extracted) => extracted,
                Err(error) => {
                    drop_files(writer, &prepared);
                    return Err(CommitError::Inbox(error));
                }
            };
            // The content may be a hundred megabytes; only the rest is copied.
            let content = std::mem::take(&mut row.content);
            let mut copy = NewInbound { content: extracted.content, ..row.clone() };
            row.content = content;
            copy.inbox = (extracted.files > 0).then_some(inbox).or(copy.inbox);
            prepared.push(Prepared { row: copy, refused: extracted.refused });
        }
        Ok(prepared)
    }

    /// Settling is durable by itself. If the rows are not folded after it, the same runs are
    /// settled, and answered, once more: people are told of a run after its rows are folded.
    fn settle(&self, store: &Store) -> Result<Vec<SettledRun>, CommitError> {
        let Staged { runs, lost, mended, .. } = &self.staged;
        if runs.is_empty() && lost.is_empty() && mended.is_empty() {
            return Ok(Vec::new());
        }
        let settled = Settled { runs: runs.clone(), lost: lost.clone(), mended: mended.clone() };
        store.settle_here(&self.session, settled).map_err(CommitError::Central)
    }

    fn save_projection(&self, writer: &InboundWriter) -> Result<(), CommitError> {
        let Some(projection) = &self.staged.projection else { return Ok(()) };
        projection.save(writer.dir()).map_err(|error| {
            let what = "cannot write the session's folder";
            let failure = HostError::new(ErrorKind::Storage, what).because(error);
            CommitError::Central(failure.hint(text::CHECK_THE_HOME))
        })
    }

    fn fold(&self, tx: &InboundTx<'_>) -> Result<Vec<(NewInbound, i64)>, StoreError> {
        if let Some(projection) = &self.staged.projection {
            projection.fold(tx)?;
        }
        for row in &self.staged.ledger {
            tx.put_ledger(row)?;
        }
        for (id, status) in &self.staged.over {
            tx.set_status(std::slice::from_ref(id), *status)?;
        }
        for (id, at) in &self.staged.retries {
            tx.retry(std::slice::from_ref(id), *at)?;
        }
        let mut noted = Vec::new();
        for note in &self.staged.notes {
            if let Appended::New { seq } = tx.append(note)?
                && note.trigger
            {
                noted.push((note.clone(), seq));
            }
        }
        Ok(noted)
    }
}

/// Takes files back whose row was not written.
fn drop_files(writer: &InboundWriter, prepared: &[Prepared]) {
    for inbox in prepared.iter().filter_map(|one| one.row.inbox.as_ref()) {
        // What stays is an orphan, and a later sweep takes it.
        drop(std::fs::remove_dir_all(writer.dir().inbox_of(inbox)));
    }
}

impl CommitError {
    /// What the person who waits is told.
    pub(super) fn for_people(&self) -> HostError {
        match self {
            Self::Session(error) => HostError::from(error),
            Self::Central(error) => HostError::from_problem(error.problem()),
            Self::Inbox(error) => {
                HostError::new(ErrorKind::Storage, format!("{error}: {}", error.source))
                    .hint(text::CHECK_THE_HOME)
            }
        }
    }
}
