//! Watching a guest: when to look at what it wrote, and whether it lives and gets on.
//!
//! Owns when the bell and the belt lead to a look, and reading the guest's signs. What they mean is
//! judged in `stuck`.

use schemas::host_side::{heartbeat, progress};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    belt::Belt,
    lifecycle::{Event, State},
    runner::Runner,
    stuck,
};
use crate::limits;

impl Runner {
    pub(super) fn watch_guest(&mut self) {
        self.bell = Some(self.context.bells.watch(&self.dir));
        self.belt = Belt::new(self.context.idle_after);
        self.look_wanted = true;
    }

    /// Whether there is a guest to be watched.
    pub(super) fn watches(&self) -> bool {
        self.bell.is_some()
    }

    pub(super) fn on_rung(&mut self) {
        self.belt.rung();
        self.look_wanted = true;
    }

    pub(super) async fn on_alarm(&mut self) {
        let now = Instant::now();
        if self.timer.is_some_and(|at| at <= now) {
            self.timer = None;
            let rows_left = self.open.iter().any(|row| row.trigger);
            self.drive(Event::Timer { failures: self.failures, rows_left }).await;
        }
        self.break_silence();
        if self.commit_after.is_some_and(|at| at <= now) {
            self.commit_after = None;
        }
        if self.watches() && self.belt.next() <= now {
            self.belt.slower();
            if self.belt.changed(&self.dir.outbound_db()) {
                self.belt.proven = false;
                self.look_wanted = true;
            }
            self.check_guest().await;
            if self.finished > limits::KEPT_ROWS && self.belt.is_slow() && self.staged.is_empty() {
                self.tidy_step().await;
            }
        }
    }

    /// Whether it still lives and gets on, and whether it is still needed.
    async fn check_guest(&mut self) {
        let signs = self.signs();
        self.mention_long_run();
        if self.state != State::Awake {
            return;
        }
        match stuck::judge(&signs) {
            stuck::Verdict::Fine => {}
            stuck::Verdict::Dead => {
                warn!(claims = self.working.len(), "the guest has work and shows no sign of life");
                self.failures += 1;
                let unclaimed = signs.unclaimed_since.is_some();
                self.blamed = if unclaimed { self.due_rows() } else { Vec::new() };
                self.drive(Event::Stuck).await;
            }
            stuck::Verdict::NoProgress => self.interrupt_run().await,
            stuck::Verdict::Idle => {
                info!("idle; the container is stopped");
                self.drive(Event::Idle).await;
            }
        }
    }

    /// What can be seen of the guest without its help.
    fn signs(&mut self) -> stuck::Signs {
        let now = self.context.clock.now();
        let unclaimed = self.working.is_empty() && self.has_due_rows();
        self.unclaimed_since = unclaimed.then(|| self.unclaimed_since.unwrap_or(now));
        let work = (!self.working.is_empty()).then(|| {
            let progress = self.at_work.run.as_ref().and_then(|run| progress(&self.dir, run));
            self.at_work.signs(self.last_seen, progress)
        });
        stuck::Signs {
            now,
            profile: stuck::Profile::Native,
            heartbeat: work.and_then(|_| heartbeat(&self.dir)),
            work,
            unclaimed_since: self.unclaimed_since,
            last_active: self.last_active,
            idle_after: self.context.idle_after,
        }
    }
}
