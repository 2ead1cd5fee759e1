//! PURE: whether a guest that has work still lives and gets on, and whether a quiet one may end.
//!
//! Owns the verdicts. All inputs are passed; times are read by the caller. Two signs, two rules:
//! that it lives (its heartbeat) and that its work progresses (the time of the run's live file, or
//! of the tool that it last started). A foreign guest has one sign for both. Every time is a
//! hostile guest's word: what lies in the future says nothing, and what a tool declares is bounded.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::limits::turn as limits;

/// What kind of guest it is, as far as its signs go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Ours: it beats while it works, and its progress can be seen.
    Native,
    /// Another program: its heartbeat is all it shows, and it beats when something happens.
    Foreign,
}

/// What can be seen of a guest from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// The time now.
    pub now: Timestamp,
    /// What kind of guest it is.
    pub profile: Profile,
    /// The run that it holds a claim for, if it holds one.
    pub work: Option<Work>,
    /// Since when rows are due that it takes no claim on.
    pub unclaimed_since: Option<Timestamp>,
    /// The heartbeat file's mtime, when there is one.
    pub heartbeat: Option<Timestamp>,
    /// When it was last asked for something, or last said something.
    pub last_active: Timestamp,
    /// How long a quiet guest is kept.
    pub idle_after: Duration,
}

/// What can be seen of a run at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// When the host saw its claim first, or the container start after that.
    pub since: Timestamp,
    /// The live file's mtime, when it is a plain file.
    pub progress: Option<Timestamp>,
    /// The tool that runs: when it started, and the time that it declared.
    pub tool: Option<(Timestamp, Duration)>,
}

/// What follows from the signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Leave it alone.
    Fine,
    /// It holds a claim and its heart stopped, or it takes no claim on what is due: kill it.
    Dead,
    /// It lives, and its run does not get on: interrupt that.
    NoProgress,
    /// Nothing was asked of it for long.
    Idle,
}

/// Judges the signs.
#[must_use]
pub fn judge(signs: &Signs) -> Verdict {
    if let Some(work) = &signs.work {
        return match signs.profile {
            Profile::Native => native(signs, work),
            Profile::Foreign => foreign(signs, work),
        };
    }
    // An idle guest has no heartbeat; whether it lives shows when there is something to do.
    if let Some(since) = signs.unclaimed_since {
        let dead = since_then(signs, since) > limits::SILENT_AFTER;
        return if dead { Verdict::Dead } else { Verdict::Fine };
    }
    let quiet = Duration::try_from(since_then(signs, signs.last_active)).unwrap_or_default();
    if quiet > signs.idle_after { Verdict::Idle } else { Verdict::Fine }
}

fn native(signs: &Signs, work: &Work) -> Verdict {
    let beat = believed(signs, signs.heartbeat).unwrap_or(work.since).max(work.since);
    if since_then(signs, beat) > limits::SILENT_AFTER {
        return Verdict::Dead;
    }
    let tool = work.tool.and_then(|(at, _)| believed(signs, Some(at)));
    let progress = believed(signs, work.progress).max(tool).unwrap_or(work.since).max(work.since);
    if since_then(signs, progress) > widened(work, limits::NO_PROGRESS_AFTER) {
        return Verdict::NoProgress;
    }
    Verdict::Fine
}

fn foreign(signs: &Signs, work: &Work) -> Verdict {
    let beat = believed(signs, signs.heartbeat).filter(|beat| *beat > work.since);
    let (since, patience) = match beat {
        Some(beat) => (beat, limits::FOREIGN_CEILING),
        // Nothing since it took the message: it never began.
        None => (work.since, limits::FOREIGN_CLAIM),
    };
    let stuck = since_then(signs, since) > widened(work, patience);
    if stuck { Verdict::Dead } else { Verdict::Fine }
}

/// A time to come would keep a dead guest alive for ever.
fn believed(signs: &Signs, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| *at <= signs.now)
}

fn widened(work: &Work, patience: SignedDuration) -> SignedDuration {
    let Some((_, declared)) = work.tool else { return patience };
    let declared = declared.min(schemas::limits::MAX_TOOL_TIMEOUT);
    patience.max(SignedDuration::try_from(declared).unwrap_or(patience) + limits::TOOL_MARGIN)
}

fn since_then(signs: &Signs, at: Timestamp) -> SignedDuration {
    signs.now.duration_since(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A guest that took its work at 1,000.
    fn working(now: i64) -> Signs {
        Signs {
            now: at(now),
            profile: Profile::Native,
            work: Some(Work { since: at(1_000), progress: None, tool: None }),
            unclaimed_since: None,
            heartbeat: Some(at(now)),
            last_active: at(1_000),
            idle_after: crate::limits::IDLE_TIMEOUT,
        }
    }

    #[track_caller]
    fn beats(heartbeat: Option<i64>, now: i64, expected: Verdict) {
        let signs = Signs { heartbeat: heartbeat.map(at), ..working(now) };
        assert_eq!(judge(&signs), expected);
    }

    #[track_caller]
    fn progresses(work: &Work, now: i64, expected: Verdict) {
        assert_eq!(judge(&Signs { work: Some(*work), ..working(now) }), expected);
    }

    #[track_caller]
    fn foreign(heartbeat: i64, declared: u64, now: i64, expected: Verdict) {
        let tool = (declared > 0).then(|| (at(1_000), Duration::from_secs(declared)));
        let work = Some(Work { since: at(1_000), progress: None, tool });
        let heartbeat = Some(at(heartbeat));
        let signs = Signs { profile: Profile::Foreign, work, heartbeat, ..working(now) };
        assert_eq!(judge(&signs), expected);
    }

    #[test]
    fn a_guest_at_work_is_dead_a_minute_after_its_last_heartbeat() {
        beats(Some(1_100), 1_160, Verdict::Fine);
        beats(Some(1_100), 1_161, Verdict::Dead);
    }

    #[test]
    fn a_guest_that_never_beat_is_given_a_minute_from_its_claim() {
        beats(None, 1_060, Verdict::Fine);
        beats(None, 1_061, Verdict::Dead);
    }

    #[test]
    fn a_heartbeat_in_the_future_keeps_nobody_alive() {
        beats(Some(9_999), 1_061, Verdict::Dead);
    }

    #[test]
    fn a_run_without_progress_is_interrupted_after_ten_minutes_and_a_margin() {
        let none = Work { since: at(1_000), progress: None, tool: None };
        progresses(&none, 1_660, Verdict::Fine);
        progresses(&none, 1_661, Verdict::NoProgress);
        let some = Work { progress: Some(at(2_000)), ..none };
        progresses(&some, 2_660, Verdict::Fine);
        progresses(&some, 2_661, Verdict::NoProgress);
        // Of an earlier run, or of a time to come: no sign of this one.
        progresses(&Work { progress: Some(at(10)), ..none }, 1_661, Verdict::NoProgress);
        progresses(&Work { progress: Some(at(9_999)), ..none }, 1_661, Verdict::NoProgress);
    }

    #[test]
    fn a_declared_time_widens_the_patience_and_what_is_beyond_all_bounds_does_not() {
        let tool = |started, declared| Work {
            since: at(1_000),
            progress: None,
            tool: Some((at(started), Duration::from_secs(declared))),
        };
        progresses(&tool(1_000, 3_600), 4_660, Verdict::Fine);
        progresses(&tool(1_000, 3_600), 4_661, Verdict::NoProgress);
        progresses(&tool(1_000, 5), 1_661, Verdict::NoProgress);
        let bound = i64::try_from(schemas::limits::MAX_TOOL_TIMEOUT.as_secs()).unwrap() + 1_060;
        for declared in [u64::from(u32::MAX), u64::MAX / 2_000] {
            progresses(&tool(1_000, declared), bound, Verdict::Fine);
            progresses(&tool(1_000, declared), bound + 1, Verdict::NoProgress);
        }
        progresses(&tool(9_999, 5), 1_661, Verdict::NoProgress);
    }

    #[test]
    fn a_dead_guest_is_killed_whatever_its_tool_declared() {
        let tool = Some((at(1_000), Duration::from_secs(3_600)));
        let work = Some(Work { since: at(1_000), progress: None, tool });
        let signs = Signs { work, heartbeat: Some(at(1_100)), ..working(1_161) };
        assert_eq!(judge(&signs), Verdict::Dead);
    }

    #[test]
    fn a_foreign_guest_has_one_sign_for_both() {
        // Nothing since the claim: a minute, or as long as its tool declared.
        foreign(900, 0, 1_060, Verdict::Fine);
        foreign(900, 0, 1_061, Verdict::Dead);
        foreign(900, 600, 1_660, Verdict::Fine);
        foreign(900, 600, 1_661, Verdict::Dead);
        // Something since: half an hour of quiet, or as long as its tool declared.
        foreign(1_100, 0, 2_900, Verdict::Fine);
        foreign(1_100, 0, 2_901, Verdict::Dead);
        foreign(1_100, 3_600, 4_760, Verdict::Fine);
        foreign(1_100, 3_600, 4_761, Verdict::Dead);
    }

    #[test]
    fn a_guest_that_takes_no_claim_is_dead_after_a_minute_and_never_idle() {
        let judged = |now| {
            let unclaimed_since = Some(at(5_000));
            judge(&Signs { work: None, unclaimed_since, heartbeat: None, ..working(now) })
        };
        assert_eq!(judged(5_060), Verdict::Fine);
        assert_eq!(judged(5_061), Verdict::Dead);
    }

    #[test]
    fn a_quiet_guest_is_idle_after_ten_minutes() {
        let judged = |now| judge(&Signs { work: None, heartbeat: None, ..working(now) });
        assert_eq!(judged(1_600), Verdict::Fine);
        assert_eq!(judged(1_601), Verdict::Idle);
    }
}
