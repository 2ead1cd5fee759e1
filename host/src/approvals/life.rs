//! PURE: when an approval can be answered, by whom, and what a yes must still be allowed to do.
//!
//! Owns the states: `pending → approved | rejected | expired`, each final. Everything that an
//! answer could be wrong about is a [`Refusal`].

use jiff::Timestamp;
use schemas::{ids::AgentId, policy::ApprovalStatus};

use super::{Approval, PendingAction};
use crate::{
    admin::Asks,
    people::{Act, Verdict, Who, decide},
};

/// Why an answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It was answered already, or nobody did in time.
    Settled(ApprovalStatus),
    /// Its time is over, though nobody wrote that down yet.
    Expired,
    /// It is not what was shown.
    Changed,
}

/// Whether an answer counts now. `shown` is the digest that whoever answers has seen.
///
/// # Errors
/// The reason why it does not.
pub fn answerable(approval: &Approval, shown: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
    match approval.status {
        ApprovalStatus::Pending => {}
        settled @ (ApprovalStatus::Approved
        | ApprovalStatus::Rejected
        | ApprovalStatus::Expired) => return Err(Refusal::Settled(settled)),
    }
    if now >= approval.expires_at {
        return Err(Refusal::Expired);
    }
    let stored = super::digest(&approval.action);
    let agrees = stored == approval.digest && shown.is_none_or(|shown| shown == stored);
    if agrees { Ok(()) } else { Err(Refusal::Changed) }
}

/// What somebody must be allowed to do themselves to answer for an action. `commands` is what
/// its commands ask the gate for, where it has any.
#[must_use]
pub fn needs(action: &PendingAction, commands: &[Asks]) -> Vec<(Act, Option<AgentId>)> {
    match action {
        PendingAction::ConnectRoom(_) => vec![(Act::ConnectRoom, None)],
        PendingAction::AdmitSender { agents, .. } => {
            agents.iter().map(|agent| (Act::ChangeMembers, Some(agent.id.clone()))).collect()
        }
        PendingAction::Commands { .. } => {
            commands.iter().map(|asks| (asks.act, asks.on.clone())).collect()
        }
        PendingAction::InstallPackages { agent, .. } => {
            vec![(Act::InstallPackages, Some(agent.id.clone()))]
        }
        PendingAction::AddMcpServer { agent, .. } => {
            vec![(Act::AddMcpServer, Some(agent.id.clone()))]
        }
    }
}

/// Whether somebody may answer: whoever the gate would let do all of it themselves. Nothing that
/// would need nothing is allowed.
#[must_use]
pub fn may_answer(who: &Who, needs: &[(Act, Option<AgentId>)]) -> bool {
    !needs.is_empty()
        && needs.iter().all(|(act, on)| decide(who, *act, on.as_ref()) == Verdict::Allow)
}

/// Whether whoever asked may still ask.
#[must_use]
pub fn may_ask(who: &Who, needs: &[(Act, Option<AgentId>)]) -> bool {
    needs.iter().all(|(act, on)| match decide(who, *act, on.as_ref()) {
        Verdict::Allow | Verdict::Hold => true,
        Verdict::Deny(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use schemas::ids::ApprovalId;

    use super::*;
    use crate::approvals::{Named, digest};

    fn asked(at: Timestamp) -> Approval {
        // The same each time, or the digest would not be.
        let agent = AgentId::parse("agent-01hzzzzzzzzzzzzzzzzzzzzzzz").unwrap();
        let action = PendingAction::InstallPackages {
            agent: Named { id: agent, name: "andy".to_owned() },
            apt: vec!["jq".to_owned()],
            npm: Vec::new(),
            reason: None,
        }
        .as_json();
        Approval {
            id: ApprovalId::mint(at),
            digest: digest(&action),
            action,
            subject: "s".to_owned(),
            requested_by: "andy".to_owned(),
            agent: None,
            session: None,
            request_id: None,
            asked_at: None,
            status: ApprovalStatus::Pending,
            created_at: at,
            expires_at: at + SignedDuration::from_hours(24),
            decided_by: None,
            decided_at: None,
            reason: None,
            choice: None,
            result: None,
            told: false,
            held: 0,
        }
    }

    #[test]
    fn an_answer_counts_while_it_waits_for_what_was_shown_and_never_again() {
        let at = Timestamp::UNIX_EPOCH;
        let one = asked(at);
        assert_eq!(answerable(&one, Some(&one.digest), at), Ok(()));
        assert_eq!(answerable(&asked(at), None, at), Ok(()));
        assert_eq!(answerable(&asked(at), Some("another"), at), Err(Refusal::Changed));
        let changed = Approval { action: "{}".to_owned(), ..asked(at) };
        assert_eq!(answerable(&changed, Some(&one.digest), at), Err(Refusal::Changed));
        assert_eq!(answerable(&changed, None, at), Err(Refusal::Changed));
        let late = at + SignedDuration::from_hours(24);
        assert_eq!(answerable(&asked(at), None, late), Err(Refusal::Expired));
        for status in [ApprovalStatus::Approved, ApprovalStatus::Rejected, ApprovalStatus::Expired]
        {
            let settled = Approval { status, ..asked(at) };
            assert_eq!(answerable(&settled, None, at), Err(Refusal::Settled(status)));
        }
    }

    #[test]
    fn an_action_that_would_need_nothing_is_nobodys_to_answer() {
        assert!(!may_answer(&Who::Operator, &[]));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Answer { yes: bool, right_digest: bool },
        Change,
        Hours(i64),
        Turn,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<bool>(), any::<bool>())
                .prop_map(|(yes, right_digest)| Step::Answer { yes, right_digest }),
            Just(Step::Change),
            (1..20_i64).prop_map(Step::Hours),
            Just(Step::Turn),
        ]
    }

    proptest! {
        /// Whatever is said in whatever order: one answer at most counts, only in time, only for
        /// what was shown, and what is settled stays as it is.
        #[test]
        fn an_approval_is_settled_once(steps in prop::collection::vec(step(), 0..12)) {
            let begin = Timestamp::UNIX_EPOCH;
            let (mut row, mut now) = (asked(begin), begin);
            let (shown, mut counted, mut changed) = (row.digest.clone(), 0, false);
            for step in steps {
                let before = row.status;
                match step {
                    Step::Answer { yes, right_digest } => {
                        let digest = if right_digest { shown.as_str() } else { "another" };
                        if answerable(&row, Some(digest), now).is_ok() {
                            prop_assert!(right_digest && !changed && now < row.expires_at);
                            counted += 1;
                            row.status =
                                if yes { ApprovalStatus::Approved } else { ApprovalStatus::Rejected };
                        }
                    }
                    Step::Change => {
                        row.action.push(' ');
                        changed = true;
                    }
                    Step::Hours(hours) => now += SignedDuration::from_hours(hours),
                    Step::Turn if row.status == ApprovalStatus::Pending && now >= row.expires_at => {
                        row.status = ApprovalStatus::Expired;
                    }
                    Step::Turn => {}
                }
                prop_assert!(before == ApprovalStatus::Pending || before == row.status);
            }
            prop_assert!(counted <= 1);
        }
    }
}
