//! How a session's task begins: with what it knows, and what waits in its file.
//!
//! Owns the first moment of a task and what follows from a session that cannot be loaded.

use std::sync::{Arc, Mutex};

use schemas::{
    host_side::{InboundWriter, OutboundReader, Unsettled},
    ids::{MessageId, RunId},
    message::{InboundStatus, Outcome},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use tracing::{Instrument, error, info_span};

use super::{
    context::{Context, Facts},
    handle::{Command, FromSession, SessionHandle, View},
    lifecycle::State,
    pace::Pace,
    posts::Posts,
    runner::{Exiting, Runner},
    settle,
    staged::Staged,
};
use crate::{
    engine::LiveContainer,
    limits,
    store::{RunEnd, SettledRun},
};

/// What a task begins with.
#[derive(Debug)]
pub struct Boot {
    /// The session.
    pub facts: Facts,
    /// Its container, when one lives already.
    pub live: Option<LiveContainer>,
    /// Whether the engine said so; else a container of an earlier host may live unseen.
    pub engine_asked: bool,
}

/// Starts the task of a session.
#[must_use]
pub fn spawn(context: &Arc<Context>, boot: Boot) -> SessionHandle {
    let (mailbox, commands) = mpsc::channel(limits::SESSION_MAILBOX);
    let state = if boot.facts.record.set_aside.is_some() { State::SetAside } else { State::Asleep };
    let notice = boot.facts.record.set_aside.clone();
    let last_active = boot.facts.record.last_active;
    let (view, viewed) = watch::channel(Arc::new(View { state, notice, last_active }));
    let span = info_span!("session", session = %boot.facts.record.id);
    let task = run(context.clone(), boot, commands, view);
    context.spawn(task.instrument(span));
    SessionHandle::new(mailbox, viewed)
}

async fn run(
    context: Arc<Context>,
    boot: Boot,
    commands: mpsc::Receiver<Command>,
    view: watch::Sender<Arc<View>>,
) {
    let session = boot.facts.record.id.clone();
    let daemon = context.daemon.clone();
    let mut runner = Runner::new(context, &boot, commands, view);
    match runner.load(boot.live.as_ref()).await {
        Ok(()) => {
            runner.fold_what_ended().await;
            runner.recall_ends().await;
            runner.begin(boot.live).await;
            runner.serve().await;
        }
        Err(failure) => {
            error!(error = %failure.chain(), "the session cannot be loaded");
            runner.refuse_all(&failure).await;
            // The daemon is gone only when the whole host is.
            drop(daemon.send(FromSession::Ended { session }).await);
        }
    }
}

impl Runner {
    /// Rows that an earlier host gave up or stopped, and did not live to fold: no guest has a word
    /// about them, so the ledger's is taken, or they would be worked on once more.
    async fn fold_what_ended(&mut self) {
        if !self.marked || self.open.is_empty() {
            return;
        }
        let session = &self.facts.record.id;
        let own = |row: &Unsettled| RunId::of_try(session, &row.id, row.tries);
        let waits = self.open.iter().filter(|row| row.trigger);
        let rows = waits.map(|row| (row.id.clone(), own(row))).collect();
        let ends = match self.context.store.ends_of(session.clone(), rows).await {
            Ok(ends) => ends,
            Err(failure) => {
                error!(error = %failure.chain(), "cannot read how runs ended");
                return;
            }
        };
        let now = self.context.clock.now();
        for row in self.open.extract_if(.., |row| row.trigger && ends.contains_key(&row.id)) {
            let Some(end) = ends.get(&row.id).cloned() else { continue };
            let RunEnd { run, outcome, reason } = end;
            self.staged.over.push((row.id.clone(), status_after(outcome)));
            let settled = settle::given_up(session, &row, "", now);
            self.staged.runs.push(SettledRun { run, outcome, reason, ..settled });
        }
    }

    /// Ends that an earlier host did not live to tell. Of rows that are not folded people are told
    /// once they are.
    async fn recall_ends(&mut self) {
        if !self.marked {
            return;
        }
        let runs = match self.context.store.untold_ends(self.facts.record.id.clone()).await {
            Ok(runs) => runs,
            Err(failure) => {
                error!(error = %failure.chain(), "cannot read which ends are still to be told");
                return;
            }
        };
        for (run, address) in runs {
            let folded = |id: &MessageId| {
                !self.open.iter().any(|row| row.id == *id)
                    && !self.staged.over.iter().any(|(over, _)| over == id)
            };
            if run.message_ids.iter().all(folded) {
                self.owe_end(run, address);
            }
        }
    }

    fn new(
        context: Arc<Context>,
        boot: &Boot,
        commands: mpsc::Receiver<Command>,
        view: watch::Sender<Arc<View>>,
    ) -> Self {
        let facts = boot.facts.clone();
        let dir = facts.dir(&context);
        let now = context.clock.now();
        let state = view.borrow().state;
        Self {
            reach: facts.reach(),
            writer: InboundWriter::new(dir.clone()),
            reader: Arc::new(Mutex::new(OutboundReader::new(dir.clone()))),
            marked: !facts.record.clean,
            belt: super::belt::Belt::new(context.idle_after),
            channel_news: context.traffic.news(),
            context,
            facts,
            dir,
            commands,
            view,
            state,
            container: None,
            started_at: Instant::now(),
            engine_asked: boot.engine_asked,
            gone: None,
            place: None,
            work: JoinSet::new(),
            early_exits: Vec::new(),
            exiting: Exiting::No,
            failures: 0,
            restart_by: None,
            stopping: None,
            asked_to_stop: None,
            resetting: Vec::new(),
            timer: None,
            last_active: boot.facts.record.last_active.unwrap_or(now),
            working: Vec::new(),
            at_work: super::at_work::AtWork::default(),
            silence: super::silence::Silence::default(),
            unclaimed_since: None,
            blamed: Vec::new(),
            last_seen: now,
            open: Vec::new(),
            staged: Staged::default(),
            commit_after: None,
            commit_by: None,
            commit_trouble: None,
            bell: None,
            models: None,
            looking: None,
            look_wanted: true,
            unseen: false,
            look_after: Instant::now(),
            pace: Pace::new(Instant::now()),
            cursor: 0,
            caught_up: false,
            // What an earlier task left counts: the first quiet moment looks.
            finished: limits::KEPT_ROWS + 1,
            posting: JoinSet::new(),
            telling: JoinSet::new(),
            acting: super::acting::Acting::default(),
            actions: super::allowance::Allowance::default(),
            notes: super::notes::Notes::default(),
            woken_by_actions: super::allowance::Allowance::default(),
            wake_wanted: false,
            posts: Posts::new(!boot.facts.record.clean),
        }
    }
}

fn status_after(outcome: Outcome) -> InboundStatus {
    match outcome {
        Outcome::Completed => InboundStatus::Completed,
        Outcome::Cancelled => InboundStatus::Cancelled,
        Outcome::Failed | Outcome::Interrupted => InboundStatus::Failed,
    }
}
