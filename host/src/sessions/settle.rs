//! PURE: what a guest's word about a row means for the host's ledger.
//!
//! Owns the judgement. The guest's `runs` and acks are claims; the outcome is the host's, and
//! every row that wakes the agent ends in exactly one settled run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::{
    host_side::{AckSeen, RunSeen, Unsettled},
    ids::{RunId, SessionId},
    message::{AckStatus, InboundStatus, Outcome},
};

use crate::{limits, store::SettledRun, text::turns as words};

/// What follows for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The guest has said nothing that still counts.
    Waiting,
    /// The guest works on it.
    Working,
    /// It may work later.
    Retry(Option<Timestamp>),
    /// It is over.
    Over(Ending),
}

/// How a row ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// The row's final status.
    pub status: InboundStatus,
    /// Its run's outcome.
    pub outcome: Outcome,
    /// The run that the guest named.
    pub run: Option<RunId>,
    /// Why it did not complete.
    pub reason: Option<String>,
}

/// What is known of the run that an ack names.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RunWord {
    /// How it ended, by the guest's word.
    pub(super) ended: Option<Outcome>,
    /// Whether it had started a tool.
    pub(super) tools: bool,
}

/// Judges an ack.
#[must_use]
pub(super) fn judge(row: &Unsettled, ack: Option<&AckSeen>, run: RunWord) -> Verdict {
    // An ack of an earlier try says nothing about this one.
    let Some(ack) = ack.filter(|ack| ack.tries >= row.tries) else { return Verdict::Waiting };
    let over = |status, outcome, reason: Option<String>| {
        Verdict::Over(Ending { status, outcome, run: ack.run.clone(), reason })
    };
    match ack.status {
        AckStatus::Processing => Verdict::Working,
        AckStatus::Completed => over(InboundStatus::Completed, Outcome::Completed, None),
        AckStatus::Cancelled => over(InboundStatus::Cancelled, Outcome::Cancelled, None),
        AckStatus::Failed if run.ended == Some(Outcome::Interrupted) => {
            Verdict::Over(interrupted(ack.run.as_ref()))
        }
        AckStatus::Failed => over(InboundStatus::Failed, Outcome::Failed, Some(why(ack))),
        // Whatever the guest wants: what has acted is not repeated blindly.
        AckStatus::Retry if run.tools => Verdict::Over(interrupted(ack.run.as_ref())),
        AckStatus::Retry if is_last(row.tries) => {
            over(InboundStatus::Failed, Outcome::Failed, Some(why(ack)))
        }
        AckStatus::Retry => Verdict::Retry(ack.retry_at),
    }
}

/// Whether this try is the last of its set: whoever has a row tried again begins another.
#[must_use]
pub(super) fn is_last(tries: i64) -> bool {
    tries % limits::MAX_TRIES == limits::MAX_TRIES - 1
}

/// The end of a row whose run broke off after a tool had acted.
#[must_use]
pub(super) fn interrupted(run: Option<&RunId>) -> Ending {
    Ending {
        status: InboundStatus::Failed,
        outcome: Outcome::Interrupted,
        run: run.cloned(),
        reason: Some(words::INTERRUPTED.to_owned()),
    }
}

/// The runs that end with these rows: one per id that the guest named, and one of our own per row
/// without one. Context rows end with their run and make none.
#[must_use]
pub(super) fn runs_of(
    session: &SessionId,
    over: &[(Unsettled, Ending)],
    seen: &BTreeMap<RunId, RunSeen>,
    now: Timestamp,
) -> Vec<SettledRun> {
    let mut named: BTreeMap<&RunId, SettledRun> = BTreeMap::new();
    let mut unnamed = Vec::new();
    for (row, ending) in over.iter().filter(|(row, _)| row.trigger) {
        let fresh = |run: RunId, times: (Timestamp, Timestamp)| SettledRun {
            run,
            session: session.clone(),
            messages: vec![row.id.clone()],
            tries: row.tries,
            address: row.address.clone(),
            outcome: ending.outcome,
            reason: ending.reason.clone(),
            used: ending.run.as_ref().and_then(|run| seen.get(run)?.used),
            started_at: times.0,
            ended_at: times.1,
        };
        let Some(id) = &ending.run else {
            unnamed.push(fresh(RunId::of_try(session, &row.id, row.tries), (now, now)));
            continue;
        };
        if let Some(run) = named.get_mut(id) {
            run.messages.push(row.id.clone());
        } else {
            let times = seen.get(id).map_or((now, now), |seen| {
                // A guest's clock is its own: an end before the start, or to come, is not taken.
                let ended = seen.ended_at.unwrap_or(now).min(now);
                (seen.started_at.min(ended), ended)
            });
            named.insert(id, fresh(id.clone(), times));
        }
    }
    named.into_values().chain(unnamed).collect()
}

/// The run of a row that the host itself gives up.
#[must_use]
pub(super) fn given_up(
    session: &SessionId,
    row: &Unsettled,
    why: &str,
    now: Timestamp,
) -> SettledRun {
    SettledRun {
        run: RunId::of_try(session, &row.id, row.tries),
        session: session.clone(),
        messages: vec![row.id.clone()],
        tries: row.tries,
        address: row.address.clone(),
        outcome: Outcome::Interrupted,
        reason: Some(why.to_owned()),
        used: None,
        started_at: now,
        ended_at: now,
    }
}

fn why(ack: &AckSeen) -> String {
    let text = ack.error.as_deref().unwrap_or("no reason was given");
    text.chars().take(limits::REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use schemas::{ids::MessageId, message::Kind};

    use super::*;

    fn row(id: &str, tries: i64) -> Unsettled {
        Unsettled {
            id: MessageId::parse(id).unwrap(),
            seq: 2,
            kind: Kind::Chat,
            tries,
            trigger: true,
            process_after: None,
            address: None,
        }
    }

    fn ack(status: AckStatus, tries: i64, run: Option<&RunId>) -> AckSeen {
        AckSeen { status, tries, run: run.cloned(), error: Some("boom".to_owned()), retry_at: None }
    }

    #[test]
    fn an_ack_of_an_earlier_try_does_not_count() {
        let stale = ack(AckStatus::Completed, 0, None);
        assert_eq!(judge(&row("m", 1), Some(&stale), RunWord::default()), Verdict::Waiting);
        assert_eq!(judge(&row("m", 0), None, RunWord::default()), Verdict::Waiting);
    }

    #[test]
    fn a_retry_becomes_a_failure_when_the_tries_are_spent() {
        let again = |tries| {
            let ack = ack(AckStatus::Retry, tries, None);
            judge(&row("m", tries), Some(&ack), RunWord::default())
        };
        for tries in [3, 5, 8] {
            assert_eq!(again(tries), Verdict::Retry(None), "a new set begins at five");
        }
        assert!(matches!(again(4), Verdict::Over(Ending { status: InboundStatus::Failed, .. })));
    }

    #[test]
    fn what_has_acted_is_never_tried_again_whatever_its_guest_says() {
        let run = RunId::mint(Timestamp::UNIX_EPOCH);
        let judged = |status, ended, tools| {
            judge(&row("m", 0), Some(&ack(status, 0, Some(&run))), RunWord { ended, tools })
        };
        let over = Verdict::Over(interrupted(Some(&run)));
        assert_eq!(judged(AckStatus::Retry, Some(Outcome::Failed), true), over);
        assert_eq!(judged(AckStatus::Failed, Some(Outcome::Interrupted), true), over);
        assert_eq!(judged(AckStatus::Retry, Some(Outcome::Failed), false), Verdict::Retry(None));
        assert_eq!(judged(AckStatus::Processing, None, true), Verdict::Working);
    }

    #[test]
    fn rows_of_one_run_settle_it_once_and_a_row_without_one_gets_ours() {
        let now = Timestamp::UNIX_EPOCH;
        let (session, run) = (SessionId::mint(now), RunId::mint(now));
        let over = |id, run: Option<&RunId>| {
            let row = row(id, 0);
            let ack = ack(AckStatus::Completed, 0, run);
            let Verdict::Over(ending) = judge(&row, Some(&ack), RunWord::default()) else {
                panic!("a completed row is over")
            };
            (row, ending)
        };
        let over = [over("a", Some(&run)), over("b", Some(&run)), over("c", None)];
        let runs = runs_of(&session, &over, &BTreeMap::new(), now);
        let messages: Vec<usize> = runs.iter().map(|run| run.messages.len()).collect();
        assert_eq!(messages, [2, 1]);
    }
}
