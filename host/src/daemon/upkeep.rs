//! What is asked of the loop so that the host stays in order.
//!
//! Owns when the next look is. Everything else is done beside the loop, and what concerns a
//! session's files by that session's task.

use jiff::Timestamp;
use tracing::warn;

use super::{Daemon, Due, operator::tell};
use crate::{
    limits,
    sessions::{handle::Command, lifecycle::State},
    upkeep::{Ask, backup, copies, daily, quota},
};

impl Daemon {
    pub(super) async fn on_upkeep(&mut self, ask: Ask) {
        match ask {
            Ask::Snapshot(id, to, answer) => match self.known_session(id).await {
                Ok(handle) => tell(&handle, Command::Snapshot(to, answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Ask::Backup(work, to, answer) => {
                self.context.spawn(backup::send(self.context.desk(), work, to));
                drop(answer.send(Ok(())));
            }
            Ask::Health(answer) => {
                let context = self.context.clone();
                self.context.spawn(async move {
                    drop(answer.send(context.store.health(limits::upkeep::COMPLAINTS).await));
                });
            }
            Ask::ThrowAway(id, before, answer) => match self.known_session(id).await {
                Ok(handle) => tell(&handle, Command::ThrowAway(before, answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Ask::Erase(id, what, answer) => match self.known_session(id).await {
                Ok(handle) => tell(&handle, Command::Erase(what, answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Ask::TooMuch(id, words) => {
                // One that sleeps by now grows no more; one that is too busy is measured again.
                let told = self.sessions.get(&id).map(|one| one.tell(Command::TooMuch(words)));
                if matches!(told, Some(Err(_))) {
                    warn!(session = %id, "a session that holds too much could not be told");
                }
            }
            Ask::MeasureAt(at) => {
                self.due.insert((at, Due::Measure));
            }
            Ask::At(at) => {
                self.due.insert((at, Due::Upkeep));
            }
        }
    }

    /// A day after the last time, and not in the first minutes of a host.
    pub(super) fn first_upkeep(&self) -> Timestamp {
        let now = self.context.clock.now();
        let soon = now.checked_add(limits::upkeep::FIRST).unwrap_or(now);
        let last = copies::list(&self.context.home).first().map(|copy| copy.at);
        let next = last.and_then(|last| last.checked_add(limits::upkeep::EVERY).ok());
        next.map_or(soon, |next| next.max(soon))
    }

    /// Only who is awake grows; while nobody is, nothing is measured.
    pub(super) fn measure(&self) {
        let awake: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, one)| one.view().state == State::Awake)
            .map(|(id, _)| id.clone())
            .collect();
        let any = !self.sessions.is_empty();
        self.context.upkeep.measures(any);
        if any {
            self.context.spawn(quota::watch(self.context.desk(), awake));
        }
    }

    /// Somebody is awake: what they hold is measured from now on.
    pub(super) fn measure_soon(&mut self) {
        if !self.context.upkeep.measures(true) {
            let now = self.context.clock.now();
            let at = now.checked_add(limits::upkeep::MEASURE_EVERY).unwrap_or(now);
            self.due.insert((at, Due::Measure));
        }
    }

    pub(super) fn look_after_everything(&self) {
        self.context.spawn(daily::run(self.context.desk()));
    }
}
