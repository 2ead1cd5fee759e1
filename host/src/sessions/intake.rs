//! Messages in: from the mailbox to a committed row.
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
use tracing::{Span, debug, error, warn};

use super::{
    handle::Command,
    lane::Standing,
    lifecycle::{Event, State},
    runner::Runner,
};
use crate::{
    engine::LiveContainer,
    error::{ErrorKind, HostError, Result},
    limits,
    requests::Answer,
    steps::Step,
    text,
};

type Append = (Box<NewInbound>, Answer<Accepted>);

/// Rows and posts without a final word, and when somebody last wanted a run to stop.
type Waiting = (Vec<Unsettled>, Vec<LedgerRow>, Option<jiff::Timestamp>);
type StoreResult<T> = std::result::Result<T, StoreError>;

impl Runner {
    /// Makes the folder, and reads what waits in it. A container that an earlier host left may
    /// hold the file by now.
    pub(super) async fn load(&mut self, live: Option<&LiveContainer>) -> Result<()> {
        let (dir, agent_dir) = (self.dir.clone(), self.agent_dir());
        blocking(move || prepare_folders(&dir, &agent_dir)).await?;
        self.container = live.filter(|live| live.running).map(|live| live.container.clone());
        let busy = |read: &StoreResult<Waiting>| {
            read.as_ref().is_err_and(|error| error.kind == StoreErrorKind::Busy)
        };
        let mut loaded = self.past_leases(self.read_unsettled()).await?;
        if busy(&loaded) {
            loaded = self.read_unsettled().await?;
        }
        if busy(&loaded) {
            self.evict().await;
            loaded = self.read_unsettled().await?;
        }
        let (open, sending, asked_to_stop) = loaded?;
        self.asked_to_stop = asked_to_stop;
        if self.marked {
            let told = self.context.store.told(self.facts.record.id.clone()).await?;
            self.silence.remember(told);
        }
        open.iter().for_each(|row| self.silence.heard(row));
        self.open = open;
        self.posts.attempts =
            sending.into_iter().map(|row| (row.message_out.clone(), Standing::of(&row))).collect();
        Ok(())
    }

    fn read_unsettled(&self) -> impl Future<Output = Result<StoreResult<Waiting>>> + use<> {
        let (writer, crashed) = (self.writer.clone(), self.marked);
        blocking(move || {
            let read = writer.write(|tx| Ok((tx.unsettled()?, tx.sending()?, tx.asked_to_stop()?)));
            if crashed && read.is_ok() {
                sweep(&writer);
            }
            Ok(read)
        })
    }

    pub(super) fn agent_dir(&self) -> PathBuf {
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
                | Command::Retry(..)
                | Command::ChannelBack(_)
                | Command::Restart(..)
                | Command::Snapshot(..)
                | Command::ThrowAway(..)
                | Command::Erase(..)
                | Command::TooMuch(_)
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
                self.context.steps.reached(Step::Acknowledged);
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
                self.silence.heard(&row);
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
        self.tell_counted(true);
        self.commit_staged().await;
        self.tell_ends();
        while let Ok(Some(_)) = tokio::time::timeout_at(grace, self.telling.join_next()).await {}
        let closing = text::closing();
        self.refuse_all(&closing).await;
    }
}

/// A row as far as the session's task remembers it; its number comes with the commit.
pub(super) fn head(row: &NewInbound) -> Unsettled {
    Unsettled {
        id: row.id.clone(),
        seq: 0,
        kind: row.kind,
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

pub(super) fn prepare_folders(
    dir: &schemas::session_dir::SessionDir,
    agent_dir: &Path,
) -> Result<()> {
    ensure(dir).and_then(|()| std::fs::create_dir_all(agent_dir)).map_err(|error| {
        HostError::new(
            ErrorKind::Storage,
            format!("cannot make the folder {}", dir.root().display()),
        )
        .because(error)
        .hint(text::CHECK_THE_HOME)
    })
}
