//! What the guest wrote, and what follows from what was seen.
//!
//! Owns the pace of looks, and turning acks into settled runs. Everything seen is a hostile
//! guest's word; judgements are in `settle`.

use std::time::Duration;

use jiff::Timestamp;
use schemas::{
    admin::{RoomEvent, RunInfo},
    host_side::{Refused, RefusedKind, Unsettled},
    message::{Address, InboundStatus},
};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{
    at_work::AtWork,
    intake::within_span,
    lane::Standing,
    lifecycle::{Event, State},
    look::{Ask, Found, Fresh, look},
    posts::End,
    runner::{Exiting, Runner},
    settle::{Ending, RunWord, Verdict, judge},
    staged::Staged,
};
use crate::{
    limits,
    steps::Step,
    store::SettledRun,
    text::{self, shown},
};

impl Runner {
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
            // The next guest rolls back what the last one did not finish, and judges by that.
            self.working.clear();
            self.blamed.clear();
            self.at_work = AtWork::default();
        }
    }

    fn on_fresh(&mut self, mut fresh: Fresh) {
        if !fresh.rows.is_empty() {
            self.context.steps.reached(Step::ReplySeen);
        }
        self.cursor = fresh.cursor;
        self.look_wanted |= self.unseen;
        for row in std::mem::take(&mut fresh.rows) {
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
        for (row, ack) in &fresh.acks {
            // Since the look began it may have been given up.
            if !self.open.iter().any(|open| open.id == row.id && open.tries == row.tries) {
                continue;
            }
            let run = ack.as_ref().and_then(|ack| ack.run.as_ref());
            let word = run.map_or_else(RunWord::default, |run| RunWord {
                ended: fresh.runs.get(run).and_then(|seen| seen.ended),
                tools: fresh.acted.contains(run),
            });
            match self.as_stopped(row, judge(row, ack.as_ref(), word)) {
                Verdict::Waiting => {}
                Verdict::Working => working.push(row.id.clone()),
                Verdict::Retry(at) => self.retry(&row.id, at),
                Verdict::Over(ending) => over.push((row.clone(), ending)),
            }
        }
        if !working.is_empty() || !over.is_empty() {
            self.unclaimed_since = None;
        }
        self.note_working(working);
        if !over.is_empty() {
            self.failures = 0;
            self.last_active = self.context.clock.now();
            self.clear_notice();
            self.stage_over(over, &fresh);
        }
        self.note_runs(&fresh);
        self.end_silence();
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

    pub(super) fn current_address(&self) -> Option<Address> {
        let at_work = self.open.iter().find(|row| self.working.contains(&row.id));
        at_work.and_then(|row| row.address.clone()).or_else(|| self.reach.default.clone())
    }

    pub(super) async fn on_refused(&mut self, refused: Refused) {
        if refused.kind == RefusedKind::Io {
            warn!(error = %refused, "cannot look at what the guest wrote; trying again");
            self.saw_nothing();
            self.look_wanted = true;
            let pause = if self.watches() { limits::BELT_LONGEST } else { limits::LOOK_AGAIN };
            self.look_after = Instant::now() + pause;
            return;
        }
        // Nobody can tell any more what these have done.
        let unreadable = std::mem::take(&mut self.working);
        self.interrupt(&unreadable);
        self.drive(Event::Hostile).await;
        self.set_aside(&refused).await;
    }

    /// Says why, to the room, to the log and in the central database. The guest may have chosen
    /// words of it.
    pub(super) async fn set_aside(&mut self, refused: &Refused) {
        let whole = shown::line(&refused.to_string());
        let reason: String = whole.chars().take(limits::REASON_CHARS).collect();
        error!(reason, "the guest's files broke the contract; the session is set aside");
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

    pub(super) fn due_rows(&self) -> Vec<schemas::ids::MessageId> {
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
        let due = rows.chain(self.next_post_at()).min()?;
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
                    self.posts.attempts.insert(row.message_out.clone(), Standing::of(row));
                }
                schemas::message::DeliveryStatus::Delivered
                | schemas::message::DeliveryStatus::Failed => {
                    self.posts.attempts.remove(&row.message_out);
                }
            }
        }
        let ended = staged.over.iter().filter(|(_, status)| *status != InboundStatus::Pending);
        self.open.retain(|row| !ended.clone().any(|(id, _)| *id == row.id));
        self.silence.ended(ended.map(|(id, _)| id));
        self.end_silence();
    }

    fn end_silence(&mut self) {
        if self.open.is_empty() && self.staged.over.is_empty() {
            self.silence.over();
        }
    }

    /// A run has its outcome, durably: people may know.
    pub(super) fn tell_run(&mut self, run: SettledRun) {
        info!(run = %run.run, outcome = run.outcome.as_str(), "run settled");
        self.tell_owner_of_run(&run);
        if let Some(address) = run.address.as_ref().or(self.reach.default.as_ref()) {
            self.silence.spoke(address);
        }
        let address = run.address.clone();
        self.owe_end(run.into_info(), address);
    }

    /// A room is to hear of a run's end: the one that it was for, or where the session speaks.
    pub(super) fn owe_end(&mut self, run: RunInfo, address: Option<Address>) {
        let address = address.or_else(|| self.reach.default.clone());
        let (Some(address), Some(outcome)) = (address, run.outcome) else { return };
        let said = run.reason.as_deref().map(text::run_failed);
        let finished = RoomEvent::RunFinished {
            session_id: run.session_id,
            run_id: run.run_id.clone(),
            message_ids: run.message_ids,
            outcome,
            reason: run.reason,
        };
        self.posts.ends.push(End { address, run: run.run_id, said, finished });
    }
}

fn is_due(row: &Unsettled, now: Timestamp) -> bool {
    row.trigger && row.process_after.is_none_or(|at| at <= now)
}
