//! When somebody wants the container, or the whole conversation, to end.
//!
//! Owns the drain: a container that is to be restarted ends after the run at work, or when the time
//! for that is over. An archived session takes nothing more in: its key is free already, its
//! container ends, what waited for an answer is given up, and what was said is still delivered.

use schemas::{admin::SessionInfo, ids::MessageId};
use tokio::time::Instant;
use tracing::info;

use super::{
    lifecycle::{Event, State},
    runner::{Exiting, Runner},
};
use crate::{limits, text};

impl Runner {
    /// The container ends after its run; with `now`, at once. What waits is answered by the next.
    pub(super) async fn restart(&mut self, now: bool) -> SessionInfo {
        info!(now, "to be restarted");
        let wait = if now { std::time::Duration::ZERO } else { limits::admin::DRAIN };
        self.restart_by = Some(Instant::now() + wait);
        self.end_as_asked().await;
        self.info()
    }

    /// Nothing is taken in any more; the central row says so already.
    pub(super) async fn archive(&mut self) {
        info!("archived");
        self.facts.record.archived = true;
        self.show(None);
        // Who cleared the conversation lets the run at work finish.
        if self.restart_by.is_some() {
            self.end_as_asked().await;
        } else {
            self.drive(Event::Stop).await;
        }
    }

    /// What was asked for and could not be done at once.
    pub(super) async fn end_as_asked(&mut self) {
        if self.facts.record.archived {
            self.give_up_rest();
        }
        let Some(by) = self.restart_by else { return };
        if self.container.is_none() && self.state != State::Starting {
            self.restart_by = None;
            return;
        }
        let idle = self.working.is_empty() && !self.has_due_rows();
        if idle || by <= Instant::now() {
            self.restart_by = None;
            self.drive(Event::Stop).await;
        }
    }

    /// After the guest's last words: what they did not answer, nobody will.
    fn give_up_rest(&mut self) {
        let ended = match self.state {
            State::Asleep
            | State::Waiting(_)
            | State::Backoff
            | State::Failed
            | State::SetAside => self.container.is_none() && self.exiting == Exiting::No,
            State::Starting | State::Awake | State::Stopping => false,
        };
        if ended && !self.open.is_empty() {
            let rest: Vec<MessageId> = self.open.iter().map(|row| row.id.clone()).collect();
            self.give_up(&rest, &text::archived());
        }
    }
}
