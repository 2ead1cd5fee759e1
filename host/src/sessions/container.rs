//! Carrying out what the lifecycle decides, and feeding it what the engine reports.
//!
//! Owns the container's id, its place under the cap and the pauses between containers. Engine
//! calls run beside the loop; their results come back as events.

use schemas::{ids::MessageId, message::InboundStatus};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::{
    acting::Answered,
    lifecycle::{Effect, Event, StartFailure, State, WaitingFor, backoff, next},
    places::{Place, Use},
    runner::{Exiting, Runner},
    settle,
};
use crate::{
    engine::{ContainerId, EngineError, EngineErrorKind},
    error::HostError,
    limits,
    steps::Step,
    text,
};

/// What something that ran beside the loop came to.
#[derive(Debug)]
pub(super) enum WorkDone {
    /// Nothing that anybody waits for.
    Nothing,
    /// There is a place under the cap.
    Slot(Place),
    /// The engine answered a start.
    Started(Result<ContainerId, EngineError>),
    /// A container ended because we asked for it.
    Ended(ContainerId),
    /// What came of a guest's action.
    Acted(Box<Answered>),
}

impl Runner {
    /// Feeds the lifecycle, and carries out what follows.
    pub(super) async fn drive(&mut self, event: Event) {
        let mut event = Some(event);
        while let Some(happened) = event.take() {
            let (state, effects) = next(self.state, happened);
            if state != self.state {
                debug!(from = ?self.state, to = ?state, ?happened, "lifecycle");
                self.state = state;
                self.show(None);
            }
            for effect in effects {
                event = self.carry_out(effect).await.or(event);
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Start => return self.start().await,
            Effect::Stop => self.stop(),
            Effect::Kill => self.kill(),
            Effect::ReleaseClaims => self.release_claims(),
            Effect::SetTimer => self.timer = Some(Instant::now() + backoff(self.failures)),
            Effect::TellOwner => self.tell_owner(),
        }
        None
    }

    /// Says what its place is used for: whoever waits takes it from one that does nothing.
    pub(super) fn tell_place(&mut self) {
        let idle = self.is_idle();
        let Some(place) = &mut self.place else { return };
        place.used(match self.state {
            State::Stopping | State::SetAside => Use::Ending,
            State::Awake if idle => Use::Idle,
            State::Awake
            | State::Asleep
            | State::Waiting(_)
            | State::Starting
            | State::Backoff
            | State::Failed => Use::Busy,
        });
    }

    /// Gives its place to somebody who waits.
    pub(super) async fn give_way(&mut self) {
        if self.state == State::Awake && self.is_idle() {
            info!("idle, and others wait for its place; the container is stopped");
            self.drive(Event::Idle).await;
        }
    }

    /// Whether nothing is asked of the container.
    fn is_idle(&self) -> bool {
        self.working.is_empty() && self.acting.is_empty() && !self.has_due_rows()
    }

    fn stop(&mut self) {
        let Some(container) = self.container.clone() else { return };
        // The engine kills by itself past the grace; the timer is for an engine that does not.
        self.timer = Some(Instant::now() + limits::STOP_GRACE * 3);
        let engine = self.context.engine.clone();
        self.beside(async move {
            match engine.stop(&container, limits::STOP_GRACE).await {
                // The engine says so twice: here, and by an event, which may be lost.
                Ok(()) => WorkDone::Ended(container),
                Err(failure) => {
                    warn!(error = %HostError::from(failure).chain(), "cannot stop the container");
                    WorkDone::Nothing
                }
            }
        });
    }

    pub(super) fn kill(&mut self) {
        let Some(container) = self.container.clone() else { return };
        // Said again for as long as the engine does not hear it.
        self.timer = Some(Instant::now() + limits::STOP_GRACE);
        let engine = self.context.engine.clone();
        self.beside(async move {
            match engine.kill(&container).await {
                Ok(()) => WorkDone::Ended(container),
                Err(failure) => {
                    warn!(error = %HostError::from(failure).chain(), "cannot kill the container");
                    WorkDone::Nothing
                }
            }
        });
    }

    pub(super) fn remove(&mut self, container: ContainerId) {
        let (engine, root) = (self.context.engine.clone(), self.dir.root().to_owned());
        self.beside(async move {
            if let Err(failure) = engine.remove(&container, &root).await {
                warn!(error = %HostError::from(failure).chain(), "cannot remove the container");
            }
            WorkDone::Nothing
        });
    }

    pub(super) async fn on_work(&mut self, done: WorkDone) {
        match done {
            WorkDone::Nothing => {}
            // Whoever waits no longer gives the place to the next by dropping it.
            WorkDone::Slot(place) => {
                if self.state == State::Waiting(WaitingFor::Slot) {
                    self.place = Some(place);
                    self.drive(Event::Slot).await;
                }
            }
            WorkDone::Ended(container) => self.on_exited(container, "as asked"),
            WorkDone::Acted(answered) => self.on_acted(*answered),
            WorkDone::Started(Ok(container)) => self.on_started(container).await,
            WorkDone::Started(Err(failure)) => self.on_start_failed(failure).await,
        }
    }

    async fn on_started(&mut self, container: ContainerId) {
        info!(container = %container.0, "container started");
        self.container = Some(container.clone());
        self.started_at = Instant::now();
        self.last_seen = self.context.clock.now();
        self.drive(Event::Started).await;
        if self.early_exits.contains(&container) {
            self.on_exited(container, "it ended at once");
        }
        self.early_exits.clear();
    }

    async fn on_start_failed(&mut self, failure: EngineError) {
        let kind = match failure.kind {
            EngineErrorKind::Unreachable => StartFailure::EngineAway,
            EngineErrorKind::Permanent => StartFailure::Permanent,
            EngineErrorKind::Transient => StartFailure::Transient,
        };
        let failure = HostError::from(failure);
        error!(error = %failure.chain(), hint = failure.hint_text(), "the container did not start");
        self.place = None;
        self.bell = None;
        self.models = None;
        if kind == StartFailure::Transient {
            self.failures += 1;
        }
        self.show(Some(failure.chain()));
        let asleep = self.state == State::Stopping;
        self.drive(Event::StartFailed(kind)).await;
        if !asleep {
            self.notice(&match kind {
                // It goes on by itself.
                StartFailure::EngineAway => text::waiting(),
                StartFailure::Permanent | StartFailure::Transient => {
                    text::cannot_start(&failure.to_string())
                }
            });
        }
    }

    /// A container ended. What it wrote last is looked at before anything is decided.
    pub(super) fn on_exited(&mut self, container: ContainerId, how: &str) {
        if self.container.as_ref() != Some(&container) {
            if self.state == State::Starting || self.state == State::Stopping {
                self.early_exits.push(container);
            }
            return;
        }
        info!(container = %container.0, how, "container ended");
        self.context.steps.reached(Step::ExitSeen);
        self.container = None;
        self.gone = Some(container.clone());
        self.exiting = Exiting::LookDue;
        self.look_wanted = true;
        self.remove(container);
    }

    /// The last look is done: now the lifecycle hears of the exit.
    pub(super) async fn finish_exit(&mut self) {
        self.exiting = Exiting::No;
        self.timer = None;
        self.place = None;
        self.bell = None;
        self.models = None;
        self.settle_broken_off();
        let rows_due = self.has_due_rows();
        let asked_for = self.state == State::Stopping;
        if rows_due && !asked_for {
            self.failures += 1;
        }
        self.drive(Event::Exited { rows_due }).await;
        self.working.clear();
        self.at_work = super::at_work::AtWork::default();
        self.blamed.clear();
        self.unclaimed_since = None;
    }

    /// Rows that died with their guest get one more try after the pause, or are given up.
    fn release_claims(&mut self) {
        let now = self.context.clock.now();
        let at = now + backoff(self.failures.max(1));
        let mut claimed: Vec<MessageId> = std::mem::take(&mut self.working);
        claimed.append(&mut self.blamed);
        let (spent, again): (Vec<_>, Vec<_>) = self
            .open
            .iter_mut()
            .filter(|row| claimed.contains(&row.id))
            .partition(|row| settle::is_last(row.tries));
        for row in again {
            self.staged.retries.push((row.id.clone(), at));
            row.tries += 1;
            row.process_after = Some(at);
        }
        let spent: Vec<MessageId> = spent.iter().map(|row| row.id.clone()).collect();
        if !spent.is_empty() {
            // The row was to blame; what waits behind it starts afresh.
            self.failures = 0;
        }
        self.give_up(&spent, &text::gave_up());
    }

    /// Rows end without an answer: their runs are settled, and the room is told.
    pub(super) fn give_up(&mut self, ids: &[MessageId], why: &str) {
        let now = self.context.clock.now();
        let session = self.facts.record.id.clone();
        for row in self.open.extract_if(.., |row| ids.contains(&row.id)) {
            self.staged.over.push((row.id.clone(), InboundStatus::Failed));
            if row.trigger {
                self.staged.runs.push(settle::given_up(&session, &row, why, now));
            }
        }
    }

    fn tell_owner(&mut self) {
        if self.state == State::Failed && self.failures >= limits::MAX_FAILURES {
            let due: Vec<MessageId> =
                self.open.iter().filter(|row| row.trigger).map(|row| row.id.clone()).collect();
            error!(rows = due.len(), "given up after too many containers that ended badly");
            self.give_up(&due, &text::gave_up());
            self.failures = 0;
        }
    }
}
