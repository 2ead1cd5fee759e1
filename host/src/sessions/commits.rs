//! Every commit of a session, and who may stand in its way.
//!
//! Owns what follows from one: the books are brought up to date after it, never before, and one
//! that failed is put back and tried again.

use schemas::{
    host_side::{Appended, Unsettled},
    ids::{MessageId, TaskId},
    message::{NewInbound, Outcome},
    sqlite::StoreErrorKind,
};
use tokio::time::Instant;
use tracing::{error, info};

use super::{
    intake::{blocking, head, prepare_folders, within_span},
    runner::Runner,
    staged::{Commit, CommitError, Committed, Staged},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    requests::Request,
    steps::Step,
    store::SettledRun,
};

/// What became of each row, and which of its attachments were refused.
pub(super) type Appends = Vec<(Appended, Vec<String>)>;

/// A commit, and what came of it.
type Tried = (Commit, std::result::Result<Committed, CommitError>);

impl Runner {
    /// Commits what is staged, when there is something and its time has come.
    pub(super) async fn commit_staged(&mut self) {
        let waits = self.commit_after.is_some_and(|at| at > Instant::now());
        if self.staged.is_empty() || waits {
            return;
        }
        if let Err(failure) = self.commit(Vec::new()).await {
            self.tell_trouble(&failure.for_people());
        }
    }

    /// It is tried again every second, yet said once.
    fn tell_trouble(&mut self, failure: &HostError) {
        let trouble = failure.chain();
        if self.commit_trouble.as_ref() != Some(&trouble) {
            error!(
                error = trouble,
                hint = failure.hint_text(),
                "cannot write down what the agent did; trying again"
            );
            self.commit_trouble = Some(trouble);
        }
    }

    /// One commit of everything that is staged, with these rows.
    pub(super) async fn commit(
        &mut self,
        appends: Vec<NewInbound>,
    ) -> std::result::Result<Appends, CommitError> {
        if let Err(failure) = self.mark().await {
            self.commit_after = Some(Instant::now() + limits::COMMIT_RETRY);
            return Err(CommitError::Central(failure));
        }
        let session = self.facts.record.id.clone();
        let commit = Commit { session, staged: std::mem::take(&mut self.staged), appends };
        let mut tried = self.past_leases(self.try_commit(commit)).await;
        if fails_with(&tried, StoreErrorKind::Busy) {
            // On a machine with too much to do an honest guest is slow to let go, too.
            tried = self.try_commit(tried.0).await;
        }
        if fails_with(&tried, StoreErrorKind::Busy) && !self.holds_the_mailbox() {
            self.evict().await;
            tried = self.try_commit(tried.0).await;
        }
        if fails_with(&tried, StoreErrorKind::Missing) {
            // The folder went away between the row and this write: it is made anew.
            let (dir, agent) = (self.dir.clone(), self.agent_dir());
            drop(blocking(move || prepare_folders(&dir, &agent)).await);
            tried = self.try_commit(tried.0).await;
        }
        self.after_commit(tried)
    }

    fn after_commit(
        &mut self,
        (commit, result): Tried,
    ) -> std::result::Result<Appends, CommitError> {
        match result {
            Ok(done) => {
                self.context.bells.wrote(&self.dir);
                self.commit_after = None;
                self.commit_by = None;
                if self.commit_trouble.take().is_some() {
                    info!("what the agent did is written down again");
                }
                self.forget_settled(&commit.staged);
                for run in done.settled {
                    self.look_at_its_task(&run);
                    self.tell_run(run);
                }
                for lost in &commit.staged.lost {
                    self.tell_owner_of_post(&lost.reason);
                }
                for (note, seq) in done.noted {
                    self.unseen |= self.looking.is_some();
                    self.open.push(Unsettled { seq, ..head(&note) });
                    self.wake_wanted = true;
                }
                Ok(done.appended)
            }
            Err(failure) => {
                self.staged.put_back(commit.staged);
                self.commit_after = Some(Instant::now() + limits::COMMIT_RETRY);
                Err(failure)
            }
        }
    }

    /// A task's run may have ended the task: somebody may have to hear of it.
    fn look_at_its_task(&self, run: &SettledRun) {
        if run.outcome == Outcome::Completed || !run.messages.iter().any(is_of_a_task) {
            return;
        }
        let (asks, now) = (self.context.asks.clone(), self.context.clock.now());
        self.context.spawn(async move { asks.tell(Request::LookAtTasks(now)).await });
    }

    fn try_commit(&self, mut commit: Commit) -> impl Future<Output = Tried> + use<> {
        let (writer, store) = (self.writer.clone(), self.context.store.clone());
        let (now, steps) = (self.context.clock.now(), self.context.steps.clone());
        let session = self.facts.record.id.clone();
        let work = move || {
            let result = commit.run(&writer, &store, now, &steps);
            (commit, result)
        };
        async move {
            match tokio::task::spawn_blocking(within_span(work)).await {
                Ok(done) => done,
                Err(panicked) => {
                    let bug = HostError::new(ErrorKind::Internal, "a commit broke off");
                    let empty = Commit { session, staged: Staged::default(), appends: Vec::new() };
                    (empty, Err(CommitError::Central(bug.because(panicked))))
                }
            }
        }
    }

    /// The flag that a crash leaves behind is set before the first write.
    pub(super) async fn mark(&mut self) -> Result<()> {
        if !self.marked {
            self.context.store.mark_awake(self.facts.record.id.clone()).await?;
            self.context.steps.reached(Step::MarkedAwake);
            self.marked = true;
        }
        Ok(())
    }
}

fn is_of_a_task(id: &MessageId) -> bool {
    TaskId::of_row(id).is_some()
}

fn fails_with((_, result): &Tried, kind: StoreErrorKind) -> bool {
    matches!(result, Err(CommitError::Session(error)) if error.kind == kind)
}
