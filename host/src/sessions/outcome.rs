//! What the guest wrote: when to look, and what follows from what was seen.
//!
//! Owns the watch on `outbound.db` (bell and belt), the pace of looks, and turning acks into
//! settled runs. Everything seen is a hostile guest's word; judgements are in `settle`.

use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use schemas::{
    admin::RoomEvent,
    host_side::{Refused, RefusedKind, Unsettled},
    message::{Address, InboundStatus},
};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{
    intake::within_span,
    lifecycle::{Event, State},
    look::{Ask, Found, Fresh, look},
    runner::{Exiting, Runner},
    settle::{Ending, Verdict, judge, runs_of},
    staged::Staged,
    stuck,
};
use crate::{limits, store::SettledRun, text};

/// The belt: a cheap glance that catches what the bell missed, rarer the longer nothing happens,
/// and rarer still where the bell was heard and has missed nothing since.
#[derive(Debug)]
pub(super) struct Belt {
    pause: Duration,
    longest: Duration,
    proven: bool,
    next: Instant,
    seen: Option<(SystemTime, u64, u64)>,
}

impl Belt {
    /// What is idle after `idle_after` is noticed a quarter of it late at worst.
    pub(super) fn new(idle_after: Duration) -> Self {
        Self {
            pause: limits::BELT_FIRST,
            longest: limits::BELT_LONGEST_PROVEN.min(idle_after / 4).max(limits::BELT_LONGEST),
            proven: false,
            next: Instant::now() + limits::BELT_FIRST,
            seen: None,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether nothing happened for a while.
    fn is_slow(&self) -> bool {
        self.pause >= limits::BELT_LONGEST
    }

    /// There is more of what is done in quiet moments.
    pub(super) fn soon(&mut self) {
        self.next = Instant::now() + limits::TIDY_PAUSE;
    }

    fn rung(&mut self) {
        self.proven = true;
        self.pause = limits::BELT_FIRST;
        self.next = Instant::now() + self.pause;
    }

    fn slower(&mut self) {
        let longest = if self.proven { self.longest } else { limits::BELT_LONGEST };
        self.pause = (self.pause * 2).min(longest);
        self.next = Instant::now() + self.pause;
    }

    /// Whether the file looks otherwise than at the last glance.
    fn changed(&mut self, path: &Path) -> bool {
        let glance = std::fs::symlink_metadata(path)
            .ok()
            .and_then(|meta| Some((meta.modified().ok()?, meta.len(), meta.ino())));
        let changed = glance != self.seen;
        self.seen = glance;
        changed
    }
}

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

    /// Whether it still lives, and whether it is still needed.
    async fn check_guest(&mut self) {
        let now = self.context.clock.now();
        let heartbeat = std::fs::symlink_metadata(self.dir.heartbeat())
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|at| Timestamp::try_from(at).ok());
        let unclaimed = self.working.is_empty() && self.has_due_rows();
        self.unclaimed_since = unclaimed.then(|| self.unclaimed_since.unwrap_or(now));
        let signs = stuck::Signs {
            now,
            working: !self.working.is_empty(),
            unclaimed_since: self.unclaimed_since,
            heartbeat,
            last_seen: self.last_seen,
            last_active: self.last_active,
            idle_after: self.context.idle_after,
        };
        match stuck::judge(&signs) {
            stuck::Verdict::Fine => {}
            stuck::Verdict::Stuck if self.state == State::Awake => {
                warn!(claims = self.working.len(), "the guest has work and shows no sign of life");
                self.failures += 1;
                self.blamed = if unclaimed { self.due_rows() } else { Vec::new() };
                self.drive(Event::Stuck).await;
            }
            stuck::Verdict::Idle if self.state == State::Awake => {
                info!("idle; the container is stopped");
                self.drive(Event::Idle).await;
            }
            stuck::Verdict::Stuck | stuck::Verdict::Idle => {}
        }
    }

    /// Starts a look when one is wanted, none is under way and the pace allows it.
    pub(super) fn start_look(&mut self) {
        let exit = self.exiting == Exiting::LookDue;
        let due = self.look_wanted && (exit || self.look_after <= Instant::now());
        if self.looking.is_some() || !due {
            return;
        }
        self.look_wanted = false;
        if exit {
            self.exiting = Exiting::Looking;
        }
        // Noted before the look, so that a write during it is a change to the belt.
        self.belt.changed(&self.dir.outbound_db());
        let ask = Ask {
            cursor: self.cursor,
            open: self.open.clone(),
            take_rows: self.has_room(),
            force: std::mem::take(&mut self.unseen) || exit || !self.caught_up,
            catch_up: (!self.caught_up).then(|| self.writer.clone()),
        };
        let reader = self.reader.clone();
        self.looking = Some(tokio::task::spawn_blocking(within_span(move || look(&reader, &ask))));
    }

    pub(super) async fn on_looked(&mut self, found: Found, cost: Duration) {
        // The first look steps over the whole past and asks our own ledger about it, once: the
        // guest is not to be answered late for it.
        if self.caught_up || self.cursor > 0 {
            self.look_after = self.pace.looked(Instant::now(), cost);
        }
        match found {
            // Nothing that it leaves now counts, and what is wrong was said already.
            _ if self.state == State::SetAside => {}
            Found::Nothing => self.all_rows_seen(),
            Found::NotSettled => {
                self.saw_nothing();
                if self.watches() {
                    self.look_wanted = true;
                    self.look_after = Instant::now() + limits::BELT_LONGEST;
                }
            }
            Found::Fresh(fresh) => self.on_fresh(*fresh),
            Found::Refused(refused) => self.on_refused(refused).await,
        }
        if self.exiting == Exiting::Looking {
            self.finish_exit().await;
        }
    }

    /// A look that told nothing: the next one looks even at what seems unchanged, and rows that
    /// the guest may have completed meanwhile are not tried again.
    fn saw_nothing(&mut self) {
        self.caught_up = false;
        if self.exiting == Exiting::Looking {
            self.working.clear();
            self.blamed.clear();
        }
    }

    fn on_fresh(&mut self, fresh: Fresh) {
        self.cursor = fresh.cursor;
        self.look_wanted |= self.unseen;
        for row in fresh.rows {
            self.take_row(row);
        }
        if fresh.more {
            self.caught_up = false;
            self.look_wanted |= self.has_room();
        } else {
            self.all_rows_seen();
        }
        let mut over: Vec<(_, Ending)> = Vec::new();
        let mut working = Vec::new();
        for (row, ack) in fresh.acks {
            // Since the look began it may have been given up.
            if !self.open.iter().any(|open| open.id == row.id && open.tries == row.tries) {
                continue;
            }
            match judge(&row, ack.as_ref()) {
                Verdict::Waiting => {}
                Verdict::Working => working.push(row.id),
                Verdict::Retry(at) => self.retry(&row.id, at),
                Verdict::Over(ending) => over.push((row, ending)),
            }
        }
        if !working.is_empty() || !over.is_empty() {
            self.unclaimed_since = None;
        }
        self.note_working(working);
        if over.is_empty() {
            return;
        }
        self.failures = 0;
        let now = self.context.clock.now();
        self.last_active = now;
        self.clear_notice();
        self.staged.runs.extend(runs_of(&self.facts.record.id, &over, &fresh.runs, now));
        for (row, ending) in over {
            self.open.retain(|open| open.id != row.id);
            self.staged.over.push((row.id, ending.status));
        }
    }

    fn retry(&mut self, id: &schemas::ids::MessageId, at: Option<Timestamp>) {
        let now = self.context.clock.now();
        // A guest may ask for a pause, not for one that outlives everybody's patience.
        let at = at.unwrap_or(now).clamp(now, now + limits::LONGEST_RETRY);
        if let Some(row) = self.open.iter_mut().find(|row| row.id == *id) {
            row.tries += 1;
            row.process_after = Some(at);
            self.staged.retries.push((id.clone(), at));
        }
    }

    /// The room sees when work begins and ends.
    fn note_working(&mut self, working: Vec<schemas::ids::MessageId>) {
        let (was, is) = (!self.working.is_empty(), !working.is_empty());
        if is && working != self.working {
            self.last_seen = self.context.clock.now();
        }
        self.working = working;
        if was != is
            && let Some(address) = self.current_address()
        {
            self.show_typing(address, is);
        }
    }

    fn current_address(&self) -> Option<Address> {
        let at_work = self.open.iter().find(|row| self.working.contains(&row.id));
        at_work.and_then(|row| row.address.clone()).or_else(|| self.reach.default.clone())
    }

    async fn on_refused(&mut self, refused: Refused) {
        if refused.kind == RefusedKind::Io {
            warn!(error = %refused, "cannot look at what the guest wrote; trying again");
            self.saw_nothing();
            self.look_wanted = true;
            let pause = if self.watches() { limits::BELT_LONGEST } else { limits::LOOK_AGAIN };
            self.look_after = Instant::now() + pause;
            return;
        }
        let reason = refused.to_string();
        error!(reason, "the guest's files broke the contract; the session is set aside");
        self.drive(Event::Hostile).await;
        self.show(Some(reason.clone()));
        self.notice(&text::set_aside(&reason));
        let id = self.facts.record.id.clone();
        if let Err(failure) = self.context.store.set_aside(id, Some(reason)).await {
            error!(error = %failure.chain(), "cannot write down that the session is set aside");
        }
    }

    /// Whether a row that wakes the agent waits for a guest, now.
    pub(super) fn has_due_rows(&self) -> bool {
        let now = self.context.clock.now();
        !self.facts.record.archived && self.open.iter().any(|row| is_due(row, now))
    }

    fn due_rows(&self) -> Vec<schemas::ids::MessageId> {
        let now = self.context.clock.now();
        self.open.iter().filter(|row| is_due(row, now)).map(|row| row.id.clone()).collect()
    }

    /// When the session must be looked at, if nothing else happens.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        if self.state == State::SetAside {
            // Nothing of it is believed before an operator was there.
            return None;
        }
        let rows = self
            .open
            .iter()
            .filter(|row| row.trigger && self.state.wakes_by_itself())
            .filter_map(|row| row.process_after);
        let attempts = self.attempts.values().filter_map(|(_, at)| *at);
        let due = rows.chain(attempts).chain(self.next_post_at()).min()?;
        let now = self.context.clock.now();
        // What is due and yet was not done cannot be done now; asking at once would go round.
        Some(if due > now { due } else { now + limits::DUE_AGAIN })
    }

    /// Forgets what a commit made final.
    pub(super) fn forget_settled(&mut self, staged: &Staged) {
        let finished = u32::try_from(staged.over.len()).unwrap_or(u32::MAX);
        self.finished = self.finished.saturating_add(finished);
        for row in &staged.ledger {
            match row.status {
                schemas::message::DeliveryStatus::Sending => {
                    self.attempts
                        .insert(row.message_out.clone(), (row.attempts, row.next_attempt_at));
                }
                schemas::message::DeliveryStatus::Delivered
                | schemas::message::DeliveryStatus::Failed => {
                    self.attempts.remove(&row.message_out);
                }
            }
        }
        self.open.retain(|row| {
            !staged
                .over
                .iter()
                .any(|(id, status)| *id == row.id && *status != InboundStatus::Pending)
        });
    }

    /// A run has its outcome, durably: people may know.
    pub(super) fn tell_run(&mut self, run: SettledRun) {
        info!(run = %run.run, outcome = run.outcome.as_str(), "run settled");
        let Some(address) = run.address.or_else(|| self.reach.default.clone()) else {
            return;
        };
        let Some(channel) = self.channels().at(&address).cloned() else { return };
        let session_id = self.facts.record.id.clone();
        let said = run.reason.as_deref().map(text::run_failed);
        let finished = RoomEvent::RunFinished {
            session_id: session_id.clone(),
            run_id: run.run,
            message_ids: run.messages,
            outcome: run.outcome,
            reason: run.reason,
        };
        self.tell(async move {
            if let Some(said) = said {
                channel.notice(&session_id, &address, &said).await;
            }
            channel.run_finished(&address, &finished).await;
        });
    }
}

fn is_due(row: &Unsettled, now: Timestamp) -> bool {
    row.trigger && row.process_after.is_none_or(|at| at <= now)
}
