//! Answering: who may, whether it still counts, and the one compare-and-set.
//!
//! An approval that somebody may not answer looks to them like one that does not exist.

use schemas::{
    ids::{AgentId, ApprovalId},
    policy::ApprovalStatus,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    Approval, PendingAction, carry,
    life::{self, Refusal},
    look_again,
};
use crate::{
    admin::{Asks, Desk},
    error::{ErrorKind, HostError, Result},
    people::{Act, Verdict, Who, decide},
    steps::Step,
    store::Answered,
    text::approvals as text,
};

/// An answer, as it comes from a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Yes or no.
    pub yes: bool,
    /// Why, for whoever asked.
    pub reason: Option<String>,
    /// Which agent a room is for.
    pub choice: Option<Choice>,
    /// The digest of what was shown.
    pub shown: Option<String>,
}

/// Which agent a room is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// One that exists.
    Agent(AgentId),
    /// A new one of this name.
    NewAgent(String),
}

/// Answers; what came of it, for people.
///
/// # Errors
/// `NotFound` when there is no such approval for this person, `Conflict` when it cannot be answered
/// any more or is not what was shown, `Invalid` when a choice is missing.
pub async fn answer(desk: &Desk, who: &Who, id: ApprovalId, said: Answer) -> Result<Approval> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let approval = match store.approval(id.clone()).await {
        Ok(approval) => approval,
        Err(unknown) => return Err(refuse(desk, who, &id, "unknown", unknown).await),
    };
    let action = match approval.action() {
        Ok(action) => action,
        Err(changed) => return Err(refuse(desk, who, &id, "changed", changed).await),
    };
    let needs = life::needs(&action, &asks(desk, &action).await?);
    if !life::may_answer(who, &needs) {
        // The operator may everything, so whoever this is hears what strangers hear.
        let unknown = HostError::new(ErrorKind::NotFound, format!("no approval {id}"));
        return Err(refuse(desk, who, &id, "not theirs to answer", unknown).await);
    }
    if let Err(why) = life::answerable(&approval, said.shown.as_deref(), now) {
        let (word, failure) = refusal(&id, why);
        return Err(refuse(desk, who, &id, word, failure).await);
    }
    let choice = if said.yes { choose(desk, who, &action, said.choice).await? } else { None };
    let status = if said.yes { ApprovalStatus::Approved } else { ApprovalStatus::Rejected };
    let choice = choice.map(|choice| serde_json::to_string(&choice).unwrap_or_default());
    let by = reference(who);
    let answered = Answered { status, by, reason: said.reason, choice };
    if !store.answer_approval(id.clone(), approval.digest.clone(), answered, now).await? {
        let late = HostError::new(ErrorKind::Conflict, text::ANSWERED_MEANWHILE);
        return Err(refuse(desk, who, &id, "too late", late).await);
    }
    desk.context.steps.reached(Step::ApprovalAnswered);
    let what = format!("{} ({id}, {})", text::title(&action), approval.digest);
    store.audit(who.word(), status.as_str(), what, now).await?;
    if let Err(failure) = carry::finish(desk, id.clone(), false).await {
        // The yes is durable; what follows from it is done as soon as it can be.
        warn!(approval = %id, error = %failure.chain(), "not finished; trying again");
        look_again(desk);
    }
    store.approval(id).await
}

/// What the commands of an action ask the gate for.
pub(super) async fn asks(desk: &Desk, action: &PendingAction) -> Result<Vec<Asks>> {
    let mut asks = Vec::new();
    if let PendingAction::Commands { commands, .. } = action {
        for mut command in commands.clone() {
            asks.push(command.asks(desk).await?);
        }
    }
    Ok(asks)
}

/// How the database remembers who answered.
fn reference(who: &Who) -> String {
    match who {
        Who::Operator => OPERATOR.to_owned(),
        Who::Person(person) => person.id.to_string(),
        // The gate lets neither answer; if it ever did, the row would say who it was.
        Who::Stranger(_) | Who::Agent { .. } => who.word(),
    }
}

/// The word for the operator in `decided_by`.
pub(super) const OPERATOR: &str = "operator";

fn refusal(id: &ApprovalId, why: Refusal) -> (&'static str, HostError) {
    let conflict = |words: String| HostError::new(ErrorKind::Conflict, words);
    match why {
        Refusal::Settled(status) => ("replayed", conflict(text::settled(id, status))),
        Refusal::Expired => ("expired", conflict(text::settled(id, ApprovalStatus::Expired))),
        Refusal::Changed => (
            "not what was shown",
            conflict(text::changed(id)).hint(format!("look again: lazaret approvals show {id}")),
        ),
    }
}

/// Every answer that does not count is written down with its reason.
async fn refuse(
    desk: &Desk,
    who: &Who,
    id: &ApprovalId,
    why: &'static str,
    failure: HostError,
) -> HostError {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let what = format!("answer approval {id}: {why}");
    match store.audit(who.word(), "denied", what, now).await {
        Ok(()) => failure,
        Err(unwritten) => unwritten,
    }
}

/// Which agent a room is for: the one that was named, or the only one there is.
async fn choose(
    desk: &Desk,
    who: &Who,
    action: &PendingAction,
    said: Option<Choice>,
) -> Result<Option<Choice>> {
    match (action, said) {
        (PendingAction::ConnectRoom(_), Some(Choice::NewAgent(name))) => {
            if decide(who, Act::CreateAgent, None) != Verdict::Allow {
                return Err(HostError::new(ErrorKind::Denied, "you may not create agents"));
            }
            let agents = desk.context.store.agents().await?;
            if agents.iter().any(|agent| agent.name == name) {
                return Err(HostError::new(
                    ErrorKind::Conflict,
                    format!("there is an agent {name:?} already"),
                )
                .hint("connect the room to it with --agent"));
            }
            Ok(Some(Choice::NewAgent(name)))
        }
        (PendingAction::ConnectRoom(_), Some(Choice::Agent(agent))) => {
            Ok(Some(Choice::Agent(agent)))
        }
        (PendingAction::ConnectRoom(_), None) => {
            let mut agents = desk.context.store.agents().await?.into_iter();
            match (agents.next(), agents.next()) {
                (Some(only), None) => Ok(Some(Choice::Agent(only.id))),
                (Some(_) | None, _) => Err(HostError::new(ErrorKind::Invalid, text::WHICH_AGENT)
                    .hint(text::WHICH_AGENT_HINT)),
            }
        }
        (
            PendingAction::AdmitSender { .. }
            | PendingAction::Commands { .. }
            | PendingAction::InstallPackages { .. }
            | PendingAction::AddMcpServer { .. },
            None,
        ) => Ok(None),
        (
            PendingAction::AdmitSender { .. }
            | PendingAction::Commands { .. }
            | PendingAction::InstallPackages { .. }
            | PendingAction::AddMcpServer { .. },
            Some(_),
        ) => Err(HostError::new(ErrorKind::Invalid, text::NO_ROOM_TO_CONNECT)),
    }
}
