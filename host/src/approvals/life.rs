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
