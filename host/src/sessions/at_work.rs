//! The run at work: what is known of it as of the last look, and what becomes of one that broke
//! off.
//!
//! Owns the rule that nothing that has acted is done again by itself: its rows are over, and the
//! room is told how to have them tried again. Whether it has acted is what the guest wrote before
//! it did; where that cannot be read any more, it counts as if it had.

use std::time::Duration;

use jiff::Timestamp;
use schemas::{
    admin::RoomEvent,
    host_side::{ToolSeen, Unsettled},
    ids::{MessageId, RunId},
};
use tracing::warn;

use super::{
    look::Fresh,
    runner::Runner,
    settle::{Ending, interrupted, runs_of},
    stuck::Work,
};
use crate::{channels::Remark, limits, store::Told, text::turns};

/// What is known of the run at work.
#[derive(Debug, Default)]
pub(super) struct AtWork {
    /// The run, once the guest has named it.
    pub(super) run: Option<RunId>,
    /// When it began, by the guest's word.
    began: Option<Timestamp>,
    /// The rows of runs that have started a tool.
    acted: Vec<MessageId>,
    /// The tool that runs.
    tool: Option<ToolSeen>,
}

impl AtWork {
    /// Whether the run of a row has started a tool.
    pub(super) fn has_acted(&self, row: &MessageId) -> bool {
        self.acted.contains(row)
    }

    /// When it began, by the guest's word.
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// What its signs are measured by.
    pub(super) fn signs(&self, since: Timestamp, progress: Option<Timestamp>) -> Work {
        let tool = self.tool.map(|tool| (tool.started_at.unwrap_or(since), tool.timeout));
        Work { since, progress, tool }
    }
}

impl Runner {
    /// Takes what a look saw of the runs that hold a claim.
    pub(super) fn note_runs(&mut self, fresh: &Fresh) {
        let now = self.context.clock.now();
        let named = |id: &MessageId| {
            let seen = fresh.acks.iter().find(|(row, _)| row.id == *id);
            seen.and_then(|(_, ack)| ack.as_ref()?.run.clone())
        };
        let run = self.working.iter().find_map(named);
        let seen = run.as_ref().and_then(|run| fresh.runs.get(run));
        // A guest's clock is its own.
        let began = seen.map(|seen| seen.started_at.min(now));
        let acted = self
            .working
            .iter()
            .filter(|row| named(row).is_some_and(|run| fresh.acted.contains(&run)));
        self.at_work = AtWork {
            acted: acted.cloned().collect(),
            tool: fresh.tool.filter(|_| run.is_some()),
            began,
            run,
        };
        self.remember_stop();
    }

    /// How long the run at work has gone on.
    pub(super) fn at_work_for(&self) -> Duration {
        let since = self.at_work.began.unwrap_or(self.last_seen);
        Duration::try_from(self.context.clock.now().duration_since(since)).unwrap_or_default()
    }

    /// A run that goes on and on is mentioned once: in the log, to whoever watches its room, and to
    /// the owner who does not.
    pub(super) fn mention_long_run(&mut self) {
        let (long, so_far) = (limits::turn::LONG_RUN, self.at_work_for());
        let known = |id| self.silence.knows(id, Told::TakesLong);
        if Duration::try_from(long).is_ok_and(|long| so_far < long)
            || self.working.iter().all(known)
        {
            return;
        }
        let (run_id, message_ids) = (self.at_work.run.clone(), self.working.clone());
        let minutes = so_far.as_secs() / 60;
        warn!(run = run_id.as_ref().map(RunId::as_str), minutes, "a run takes long");
        self.was_told(message_ids.clone(), Told::TakesLong);
        let session_id = self.facts.record.id.clone();
        let event = RoomEvent::RunTakesLong { session_id, run_id, message_ids, minutes };
        let address = self.current_address();
        let channel = address.as_ref().and_then(|at| self.channels().at(at)).cloned();
        if let Some((address, channel)) = address.zip(channel.clone()) {
            self.tell(async move {
                channel.tell(Remark::OfRun { address: &address, event: &event }).await;
            });
        }
        if !channel.is_some_and(|channel| channel.is_the_operators()) {
            let said = turns::works_long(&self.facts.agent.agent.name, minutes);
            let channels = self.context.channels.clone();
            self.tell(async move { channels.tell_operator(&said).await });
        }
    }

    /// The guest is gone: rows whose run had acted are over, whatever else follows.
    pub(super) fn interrupt_acted(&mut self) {
        let acted = std::mem::take(&mut self.at_work.acted);
        let acted: Vec<_> = acted.into_iter().filter(|row| self.working.contains(row)).collect();
        self.interrupt(&acted);
    }

    /// These rows are over without an answer, because nobody may do them again unasked.
    pub(super) fn interrupt(&mut self, ids: &[MessageId]) {
        if ids.is_empty() {
            return;
        }
        let run = self.at_work.run.clone();
        let rows = self.open.extract_if(.., |row| ids.contains(&row.id));
        let over: Vec<_> = rows.map(|row| (row, interrupted(run.as_ref()))).collect();
        warn!(
            rows = over.len(),
            run = run.map(|run| run.to_string()),
            "a run that had acted broke off"
        );
        self.working.retain(|id| !ids.contains(id));
        self.stage_over(over, &Fresh::default());
    }

    /// Rows have their end, as soon as it is committed.
    pub(super) fn stage_over(&mut self, over: Vec<(Unsettled, Ending)>, fresh: &Fresh) {
        let now = self.context.clock.now();
        let mut runs = runs_of(&self.facts.record.id, &over, &fresh.runs, now);
        if let Some(began) = self.at_work.began {
            for run in runs.iter_mut().filter(|run| Some(&run.run) == self.at_work.run.as_ref()) {
                run.started_at = run.started_at.min(began);
            }
        }
        self.staged.runs.extend(runs);
        for (row, ending) in over {
            self.open.retain(|open| open.id != row.id);
            self.staged.over.push((row.id, ending.status));
        }
    }
}
