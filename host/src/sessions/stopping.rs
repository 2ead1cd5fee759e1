//! Stopping the run at work, or the one that is about to begin.
//!
//! Owns the patience: a guest is asked first and drops its turn at once, saying what it had said
//! so far; one that does not is killed. What a person stopped is settled as cancelled, whoever
//! ended it; whoever asked was answered when the guest was asked, durably. A run that the host
//! itself interrupts, because it does not get on, is no person's wish: it is tried again, unless
//! it has acted. What waits behind the run goes on in either case.

use jiff::Timestamp;
use schemas::{
    host_side::{Because, Control, Unsettled},
    ids::MessageId,
    message::{InboundStatus, Outcome},
};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    intake::blocking,
    lifecycle::{Event, State, backoff},
    look::Fresh,
    runner::Runner,
    settle::{self, Ending, Verdict},
};
use crate::{error::Result, limits, text, text::turns as words};

/// What was asked to stop, by whom, and until when the guest has time for it.
#[derive(Debug)]
pub(super) struct Stopping {
    by: Instant,
    rows: Vec<MessageId>,
    why: Why,
}

/// Who wants it to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// A person does.
    Asked,
    /// It does not get on.
    NoProgress,
}

impl Runner {
    /// When the patience with a guest ends.
    pub(super) fn stop_due(&self) -> Option<Instant> {
        self.stopping.as_ref().filter(|_| self.container.is_some()).map(|stopping| stopping.by)
    }

    /// What a person wants: the run at work ends; if none is, the next one never begins.
    /// A command that stopped one before its host died stops no other when it is repeated.
    pub(super) async fn stop_run(&mut self, command: &str) -> Result<String> {
        let next = self.about_to_begin();
        let asked = self.stopping.as_ref().is_some_and(|stopping| stopping.why == Why::Asked);
        if self.working.is_empty() && next.is_empty() && !asked {
            return Ok(words::NOTHING_TO_STOP.to_owned());
        }
        let passed_on = self.was_passed_on(command).await;
        if passed_on.as_ref().is_ok_and(|known| *known) {
            return Ok(words::STOPPING.to_owned());
        }
        if let Some(stopping) = self.stopping.as_mut().filter(|one| one.why == Why::Asked) {
            // Whatever keeps its file from being read.
            stopping.by = Instant::now();
            return Ok(words::STOPPING_AT_ONCE.to_owned());
        }
        passed_on?;
        // Also where no claim was seen: it may have been taken just now.
        self.ask_to_stop(Because::Command(command.to_owned())).await?;
        if self.working.is_empty() {
            info!(rows = next.len(), "the run that was about to begin never will");
            self.cancel(&next);
            self.commit(Vec::new()).await.map_err(|failure| failure.for_people())?;
            self.rest_if_nothing_waits().await;
        } else {
            self.stop_by(Why::Asked);
        }
        Ok(words::STOPPING.to_owned())
    }

    /// What does not get on is asked to stop.
    pub(super) async fn interrupt_run(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        warn!(rows = self.working.len(), "the run at work does not get on; it is interrupted");
        // A control that cannot be written is one that is not heard: the kill follows.
        if let Err(failure) = self.ask_to_stop(Because::Host("no_progress")).await {
            warn!(error = %failure.chain(), "cannot ask the guest to stop");
        }
        self.stop_by(Why::NoProgress);
    }

    async fn was_passed_on(&self, command: &str) -> Result<bool> {
        let (writer, command) = (self.writer.clone(), command.to_owned());
        blocking(move || Ok(writer.write(|tx| tx.passed_on(&command))?)).await
    }

    async fn ask_to_stop(&self, because: Because) -> Result<()> {
        let (writer, now) = (self.writer.clone(), self.context.clock.now());
        let ask = move || Ok(writer.write(|tx| tx.control(Control::Abort, &because, now))?);
        blocking(ask).await?;
        self.context.bells.wrote(&self.dir);
        Ok(())
    }

    fn stop_by(&mut self, why: Why) {
        let by = Instant::now() + limits::turn::ABORT_PATIENCE;
        info!(rows = self.working.len(), ?why, "the run at work is to stop");
        self.stopping = Some(Stopping { by, rows: self.working.clone(), why });
    }

    /// Kills a guest that went on all the same.
    pub(super) async fn stop_as_asked(&mut self) {
        let Some(stopping) = &self.stopping else { return };
        if !self.working.iter().any(|row| stopping.rows.contains(row)) {
            self.stopping = None;
            return;
        }
        // One whose guest is gone is settled once its last words were read.
        if self.container.is_none() || stopping.by > Instant::now() {
            return;
        }
        let Some(stopping) = self.stopping.take() else { return };
        warn!("the guest did not stop its run; its container is killed");
        match stopping.why {
            Why::Asked => {
                self.cancel(&stopping.rows);
                self.working.clear();
            }
            // Its rows are judged once it is gone and its last words were read.
            Why::NoProgress => self.failures += 1,
        }
        self.drive(Event::Stuck).await;
    }

    /// A stop that an earlier host was asked for, and did not live to see done.
    pub(super) fn remember_stop(&mut self) {
        let Some(asked) = self.asked_to_stop.take().filter(|_| !self.working.is_empty()) else {
            return;
        };
        // A stored time has milliseconds and no more.
        let began = self.at_work.began().map(Timestamp::as_millisecond);
        if began.is_some_and(|began| began <= asked.as_millisecond()) {
            self.stop_by(Why::Asked);
        }
    }

    /// No guest is there any more. What a person had stopped is cancelled, what has acted is over;
    /// the rest is due again.
    pub(super) fn settle_broken_off(&mut self) {
        if let Some(stopping) = self.stopping.take()
            && stopping.why == Why::Asked
        {
            self.cancel(&stopping.rows);
            self.working.retain(|row| !stopping.rows.contains(row));
        }
        self.interrupt_acted();
    }

    /// What a row's end means while its run is being stopped: one that the host interrupted was
    /// nobody's wish to cancel.
    pub(super) fn as_stopped(&self, row: &Unsettled, verdict: Verdict) -> Verdict {
        let interrupted = self
            .stopping
            .as_ref()
            .is_some_and(|one| one.why == Why::NoProgress && one.rows.contains(&row.id));
        let Verdict::Over(ending) = verdict else { return verdict };
        if !interrupted || ending.outcome != Outcome::Cancelled {
            return Verdict::Over(ending);
        }
        if self.at_work.has_acted(&row.id) {
            return Verdict::Over(settle::interrupted(ending.run.as_ref()));
        }
        if !settle::is_last(row.tries) {
            let tries = row.tries % limits::MAX_TRIES + 1;
            let pause = backoff(u32::try_from(tries).unwrap_or(u32::MAX));
            return Verdict::Retry(Some(self.context.clock.now() + pause));
        }
        Verdict::Over(Ending {
            status: InboundStatus::Failed,
            outcome: Outcome::Interrupted,
            reason: Some(text::gave_up()),
            ..ending
        })
    }

    /// The rows that the next turn would take, as the guest chooses them; and those that died and
    /// wait for their next try.
    fn about_to_begin(&self) -> Vec<MessageId> {
        if self.state == State::SetAside {
            return Vec::new();
        }
        let now = self.context.clock.now();
        let waits = |row: &&Unsettled| {
            let due = row.tries > 0 || row.process_after.is_none_or(|at| at <= now);
            row.trigger && due
        };
        let mut waiting = self.open.iter().filter(waits).peekable();
        let first = waiting.peek().map(|row| row.address.clone());
        let same = waiting.filter(|row| first.as_ref() == Some(&row.address));
        let most = usize::try_from(limits::MESSAGES_PER_PROMPT).unwrap_or(usize::MAX);
        same.take(most).map(|row| row.id.clone()).collect()
    }

    /// These rows end as their people wanted.
    fn cancel(&mut self, ids: &[MessageId]) {
        let run = self.at_work.run.clone();
        let rows = self.open.extract_if(.., |row| ids.contains(&row.id));
        let over = rows.map(|row| {
            let claimed = self.working.contains(&row.id);
            // Whoever stopped it knows why, and needs no apology.
            let ending = Ending {
                status: InboundStatus::Cancelled,
                outcome: Outcome::Cancelled,
                run: run.clone().filter(|_| claimed),
                reason: None,
            };
            (row, ending)
        });
        let over: Vec<_> = over.collect();
        self.stage_over(over, &Fresh::default());
    }

    /// A session that waited for a container only for what is cancelled now needs none.
    async fn rest_if_nothing_waits(&mut self) {
        let waited = match self.state {
            State::Waiting(_) | State::Backoff | State::Failed => true,
            State::Asleep | State::Starting | State::Awake | State::Stopping | State::SetAside => {
                false
            }
        };
        if waited && !self.open.iter().any(|row| row.trigger) {
            self.drive(Event::Stop).await;
        }
    }
}
