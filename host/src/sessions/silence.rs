//! Never silent: who waits for a word for too long is told once that nothing is lost.
//!
//! Owns for how long each message's people have heard nothing, until its end is durable: a disk that
//! is full may put that off. A reply or a notice in the room begins that time anew; a task and what
//! the host itself asks wait for nobody. That somebody was told is written down after it was said,
//! so that the next host does not say it again; one that dies in between would rather have it said
//! twice than never. The time itself is in memory only.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    host_side::Unsettled,
    ids::MessageId,
    message::{Address, Kind},
};
use tokio::time::Instant;
use tracing::warn;

use super::runner::Runner;
use crate::{
    limits::turn::SILENCE,
    store::Told,
    text::turns::{self, Waits},
};

/// For how long who has heard nothing.
#[derive(Debug, Default)]
pub(super) struct Silence {
    due: BTreeSet<(Instant, MessageId)>,
    waits: BTreeMap<MessageId, Option<Address>>,
    spoke: BTreeMap<Address, Instant>,
    told: BTreeSet<(MessageId, Told)>,
}

impl Silence {
    /// What an earlier host said.
    pub(super) fn remember(&mut self, told: BTreeSet<(MessageId, Told)>) {
        self.told = told;
    }

    /// Whether somebody was told so about a message.
    pub(super) fn knows(&self, id: &MessageId, what: Told) -> bool {
        self.told.contains(&(id.clone(), what))
    }

    /// A message is there that somebody waits for.
    pub(super) fn heard(&mut self, row: &Unsettled) {
        let by_a_person = match row.kind {
            Kind::Chat | Kind::ChatSdk | Kind::Webhook => true,
            Kind::Task | Kind::System => false,
        };
        if row.trigger && by_a_person && !self.knows(&row.id, Told::Waits) {
            self.waits.insert(row.id.clone(), row.address.clone());
            self.due.insert((Instant::now() + SILENCE, row.id.clone()));
        }
    }

    /// Somebody has it tried again, and waits anew.
    pub(super) fn again(&mut self, row: &Unsettled) {
        self.told.remove(&(row.id.clone(), Told::Waits));
        self.heard(row);
    }

    /// Something was said in a room.
    pub(super) fn spoke(&mut self, at: &Address) {
        if !self.due.is_empty() {
            self.spoke.insert(at.clone(), Instant::now());
        }
    }

    /// These have their end.
    pub(super) fn ended<'i>(&mut self, ids: impl Iterator<Item = &'i MessageId>) {
        for id in ids {
            self.waits.remove(id);
        }
    }

    /// Nothing waits for an answer any more.
    pub(super) fn over(&mut self) {
        self.due.clear();
        self.waits.clear();
        self.spoke.clear();
        self.told.clear();
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
            let Some(said_at) = self.silence.waits.get(&id).cloned() else { continue };
            let Some(address) = said_at.clone().or_else(|| self.reach.default.clone()) else {
                continue;
            };
            let last = self.silence.spoke.get(&address).map(|at| *at + SILENCE);
            if let Some(later) = last.filter(|later| *later > Instant::now()) {
                self.silence.due.insert((later, id));
                continue;
            }
            let here = self.silence.waits.iter().filter(|(_, at)| **at == said_at);
            let told: Vec<MessageId> = here.map(|(id, _)| id.clone()).collect();
            let at_work = told.iter().any(|id| self.working.contains(id));
            let waits = match self.open.iter().find(|row| row.id == id) {
                _ if at_work => Waits::ForItsAnswer,
                Some(row) if row.tries > 0 => Waits::ForItsNextTry,
                Some(_) => Waits::ForItsTurn,
                None => Waits::ForItsEnd,
            };
            self.silence.due.retain(|(_, id)| !told.contains(id));
            self.notice_at(address, turns::still_there(self.state, waits).to_owned());
            self.was_told(told, Told::Waits);
        }
    }

    /// What was just said about messages needs no saying again, whichever host is asked.
    pub(super) fn was_told(&mut self, ids: Vec<MessageId>, what: Told) {
        self.silence.told.extend(ids.iter().map(|id| (id.clone(), what)));
        let (store, session) = (self.context.store.clone(), self.facts.record.id.clone());
        let now = self.context.clock.now();
        self.tell(async move {
            if let Err(failure) = store.note_told(session, ids, what, now).await {
                warn!(error = %failure.chain(), "cannot write down what a room was told");
            }
        });
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
