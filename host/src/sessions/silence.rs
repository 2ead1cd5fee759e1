//! Never silent: who waits for a word for too long is told once that nothing is lost.
//!
//! Owns for how long each message's people have heard nothing. A reply or a notice in the room
//! begins that time anew; a task and what the host itself asks wait for nobody. The time is in
//! memory only: a host that starts begins it anew, so a room hears the same thing at most once a
//! host's life.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    host_side::Unsettled,
    ids::MessageId,
    message::{Address, Kind},
};
use tokio::time::Instant;

use super::runner::Runner;
use crate::{
    limits::turn::SILENCE,
    text::turns::{self, Waits},
};

/// For how long who has heard nothing.
#[derive(Debug, Default)]
pub(super) struct Silence {
    due: BTreeSet<(Instant, MessageId)>,
    spoke: BTreeMap<Address, Instant>,
}

impl Silence {
    /// A message is there that somebody waits for.
    pub(super) fn heard(&mut self, row: &Unsettled) {
        let by_a_person = match row.kind {
            Kind::Chat | Kind::ChatSdk | Kind::Webhook => true,
            Kind::Task | Kind::System => false,
        };
        if row.trigger && by_a_person {
            self.due.insert((Instant::now() + SILENCE, row.id.clone()));
        }
    }

    /// Something was said in a room.
    pub(super) fn spoke(&mut self, at: &Address) {
        if !self.due.is_empty() {
            self.spoke.insert(at.clone(), Instant::now());
        }
    }

    /// Nothing waits for an answer any more.
    pub(super) fn over(&mut self) {
        self.due.clear();
        self.spoke.clear();
    }

    /// When somebody must be told.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    fn pop_due(&mut self) -> Option<MessageId> {
        let due = self.next().is_some_and(|at| at <= Instant::now());
        if due { self.due.pop_first().map(|(_, id)| id) } else { None }
    }
}

impl Runner {
    /// Tells who waits for a word that nothing is lost: once for each message, once in a room for
    /// all of them.
    pub(super) fn break_silence(&mut self) {
        while let Some(id) = self.silence.pop_due() {
            let Some(row) = self.open.iter().find(|row| row.id == id) else { continue };
            let Some(address) = row.address.clone().or_else(|| self.reach.default.clone()) else {
                continue;
            };
            let last = self.silence.spoke.get(&address).map(|at| *at + SILENCE);
            if let Some(later) = last.filter(|later| *later > Instant::now()) {
                self.silence.due.insert((later, id));
                continue;
            }
            let here = |row: &&Unsettled| row.address.as_ref() == Some(&address);
            let told: Vec<MessageId> =
                self.open.iter().filter(here).map(|row| row.id.clone()).collect();
            let at_work = told.iter().chain([&id]).any(|id| self.working.contains(id));
            let waits = match at_work {
                true => Waits::ForItsAnswer,
                false if row.tries > 0 => Waits::ForItsNextTry,
                false => Waits::ForItsTurn,
            };
            self.silence.due.retain(|(_, id)| !told.contains(id));
            self.notice_at(address, turns::still_there(self.state, waits).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_context_and_the_hosts_own_rows_wait_for_nobody() {
        let waits = |kind, trigger| {
            let mut silence = Silence::default();
            silence.heard(&Unsettled {
                id: MessageId::parse("m").unwrap(),
                seq: 2,
                kind,
                tries: 0,
                trigger,
                process_after: None,
                address: None,
            });
            silence.next().is_some()
        };
        for kind in [Kind::Chat, Kind::ChatSdk, Kind::Webhook] {
            assert!(waits(kind, true) && !waits(kind, false), "{kind:?}");
        }
        assert!(!waits(Kind::Task, true) && !waits(Kind::System, true));
    }
}
