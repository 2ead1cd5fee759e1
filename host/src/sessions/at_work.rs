//! The run at work: what is known of it as of the last look, and what becomes of one that broke
//! off.
//!
//! Owns the rule that nothing that has acted is done again by itself: its rows are over, and the
//! room is told how to have them tried again. Whether it has acted is what the guest wrote before
//! it did; where that cannot be read any more, it counts as if it had.

use std::time::Duration;

use jiff::Timestamp;
use schemas::{
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
use crate::limits;

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
    /// Whether the log knows that it takes long.
    long_told: bool,
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
        let same = run == self.at_work.run;
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
            long_told: same && self.at_work.long_told,
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

    /// An operator hears of a run that goes on and on, once.
    pub(super) fn mention_long_run(&mut self) {
        let long = Duration::try_from(limits::turn::LONG_RUN).unwrap_or_default();
        if self.working.is_empty() || self.at_work.long_told || self.at_work_for() < long {
            return;
        }
        self.at_work.long_told = true;
        let run = self.at_work.run.as_ref().map(ToString::to_string);
        warn!(run, minutes = self.at_work_for().as_secs() / 60, "a run takes long");
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
