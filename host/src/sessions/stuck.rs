//! PURE: whether a guest that has work still lives, and whether a quiet one may end.
//!
//! Owns the two verdicts. All inputs are passed; times are read by the caller.

use std::time::Duration;

use jiff::Timestamp;

use crate::limits;

/// What can be seen of a guest from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// The time now.
    pub now: Timestamp,
    /// Whether it holds a claim.
    pub working: bool,
    /// Since when rows are due that it takes no claim on.
    pub unclaimed_since: Option<Timestamp>,
    /// The heartbeat file's mtime, when there is one.
    pub heartbeat: Option<Timestamp>,
    /// When the host last saw it start, or saw a claim.
    pub last_seen: Timestamp,
    /// When it was last asked for something, or last said something.
    pub last_active: Timestamp,
    /// How long a quiet guest is kept.
    pub idle_after: Duration,
}

/// What follows from the signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Leave it alone.
    Fine,
    /// It holds a claim and its heart stopped, or it takes no claim on what is due.
    Stuck,
    /// Nothing was asked of it for long.
    Idle,
}

/// Judges the signs.
#[must_use]
pub fn judge(signs: &Signs) -> Verdict {
    if signs.working {
        // A heartbeat from the future says nothing: it would keep a dead guest alive for ever.
        let beat = signs.heartbeat.filter(|beat| *beat <= signs.now).unwrap_or(signs.last_seen);
        let silent = signs.now.duration_since(beat.max(signs.last_seen));
        if silent > limits::STUCK_AFTER {
            return Verdict::Stuck;
        }
        return Verdict::Fine;
    }
    // An idle guest has no heartbeat; whether it lives shows when there is something to do.
    if let Some(since) = signs.unclaimed_since {
        let waited = signs.now.duration_since(since);
        return if waited > limits::STUCK_AFTER { Verdict::Stuck } else { Verdict::Fine };
    }
    if signs.now.duration_since(signs.last_active).unsigned_abs() > signs.idle_after
        && signs.now > signs.last_active
    {
        return Verdict::Idle;
    }
    Verdict::Fine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[track_caller]
    fn check(working: bool, heartbeat: Option<i64>, now: i64, expected: Verdict) {
        let signs = Signs {
            now: at(now),
            working,
            unclaimed_since: None,
            heartbeat: heartbeat.map(at),
            last_seen: at(1_000),
            last_active: at(1_000),
            idle_after: limits::IDLE_TIMEOUT,
        };
        assert_eq!(judge(&signs), expected);
    }

    #[test]
    fn a_guest_at_work_is_stuck_a_minute_after_its_last_heartbeat() {
        check(true, Some(1_100), 1_160, Verdict::Fine);
        check(true, Some(1_100), 1_161, Verdict::Stuck);
    }

    #[test]
    fn a_guest_that_never_beat_is_given_a_minute_from_its_claim() {
        check(true, None, 1_060, Verdict::Fine);
        check(true, None, 1_061, Verdict::Stuck);
    }

    #[test]
    fn a_heartbeat_in_the_future_keeps_nobody_alive() {
        check(true, Some(9_999), 1_061, Verdict::Stuck);
    }

    #[test]
    fn a_guest_that_takes_no_claim_is_stuck_after_a_minute_and_never_idle() {
        let judged = |now| {
            judge(&Signs {
                now: at(now),
                working: false,
                unclaimed_since: Some(at(5_000)),
                heartbeat: None,
                last_seen: at(1_000),
                last_active: at(1_000),
                idle_after: limits::IDLE_TIMEOUT,
            })
        };
        assert_eq!(judged(5_060), Verdict::Fine);
        assert_eq!(judged(5_061), Verdict::Stuck);
    }

    #[test]
    fn a_quiet_guest_is_idle_after_ten_minutes() {
        check(false, None, 1_600, Verdict::Fine);
        check(false, None, 1_601, Verdict::Idle);
    }
}
