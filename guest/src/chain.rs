//! Who answers: a list of providers and models, and what follows when one of them cannot. PURE.
//!
//! Owns the order of attempts: the same entry again where that may help and nothing was done yet,
//! then the next one that the error leaves open, and back to the head after a while. Waits for
//! nothing and starts nothing.

use std::time::Duration;

use jiff::Timestamp;
use schemas::{
    guest_side::ErrorScope,
    policy::{AfterSideEffects, ChainEntry},
};

use crate::{limits, provider::Fault};

/// The entries of a session, and which of them are left alone for now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    entries: Vec<ChainEntry>,
    cooling: Vec<(ChainEntry, Timestamp)>,
}

/// An attempt that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken<'a> {
    /// The entry that was asked.
    pub entry: usize,
    /// How often it was asked before in this turn.
    pub repeats: usize,
    /// Tools that it has started.
    pub tools_started: u32,
    /// Why.
    pub fault: &'a Fault,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The same entry again, after a pause.
    Again(Duration),
    /// Another entry, at once.
    Other(usize),
    /// Nobody is left; the whole turn may be tried again from that time on, if ever.
    GiveUp(Option<Timestamp>),
    /// Nobody else is asked, because tools have acted and the settings say so.
    Acted,
}

impl Chain {
    /// Takes the host's word about the entries. What was left alone stays so.
    pub fn set(&mut self, entries: Vec<ChainEntry>) {
        self.cooling.retain(|(entry, _)| entries.contains(entry));
        self.entries = entries;
    }

    /// An entry.
    #[must_use]
    pub fn entry(&self, at: usize) -> Option<&ChainEntry> {
        self.entries.get(at)
    }

    /// Where a new turn begins: the first entry that is not left alone, or the head where all are.
    #[must_use]
    pub fn begin(&self, now: Timestamp) -> usize {
        (0..self.entries.len()).find(|at| !self.is_cooling(*at, now)).unwrap_or_default()
    }

    /// What follows from an attempt that came to nothing.
    pub fn after(&mut self, broken: Broken<'_>, policy: AfterSideEffects, now: Timestamp) -> Next {
        let fault = broken.fault;
        if broken.tools_started == 0
            && fault.class.is_transient()
            && let Some(pause) = limits::IN_PLACE_PAUSES.get(broken.repeats)
        {
            let pause = fault.retry_after.unwrap_or(*pause);
            if pause <= limits::IN_PLACE_LONGEST {
                return Next::Again(pause);
            }
        }
        if broken.tools_started > 0 && policy == AfterSideEffects::Fail {
            return Next::Acted;
        }
        self.cool(broken.entry, fault, now);
        let later = broken.entry + 1..self.entries.len();
        match later.into_iter().find(|at| !self.is_cooling(*at, now)) {
            Some(at) => Next::Other(at),
            None if broken.tools_started > 0 => Next::Acted,
            None => Next::GiveUp(again_at(fault, now)),
        }
    }

    /// An entry that answered is not left alone any more.
    pub fn answered(&mut self, at: usize) {
        if let Some(entry) = self.entries.get(at) {
            self.cooling.retain(|(cooling, _)| cooling != entry);
        }
    }

    fn cool(&mut self, at: usize, fault: &Fault, now: Timestamp) {
        let Some(broken) = self.entries.get(at) else { return };
        let until = now + limits::COOLDOWN;
        let concerned = self.entries.iter().filter(|entry| match fault.class.scope() {
            ErrorScope::Model => *entry == broken,
            ErrorScope::Provider => entry.provider == broken.provider,
        });
        let concerned: Vec<ChainEntry> = concerned.cloned().collect();
        self.cooling.retain(|(entry, _)| !concerned.contains(entry));
        self.cooling.extend(concerned.into_iter().map(|entry| (entry, until)));
    }

    fn is_cooling(&self, at: usize, now: Timestamp) -> bool {
        let entry = self.entries.get(at);
        self.cooling.iter().any(|(cooling, until)| Some(cooling) == entry && now < *until)
    }
}

/// When a turn that nobody could answer may be tried again.
fn again_at(fault: &Fault, now: Timestamp) -> Option<Timestamp> {
    fault.class.may_pass().then(|| now + fault.retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Class;

    fn chain(entries: &[&str]) -> Chain {
        let entry = |word: &&str| match word.split_once('/') {
            Some((provider, model)) => {
                ChainEntry { provider: provider.to_owned(), model: Some(model.to_owned()) }
            }
            None => ChainEntry { provider: (*word).to_owned(), model: None },
        };
        let mut chain = Chain::default();
        chain.set(entries.iter().map(entry).collect());
        chain
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn broke(chain: &mut Chain, entry: usize, repeats: usize, class: Class) -> Next {
        let fault = Fault::new(class, "");
        let broken = Broken { entry, repeats, tools_started: 0, fault: &fault };
        chain.after(broken, AfterSideEffects::Handoff, at(0))
    }

    fn again(seconds: u64) -> Next {
        Next::Again(Duration::from_secs(seconds))
    }

    #[test]
    fn what_may_pass_is_tried_twice_in_place_and_then_the_next_provider_is_asked() {
        let mut chain = chain(&["claude/a", "claude/b", "codex"]);
        assert_eq!(broke(&mut chain, 0, 0, Class::Overloaded), again(3));
        assert_eq!(broke(&mut chain, 0, 1, Class::Overloaded), again(8));
        assert_eq!(broke(&mut chain, 0, 2, Class::Overloaded), Next::Other(2));
    }

    #[test]
    fn a_missing_model_goes_to_the_next_model_and_a_wrong_key_past_the_whole_provider() {
        let entries = ["claude/a", "claude/b", "codex"];
        assert_eq!(broke(&mut chain(&entries), 0, 0, Class::NoModel), Next::Other(1));
        assert_eq!(broke(&mut chain(&entries), 0, 0, Class::Auth), Next::Other(2));
        assert_eq!(broke(&mut chain(&entries), 0, 0, Class::Missing), Next::Other(2));
        assert_eq!(broke(&mut chain(&["claude/a"]), 0, 0, Class::Auth), Next::GiveUp(None));
        let busy = broke(&mut chain(&["claude/a"]), 0, 2, Class::Server);
        assert_eq!(busy, Next::GiveUp(Some(at(0))));
    }

    #[test]
    fn somebody_who_says_when_is_waited_for_unless_it_is_long() {
        let after = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            let fault = Fault { retry_after, ..Fault::new(Class::Limited, "") };
            let broken = Broken { entry: 0, repeats: 0, tools_started: 0, fault: &fault };
            chain(&["claude", "codex"]).after(broken, AfterSideEffects::Handoff, at(0))
        };
        assert_eq!((after(2), after(30), after(31)), (again(2), again(30), Next::Other(1)));
    }

    #[test]
    fn the_head_is_asked_again_after_its_rest_and_at_once_when_it_has_answered() {
        let mut chain = chain(&["claude", "codex"]);
        assert_eq!(broke(&mut chain, 0, 0, Class::Auth), Next::Other(1));
        assert_eq!((chain.begin(at(299)), chain.begin(at(300))), (1, 0));
        assert_eq!(broke(&mut chain, 1, 0, Class::Auth), Next::GiveUp(None));
        assert_eq!(chain.begin(at(1)), 0, "where all rest, the head is asked");
        chain.answered(0);
        assert_eq!(chain.begin(at(1)), 0);
    }

    #[test]
    fn after_tools_have_acted_nothing_is_repeated_blindly() {
        let fault = Fault::new(Class::Overloaded, "");
        let broken = Broken { entry: 0, repeats: 0, tools_started: 1, fault: &fault };
        let after = |entries: &[&str], policy| chain(entries).after(broken, policy, at(0));
        let two = ["claude", "codex"];
        assert_eq!(after(&two, AfterSideEffects::Handoff), Next::Other(1));
        assert_eq!(after(&two, AfterSideEffects::Fail), Next::Acted);
        assert_eq!(after(&["claude"], AfterSideEffects::Handoff), Next::Acted);
    }

    #[test]
    fn a_change_of_the_entries_forgets_only_what_is_gone() {
        let mut chain = chain(&["claude", "codex"]);
        assert_eq!(broke(&mut chain, 0, 0, Class::Auth), Next::Other(1));
        let entry = |provider: &str| ChainEntry { provider: provider.to_owned(), model: None };
        chain.set(vec![entry("claude"), entry("echo")]);
        assert_eq!(chain.begin(at(1)), 1);
        chain.set(vec![entry("echo")]);
        chain.set(vec![entry("claude")]);
        assert_eq!(chain.begin(at(1)), 0);
    }
}
