//! When a session's task may end, and how it asks.
//!
//! Owns what *at rest* means and the retire handshake. What is still to come was written down
//! before: due rows and posts in the session's file, the next time in the central table.

use tokio::sync::oneshot;
use tracing::error;

use super::{
    handle::FromSession,
    lane::Lane,
    lifecycle::{Event, State},
    runner::{Exiting, Runner},
};
use crate::steps::Step;

impl Runner {
    /// Whether nothing is under way and nothing must be watched.
    pub(super) fn is_at_rest(&self) -> bool {
        let quiet = match self.state {
            State::Asleep | State::Failed | State::SetAside => true,
            State::Waiting(_)
            | State::Starting
            | State::Awake
            | State::Stopping
            | State::Backoff => false,
        };
        quiet
            && self.container.is_none()
            && self.resetting.is_empty()
            && self.exiting == Exiting::No
            && self.work.is_empty()
            && self.posting.is_empty()
            && self.telling.is_empty()
            && self.looking.is_none()
            && !self.look_wanted
            && self.staged.is_empty()
            && self.acting.is_empty()
            && self.posts.lanes.values().all(Lane::waits_long)
    }

    /// Asks the daemon whether it may end; the daemon says no when a command came meanwhile.
    pub(super) async fn retire(&mut self) -> bool {
        self.tell_counted(true);
        if self.engine_asked {
            // No container lives: nobody goes on with what a dead one left in the middle.
            self.settle_broken_off();
        }
        // Here and now: nothing else may happen for an hour that would bring the loop to it.
        self.put_down().await;
        if !self.is_at_rest() {
            return false;
        }
        if self.state == State::Asleep && self.has_due_rows() {
            self.drive(Event::Message).await;
            return false;
        }
        // Who waits for a try that is put off is told so before the task ends.
        if self.silence.next().is_some() {
            return false;
        }
        let due = self.next_due();
        let id = self.facts.record.id.clone();
        if self.marked {
            self.tidy_up().await;
            // Going to sleep is no activity: what counts is the last thing said or done.
            let marked = self.context.store.mark_asleep(id.clone(), due, self.last_active).await;
            if let Err(failure) = marked {
                error!(error = %failure.chain(), "cannot mark the session asleep");
            }
            self.marked = false;
            self.context.steps.reached(Step::MarkedAsleep);
        }
        let (may_end, answer) = oneshot::channel();
        let waits_for = self.waits_for();
        let retire = FromSession::Retire { session: id, due, waits_for, may_end };
        if self.context.daemon.send(retire).await.is_err() {
            return true;
        }
        answer.await.unwrap_or(true)
    }
}
