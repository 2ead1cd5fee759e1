//! Stopping the run at work.
//!
//! Owns the patience: a guest is asked first and drops its turn at once; one that does not is
//! ended, and the run is settled as cancelled without it. Whoever asked was answered when the
//! guest was asked, durably.

use schemas::{
    host_side::Control,
    ids::MessageId,
    message::{InboundStatus, Outcome},
};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{intake::blocking, lifecycle::Event, runner::Runner, settle};
use crate::{error::Result, limits, text::chat as words};

/// What was asked to stop, and until when the guest has time for it.
#[derive(Debug)]
pub(super) struct Stopping {
    by: Instant,
    rows: Vec<MessageId>,
}

impl Stopping {
    pub(super) fn by(&self) -> Instant {
        self.by
    }
}

impl Runner {
    /// Asks the guest to drop what it works on.
    pub(super) async fn stop_run(&mut self) -> Result<String> {
        if self.working.is_empty() {
            return Ok(words::NOTHING_TO_STOP.to_owned());
        }
        let (writer, now) = (self.writer.clone(), self.context.clock.now());
        blocking(move || Ok(writer.write(|tx| tx.control(Control::Abort, now))?)).await?;
        self.context.bells.wrote(&self.dir);
        info!(rows = self.working.len(), "the run at work is to stop");
        let by = Instant::now() + limits::action::ABORT_PATIENCE;
        self.stopping = Some(Stopping { by, rows: self.working.clone() });
        Ok(words::STOPPING.to_owned())
    }

    /// Ends a guest that went on all the same.
    pub(super) async fn stop_as_asked(&mut self) {
        let Some(stopping) = &self.stopping else { return };
        let goes_on = self.working.iter().any(|row| stopping.rows.contains(row));
        if !goes_on || self.container.is_none() {
            self.stopping = None;
            return;
        }
        if stopping.by > Instant::now() {
            return;
        }
        let Some(stopping) = self.stopping.take() else { return };
        warn!("the guest did not stop its run; its container is ended");
        let (now, session) = (self.context.clock.now(), self.facts.record.id.clone());
        for row in self.open.extract_if(.., |row| stopping.rows.contains(&row.id)) {
            self.staged.over.push((row.id.clone(), InboundStatus::Cancelled));
            if row.trigger {
                let mut run = settle::given_up(&session, &row, "", now);
                // Whoever stopped it knows why, and needs no apology.
                run.reason = None;
                run.outcome = Outcome::Cancelled;
                self.staged.runs.push(run);
            }
        }
        self.working.clear();
        self.drive(Event::Stop).await;
    }
}
