//! What is done about a task whose time has come, or came while nobody was there. PURE.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use schemas::policy::Missed;

use super::Every;
use crate::limits::task as limits;

/// A task whose time has come.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    /// What becomes of missed times.
    pub missed: Missed,
    /// Its times; `None` for a single one.
    pub every: Option<&'a Every>,
    /// The time that has come.
    pub next_at: Timestamp,
    /// Occurrences that are not over yet.
    pub open: usize,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// These are done, in this order.
    pub done: Vec<Timestamp>,
    /// The newest of those that are let go by, and why.
    pub skipped: Vec<(Timestamp, &'static str)>,
    /// When it is due again.
    pub next: Option<Timestamp>,
}

const MISSED: &str = "missed while the host was down";
const BUSY: &str = "the ones before it were not over yet";

/// Decides about a task whose time has come.
#[must_use]
pub fn catch_up(due: Due<'_>, now: Timestamp) -> Plan {
    let came = match due.every {
        Some(every) => newest(every, due.next_at, now),
        None => VecDeque::from([due.next_at]),
    };
    let on_time = |at: &Timestamp| now.duration_since(*at) <= limits::LATE;
    let last = came.back().copied();
    let wanted = |at: &Timestamp| match due.missed {
        Missed::Skip => on_time(at),
        Missed::Once => Some(*at) == last,
        Missed::All => true,
    };
    let most = match due.missed {
        Missed::Skip | Missed::Once => limits::OPEN,
        Missed::All => limits::CAUGHT_UP,
    };
    let room = most.saturating_sub(due.open);
    let mut plan = Plan { next: due.every.and_then(|every| every.next(now)), ..Plan::default() };
    for at in came {
        if !wanted(&at) {
            plan.skipped.push((at, MISSED));
        } else if plan.done.len() < room {
            plan.done.push(at);
        } else {
            plan.skipped.push((at, BUSY));
        }
    }
    plan
}

/// The newest times from the first on until now, as many as can be of use. A host that was down
/// for a year must not count every minute of it.
fn newest(every: &Every, first: Timestamp, now: Timestamp) -> VecDeque<Timestamp> {
    let mut came = VecDeque::new();
    let before_first = first.checked_sub(SignedDuration::from_millis(1)).unwrap_or(first);
    for hours in [1, 24, 24 * 31, 24 * 366, 24 * 366 * 20] {
        let back = now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
        let from = back.max(before_first);
        came.clear();
        for at in every.after(from).take_while(|at| *at <= now) {
            if came.len() == limits::CAUGHT_UP {
                came.pop_front();
            }
            came.push_back(at);
        }
        if came.len() == limits::CAUGHT_UP || from == before_first {
            break;
        }
    }
    came
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn hourly(cron: &str) -> Every {
        Every::read(cron, TimeZone::UTC).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T{text}Z").parse().unwrap()
    }

    #[track_caller]
    fn check(missed: Missed, now: &str, done: &[&str], skipped: usize) {
        let every = hourly("0 * * * *");
        let due = Due { missed, every: Some(&every), next_at: at("08:00:00"), open: 0 };
        let plan = catch_up(due, at(now));
        let done: Vec<Timestamp> = done.iter().map(|text| at(text)).collect();
        assert_eq!((plan.done, plan.skipped.len()), (done, skipped), "{missed:?} at {now}");
        assert!(plan.next.is_some_and(|next| next > at(now)));
    }

    #[test]
    fn a_time_that_comes_is_done_whatever_the_policy() {
        for missed in [Missed::Skip, Missed::Once, Missed::All] {
            check(missed, "08:00:00", &["08:00:00"], 0);
            check(missed, "08:00:59", &["08:00:00"], 0);
        }
    }

    #[test]
    fn what_was_missed_is_let_go_by_or_made_up_for_once_or_all() {
        check(Missed::Skip, "10:30:00", &[], 3);
        check(Missed::Once, "10:30:00", &["10:00:00"], 2);
        check(Missed::All, "10:30:00", &["08:00:00", "09:00:00", "10:00:00"], 0);
        // The last one is in time.
        check(Missed::Skip, "10:00:30", &["10:00:00"], 2);
    }

    #[test]
    fn a_year_of_minutes_is_made_up_for_within_bounds() {
        let every = hourly("* * * * *");
        let next_at = "2025-11-20T08:00:00Z".parse().unwrap();
        let due = Due { missed: Missed::All, every: Some(&every), next_at, open: 0 };
        let plan = catch_up(due, at("08:00:00"));
        assert_eq!(plan.done.len(), limits::CAUGHT_UP);
        assert_eq!(plan.done.last(), Some(&at("08:00:00")));
    }

    #[test]
    fn those_that_are_not_over_are_not_joined_by_ever_more() {
        let every = hourly("0 * * * *");
        let due = Due {
            missed: Missed::Once,
            every: Some(&every),
            next_at: at("08:00:00"),
            open: limits::OPEN,
        };
        let plan = catch_up(due, at("08:00:00"));
        assert_eq!((plan.done.len(), plan.skipped), (0, vec![(at("08:00:00"), BUSY)]));
    }

    #[test]
    fn a_single_time_is_over_after_it() {
        let due = |missed| Due { missed, every: None, next_at: at("08:00:00"), open: 0 };
        let once = catch_up(due(Missed::Once), at("12:00:00"));
        assert_eq!((once.done.len(), once.next), (1, None));
        let skip = catch_up(due(Missed::Skip), at("12:00:00"));
        assert_eq!((skip.done.len(), skip.skipped.len()), (0, 1));
    }
}
