//! Messages in: from the mailbox to a committed row, and every other commit of the session.
//!
//! Owns group commit: whatever waits in the mailbox goes into one transaction, and all of it is
//! acknowledged after it, never before.

use std::path::{Path, PathBuf};

use schemas::{
    admin::Accepted,
    host_side::{Appended, InboundWriter, Unsettled, ensure, sweep_orphans},
    message::{LedgerRow, NewInbound},
    sqlite::{StoreError, StoreErrorKind},
};
use tokio::time::Instant;
use tracing::{Span, debug, error, info, warn};

use super::{
    handle::Command,
    lifecycle::{Event, State},
    runner::Runner,
    staged::{Commit, CommitError, Committed, Staged},
};
use crate::{
    engine::LiveContainer,
    error::{ErrorKind, HostError, Result},
    limits,
    requests::Answer,
    text,
};

type Append = (Box<NewInbound>, Answer<Accepted>);

/// What became of each row, and which of its attachments were refused.
type Appends = Vec<(Appended, Vec<String>)>;

/// A commit, and what came of it.
type Tried = (Commit, std::result::Result<Committed, CommitError>);

/// Rows and posts without a final word.
type Waiting = (Vec<Unsettled>, Vec<LedgerRow>);
type StoreResult<T> = std::result::Result<T, StoreError>;

impl Runner {
    /// Makes the folder, and reads what waits in it. A container that an earlier host left may
    /// hold the file by now.
    pub(super) async fn load(&mut self, live: Option<&LiveContainer>) -> Result<()> {
        let (dir, agent_dir) = (self.dir.clone(), self.agent_dir());
        blocking(move || prepare_folders(&dir, &agent_dir)).await?;
        self.container = live.filter(|live| live.running).map(|live| live.container.clone());
        let mut loaded = self.past_leases(self.read_unsettled()).await?;
        if loaded.as_ref().is_err_and(|error| error.kind == StoreErrorKind::Busy) {
            self.evict().await;
            loaded = self.read_unsettled().await?;
        }
        let (open, sending) = loaded?;
        self.open = open;
        self.attempts = sending
            .into_iter()
            .map(|row| (row.message_out, (row.attempts, row.next_attempt_at)))
            .collect();
        Ok(())
    }

    fn read_unsettled(&self) -> impl Future<Output = Result<StoreResult<Waiting>>> + use<> {
        let (writer, crashed) = (self.writer.clone(), self.marked);
        blocking(move || {
            let read = writer.write(|tx| Ok((tx.unsettled()?, tx.sending()?)));
            if crashed && read.is_ok() {
                sweep(&writer);
            }
            Ok(read)
        })
    }

    fn agent_dir(&self) -> PathBuf {
        self.facts.start_request(&self.context).agent_dir
    }

    /// Handles a command, and together with it every message that waits behind it.
    pub(super) async fn on_commands(&mut self, first: Command) {
        let mut appends: Vec<Append> = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next.take() {
            match command {
                Command::Append(row, answer) => appends.push((row, answer)),
                Command::Exited { .. }
                | Command::EngineBack(..)
                | Command::Due
                | Command::Chat(..)
                | Command::History(..)
                | Command::File(..)
                | Command::Reset(_)
                | Command::Messages(..)
                | Command::Restart(..)
                | Command::Archive
                | Command::Refresh(_) => {
                    self.append(std::mem::take(&mut appends)).await;
                    self.on_command(command).await;
                }
            }
            if appends.len() < limits::GROUP_COMMIT {
                next = self.commands.try_recv().ok();
            }
        }
        self.append(appends).await;
    }

    /// Commits messages and answers each.
    async fn append(&mut self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        if self.facts.record.archived {
            for (_, answer) in appends {
                drop(answer.send(Err(text::archived_session())));
            }
            return;
        }
        for (row, _) in &appends {
            self.learn_way_back(row);
        }
        let (rows, answers): (Vec<_>, Vec<_>) =
            appends.into_iter().map(|(row, answer)| (*row, answer)).unzip();
        // All that is needed afterwards; what was said may be long and is not copied.
        let heads: Vec<Unsettled> = rows.iter().map(head).collect();
        match self.commit(rows).await {
            Ok(done) => {
                self.last_active = self.context.clock.now();
                self.show(None);
                let mut wakes = false;
                for ((row, answer), (appended, refused)) in heads.into_iter().zip(answers).zip(done)
                {
                    wakes |= row.trigger && matches!(appended, Appended::New { .. });
                    self.acknowledge(row, answer, appended, refused);
                }
                if wakes {
                    self.drive(Event::Message).await;
                    self.say_if_set_aside();
                }
            }
            Err(failure) => {
                let failure = failure.for_people();
                for (row, answer) in heads.iter().zip(answers) {
                    error!(
                        message_id = %row.id, error = %failure.chain(), hint = failure.hint_text(),
                        "a message was not taken"
                    );
                    // Whoever asked may be gone; that is no failure.
                    drop(answer.send(Err(HostError::from_problem(failure.problem()))));
                }
            }
        }
    }

    /// Who wrote to this session may be answered: it stands in the central database already.
    fn learn_way_back(&mut self, row: &NewInbound) {
        let back = row.address.as_ref().filter(|_| row.source_session.is_some());
        if let Some(back) = back.filter(|back| !self.reach.back.contains(back)) {
            self.facts.back.push(back.clone());
            self.reach.back.push(back.clone());
        }
    }

    fn acknowledge(
        &mut self,
        row: Unsettled,
        answer: Answer<Accepted>,
        appended: Appended,
        refused: Vec<String>,
    ) {
        let session_id = self.facts.record.id.clone();
        let accepted = match appended {
            Appended::New { seq } => {
                debug!(message_id = %row.id, seq, "message kept");
                // A look under way does not ask about it, yet may see its answer.
                self.unseen |= self.looking.is_some();
                let message_id = row.id.clone();
                self.open.push(Unsettled { seq, ..row });
                Ok(Accepted {
                    message_id,
                    session_id,
                    seq: Some(seq),
                    replayed: false,
                    refused_attachments: refused,
                })
            }
            Appended::AlreadyThere { id, seq } => Ok(Accepted {
                message_id: id,
                session_id,
                seq,
                replayed: true,
                refused_attachments: Vec::new(),
            }),
            Appended::Conflict { id } => Err(text::conflicting_message(&id)),
        };
        drop(answer.send(accepted));
    }

    /// Whoever speaks to a session that is set aside hears that it will take an operator.
    fn say_if_set_aside(&mut self) {
        if self.state == State::SetAside {
            let known = self.notice_shown().unwrap_or_default();
            self.notice(&text::set_aside(&known));
        }
    }

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
        let mut commit = Commit { staged: std::mem::take(&mut self.staged), appends };
        let result = match self.past_leases(self.try_commit(commit)).await {
            (again, Err(CommitError::Session(error))) if error.kind == StoreErrorKind::Busy => {
                // Only the guest can hold this lock.
                self.evict().await;
                commit = again;
                self.try_commit(commit).await
            }
            (again, Err(CommitError::Session(error))) if error.kind == StoreErrorKind::Missing => {
                // The folder went away between the row and this write: it is made anew.
                let (dir, agent) = (self.dir.clone(), self.agent_dir());
                drop(blocking(move || prepare_folders(&dir, &agent)).await);
                self.try_commit(again).await
            }
            other => other,
        };
        self.after_commit(result)
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
                    self.tell_run(run);
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

    fn try_commit(&self, mut commit: Commit) -> impl Future<Output = Tried> + use<> {
        let (writer, store) = (self.writer.clone(), self.context.store.clone());
        let now = self.context.clock.now();
        let work = move || {
            let result = commit.run(&writer, &store, now);
            (commit, result)
        };
        async move {
            match tokio::task::spawn_blocking(within_span(work)).await {
                Ok(done) => done,
                Err(panicked) => {
                    let bug = HostError::new(ErrorKind::Internal, "a commit broke off");
                    let empty = Commit { staged: Staged::default(), appends: Vec::new() };
                    (empty, Err(CommitError::Central(bug.because(panicked))))
                }
            }
        }
    }

    /// The flag that a crash leaves behind is set before the first write.
    pub(super) async fn mark(&mut self) -> Result<()> {
        if !self.marked {
            self.context.store.mark_awake(self.facts.record.id.clone()).await?;
            self.marked = true;
        }
        Ok(())
    }

    /// Answers every waiting command with why the session cannot be used.
    pub(super) async fn refuse_all(&mut self, failure: &HostError) {
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            command.refuse(failure);
        }
    }

    /// What the host's end still owes: the commit under way. Containers go on without us.
    pub(super) async fn close(&mut self) {
        self.commands.close();
        let grace = Instant::now() + limits::CLOSE_GRACE;
        while !self.posting.is_empty() {
            match tokio::time::timeout_at(grace, self.posting.join_next()).await {
                Ok(Some(Ok(sent))) => self.on_sent(sent),
                // Past the grace its fate is resolved at the next start, as after a crash.
                Ok(Some(Err(_)) | None) | Err(_) => break,
            }
        }
        self.commit_after = None;
        self.commit_staged().await;
        while let Ok(Some(_)) = tokio::time::timeout_at(grace, self.telling.join_next()).await {}
        let closing = text::closing();
        self.refuse_all(&closing).await;
    }
}

/// A row as far as the session's task remembers it; its number comes with the commit.
fn head(row: &NewInbound) -> Unsettled {
    Unsettled {
        id: row.id.clone(),
        seq: 0,
        tries: 0,
        trigger: row.trigger,
        process_after: row.process_after,
        address: row.address.clone(),
    }
}

/// Removes what a crash left between a message's files and its row.
fn sweep(writer: &InboundWriter) {
    let swept = writer.inboxes().map_err(HostError::from).and_then(|known| {
        sweep_orphans(writer.dir(), &known).map_err(|error| {
            HostError::new(ErrorKind::Storage, "cannot remove an orphan").because(error)
        })
    });
    if let Err(failure) = swept {
        warn!(error = %failure.chain(), "cannot sweep the inbox");
    }
}

/// Runs a step that blocks; its panic is a bug of ours and is reported as one.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(within_span(work))
        .await
        .map_err(|e| HostError::new(ErrorKind::Internal, "a step broke off").because(e))?
}

/// What a blocking step logs carries the session, too.
pub(super) fn within_span<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let span = Span::current();
    move || span.in_scope(work)
}

fn prepare_folders(dir: &schemas::session_dir::SessionDir, agent_dir: &Path) -> Result<()> {
    ensure(dir).and_then(|()| std::fs::create_dir_all(agent_dir)).map_err(|error| {
        HostError::new(
            ErrorKind::Storage,
            format!("cannot make the folder {}", dir.root().display()),
        )
        .because(error)
        .hint(text::CHECK_THE_HOME)
    })
}
