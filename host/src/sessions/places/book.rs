//! PURE: who may have a container, and who makes room for whom.
//!
//! Owns the two caps, the order of those who wait, and the choice of who gives way. Places are
//! given in the order in which they were asked for; whoever only waits for the cap of its own agent
//! holds up nobody else. Who has been idle for longest gives way first, and never more of them
//! than there are waiters.

use std::collections::BTreeMap;

use schemas::ids::AgentId;

/// One asking: the key of a place, or of a waiter.
pub(super) type Ticket = u64;

/// What a place is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// There is work, or may be.
    Busy,
    /// Nothing to do: it may give way.
    Idle,
    /// Its container is ending.
    Ending,
}

/// Whose place it is or would be, and how many of them may have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of {
    /// The agent.
    pub agent: AgentId,
    /// The cap on its containers; `None` is none of its own.
    pub at_most: Option<u32>,
}

#[derive(Debug)]
struct Holder {
    agent: AgentId,
    used: Use,
    /// The moment at which it became what it is: a count, not a time.
    since: u64,
    asked: bool,
}

/// What follows from a change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// These have a place now.
    pub(super) given: Vec<Ticket>,
    /// These are asked to give theirs away.
    pub(super) asked: Vec<Ticket>,
}

/// All places and all who wait for one.
#[derive(Debug)]
pub(super) struct Book {
    at_most: usize,
    count: u64,
    holders: BTreeMap<Ticket, Holder>,
    /// In the order of their tickets, which is the order of asking.
    waiters: BTreeMap<Ticket, Of>,
}

impl Book {
    pub(super) fn new(at_most: usize) -> Self {
        Self { at_most, count: 0, holders: BTreeMap::new(), waiters: BTreeMap::new() }
    }

    /// Somebody wants a place; they are the last in the line.
    pub(super) fn want(&mut self, of: Of) -> Ticket {
        let ticket = self.next();
        self.waiters.insert(ticket, of);
        ticket
    }

    /// What runs already counts, even past the caps.
    pub(super) fn has(&mut self, of: Of) -> Ticket {
        let ticket = self.next();
        self.hold(ticket, of.agent);
        ticket
    }

    /// A place is used otherwise than before.
    pub(super) fn used(&mut self, ticket: Ticket, used: Use) {
        let since = self.next();
        if let Some(holder) = self.holders.get_mut(&ticket) {
            holder.since = since;
            holder.used = used;
            // Who got work meanwhile stays; somebody else is asked.
            holder.asked &= used != Use::Busy;
        }
    }

    /// A place is free, or somebody waits no longer.
    pub(super) fn gone(&mut self, ticket: Ticket) {
        self.holders.remove(&ticket);
        self.waiters.remove(&ticket);
    }

    /// Whether a place will be free without anybody's work coming to its end.
    pub(super) fn is_soon(&self) -> bool {
        let leaving = self.holders.values().filter(|one| one.asked || one.used == Use::Ending);
        self.waiters.len() <= leaving.count()
    }

    /// Gives what is free, and asks for what is not.
    pub(super) fn settle(&mut self) -> Moves {
        let mut moves = Moves::default();
        // Places that are on their way to somebody who stands further ahead.
        let mut promised: Vec<Ticket> = Vec::new();
        for (ticket, of) in self.waiters.clone() {
            let of_agent = self.holders.values().filter(|one| one.agent == of.agent).count();
            let agent_full = of
                .at_most
                .is_some_and(|most| of_agent >= usize::try_from(most).unwrap_or(usize::MAX));
            let full = self.holders.len() >= self.at_most;
            // What is being freed for those ahead is not free for this one.
            if !agent_full && !full {
                self.waiters.remove(&ticket);
                self.hold(ticket, of.agent);
                moves.given.push(ticket);
                continue;
            }
            let from = agent_full.then_some(&of.agent);
            let Some(giver) = self.giver(from, &promised) else { continue };
            promised.push(giver);
            if let Some(holder) = self.holders.get_mut(&giver)
                && holder.used == Use::Idle
                && !std::mem::replace(&mut holder.asked, true)
            {
                moves.asked.push(giver);
            }
        }
        moves
    }

    /// Whose place becomes free next: one that is leaving, else the one idle for longest.
    fn giver(&self, from: Option<&AgentId>, promised: &[Ticket]) -> Option<Ticket> {
        self.holders
            .iter()
            .filter(|(ticket, one)| {
                one.used != Use::Busy
                    && !promised.contains(ticket)
                    && from.is_none_or(|agent| *agent == one.agent)
            })
            .min_by_key(|(_, one)| (!(one.asked || one.used == Use::Ending), one.since))
            .map(|(ticket, _)| *ticket)
    }

    fn hold(&mut self, ticket: Ticket, agent: AgentId) {
        let since = self.next();
        self.holders.insert(ticket, Holder { agent, used: Use::Busy, since, asked: false });
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agent(n: i64) -> AgentId {
        AgentId::parse(&format!("agent-01h455vb4pex5vsknk084sn{n:03}")).unwrap()
    }

    fn of(n: i64) -> Of {
        Of { agent: agent(n), at_most: None }
    }

    fn idle(book: &mut Book, ticket: Ticket) {
        book.used(ticket, Use::Idle);
    }

    #[test]
    fn places_are_given_in_the_order_of_asking() {
        let mut book = Book::new(2);
        let all = [0, 1, 2, 3].map(|n| book.want(of(n)));
        assert_eq!(book.settle().given, all[..2]);
        assert_eq!(book.settle(), Moves::default());
        book.gone(all[1]);
        assert_eq!(book.settle().given, [all[2]]);
        assert!(book.waiters.contains_key(&all[3]) && !book.is_soon());
    }

    #[test]
    fn who_was_idle_for_longest_gives_way_and_no_more_than_one_for_each_who_waits() {
        let mut book = Book::new(3);
        let all = [0, 1, 2].map(|n| book.want(of(n)));
        book.settle();
        idle(&mut book, all[1]);
        idle(&mut book, all[0]);
        let late = book.want(of(3));
        assert_eq!(book.settle().asked, [all[1]]);
        assert!(book.is_soon());
        // Asked once is enough, also while it ends.
        book.used(all[1], Use::Ending);
        assert_eq!(book.settle(), Moves::default());
        book.gone(all[1]);
        assert_eq!(book.settle(), Moves { given: vec![late], asked: vec![] });
    }

    #[test]
    fn who_got_work_meanwhile_stays_and_another_is_asked() {
        let mut book = Book::new(2);
        let all = [0, 1].map(|n| book.want(of(n)));
        book.settle();
        idle(&mut book, all[0]);
        book.want(of(2));
        assert_eq!(book.settle().asked, [all[0]]);
        book.used(all[0], Use::Busy);
        assert_eq!(book.settle(), Moves::default());
        idle(&mut book, all[1]);
        assert_eq!(book.settle().asked, [all[1]]);
    }

    #[test]
    fn the_cap_of_an_agent_holds_up_its_own_sessions_only() {
        let own = Of { agent: agent(7), at_most: Some(1) };
        let mut book = Book::new(3);
        let first = book.want(own.clone());
        let second = book.want(own);
        let other = book.want(of(8));
        assert_eq!(book.settle().given, [first, other]);
        // Somebody else's idle place is no help to it; its own is.
        idle(&mut book, other);
        assert_eq!(book.settle(), Moves::default());
        idle(&mut book, first);
        assert_eq!(book.settle().asked, [first]);
        book.gone(first);
        assert_eq!(book.settle().given, [second]);
    }

    #[test]
    fn what_runs_already_counts_past_the_caps() {
        let mut book = Book::new(1);
        let adopted = [0, 1].map(|n| book.has(of(n)));
        let late = book.want(of(2));
        book.gone(adopted[0]);
        assert_eq!(book.settle(), Moves::default());
        book.gone(adopted[1]);
        assert_eq!(book.settle().given, [late]);
    }

    proptest! {
        #[test]
        fn caps_hold_nobody_is_forgotten_and_the_line_is_kept(
            at_most in 1_usize..5,
            does in prop::collection::vec((0_u8..5, 0_i64..3, any::<prop::sample::Index>()), 1..120),
        ) {
            let mut book = Book::new(at_most);
            let [mut placed, mut waiting] = [const { Vec::<(Ticket, i64)>::new() }; 2];
            for (what, whose, which) in does {
                match what {
                    0 | 1 => {
                        let at_most = Some(u32::try_from(whose).unwrap() + 1);
                        waiting.push((book.want(Of { agent: agent(whose), at_most }), whose));
                    }
                    2 if !placed.is_empty() => {
                        let (ticket, _) = placed.remove(which.index(placed.len()));
                        book.gone(ticket);
                    }
                    3 if !placed.is_empty() => idle(&mut book, which.get(&placed).0),
                    4 if !placed.is_empty() => book.used(which.get(&placed).0, Use::Busy),
                    _ => {}
                }
                let moves = book.settle();
                for given in &moves.given {
                    let at = waiting.iter().position(|(ticket, _)| ticket == given).unwrap();
                    let one = waiting.remove(at);
                    // Nobody of the same agent was passed over.
                    prop_assert!(waiting.iter().all(|(ticket, whose)| *whose != one.1 || ticket > given));
                    placed.push(one);
                }
                for asked in &moves.asked {
                    prop_assert!(placed.iter().any(|(ticket, _)| ticket == asked));
                }
                prop_assert!(moves.asked.len() <= waiting.len());
                prop_assert!(placed.len() <= at_most);
                for whose in 0..3 {
                    let count = placed.iter().filter(|(_, of)| *of == whose).count();
                    prop_assert!(count <= usize::try_from(whose).unwrap() + 1);
                }
                let free = placed.len() < at_most;
                let could = waiting.iter().any(|(_, whose)| {
                    let count = placed.iter().filter(|(_, of)| of == whose).count();
                    count < usize::try_from(*whose).unwrap() + 1
                });
                prop_assert!(!(free && could), "a place is free and somebody waits for it");
            }
        }
    }
}
