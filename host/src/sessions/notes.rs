//! PURE: how many notes a session's agent gets about what it wrote and nobody could use.
//!
//! Owns that a flood of bad rows does not become a flood of notes: past the bound one says that the
//! rest of the minute is only counted, and one at its end says how many there were.

use jiff::Timestamp;

use super::allowance::Allowance;
use crate::limits::action::{MINUTE, NOTES};

/// What was told lately, and what was only counted.
#[derive(Debug, Default)]
pub(super) struct Notes {
    told: Allowance,
    counted: Option<Counted>,
}

/// What was only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// The number of the first row among them.
    pub(super) first: i64,
    /// How many there are beside that one.
    pub(super) more: u64,
    /// When its agent hears of them.
    due: Timestamp,
}

/// What becomes of one more note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is told.
    Whole,
    /// It is told, and says that what follows is only counted.
    Last,
    /// It is only counted.
    Counted,
}

impl Notes {
    /// One more, about the row of this number.
    pub(super) fn one_more(&mut self, now: Timestamp, seq: i64) -> Told {
        if let Some(counted) = &mut self.counted {
            counted.more += 1;
            return Told::Counted;
        }
        if self.told.take(now, NOTES, MINUTE) {
            return Told::Whole;
        }
        // A minute from now; at the end of time there is nobody to be told.
        let due = now.checked_add(MINUTE).unwrap_or(now);
        self.counted = Some(Counted { first: seq, more: 0, due });
        Told::Last
    }

    /// When its agent is to hear of what was only counted.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.counted.map(|counted| counted.due)
    }

    /// What was only counted, once its time has come.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Counted> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.take()
    }

    /// What was only counted, whatever the time.
    pub(super) fn take(&mut self) -> Option<Counted> {
        self.counted.take().filter(|counted| counted.more > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_flood_is_so_many_notes_one_that_says_so_and_a_count() {
        let mut notes = Notes::default();
        for seq in 0..i64::try_from(NOTES).unwrap() {
            assert_eq!(notes.one_more(at(0), seq), Told::Whole);
        }
        assert_eq!(notes.one_more(at(1), 71), Told::Last);
        for seq in 0..1_000 {
            assert_eq!(notes.one_more(at(2), seq), Told::Counted);
        }
        assert_eq!((notes.due(), notes.take_due(at(60))), (Some(at(61)), None));
        let counted = notes.take_due(at(61)).unwrap();
        assert_eq!((counted.first, counted.more), (71, 1_000));
        // The next minute is a new one.
        assert_eq!(notes.one_more(at(61), 3), Told::Whole);
    }

    #[test]
    fn nothing_is_counted_below_the_bound_and_a_last_one_alone_was_told() {
        let mut notes = Notes::default();
        for seq in 0..=i64::try_from(NOTES).unwrap() {
            notes.one_more(at(0), seq);
        }
        assert_eq!(notes.take_due(at(60)), None);
        assert_eq!(notes.due(), None);
    }
}
