//! Carrying out: what follows from an answer, what came of it, and telling whoever asked.
//!
//! Each step is durable before the next one begins, and can be taken again: the host may end
//! anywhere in between. The gate is asked once more, for whoever asked and for whoever said yes, as
//! they are now.

use std::sync::Arc;

use schemas::{
    admin::NewAgent,
    content::{self, ActionStatus, SystemIn},
    ids::{AgentId, ApprovalId, MessageId, PersonId},
    message::{Address, Kind, NewInbound},
    policy::{ApprovalStatus, EngageMode},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::{Approval, Choice, PendingAction, Room, answer, life};
use crate::{
    admin::{self, Desk, Done},
    error::{ErrorKind, HostError, Result},
    people::Who,
    requests::Request,
    sessions::key::default_mode,
    steps::Step,
    store::Rules,
    text::approvals as text,
};

/// What came of an approval, as it is stored and as its asker is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Outcome {
    status: ActionStatus,
    result: Value,
}

impl Outcome {
    fn done(result: Value) -> Self {
        Self { status: ActionStatus::Ok, result }
    }

    fn refused(why: &str) -> Self {
        Self { status: ActionStatus::Refused, result: json!({ "error": why }) }
    }

    fn failed(why: &str) -> Self {
        Self { status: ActionStatus::Failed, result: json!({ "error": why }) }
    }
}

/// Does what an answer asks for, as far as it was not done. `again`: an earlier host or try may
/// have been in the middle of it.
///
/// # Errors
/// When something is in the way that may go away; then it is to be called again.
pub(super) async fn finish(desk: &Desk, id: ApprovalId, again: bool) -> Result<()> {
    let context = Arc::clone(&desk.context);
    let _one_at_a_time = context.settling.lock().await;
    let mut approval = context.store.approval(id.clone()).await?;
    if approval.told || approval.status == ApprovalStatus::Pending {
        return Ok(());
    }
    let place = approval.place();
    if let Some(place) = &place {
        context.turns.take(place.clone());
    }
    let finished = each_step(desk, &mut approval, again).await;
    if let Some(place) = &place {
        // Also when something is in the way: what is said there must not wait without end.
        context.turns.give_back(place);
    }
    finished
}

async fn each_step(desk: &Desk, approval: &mut Approval, again: bool) -> Result<()> {
    let (context, id) = (&desk.context, approval.id.clone());
    if approval.result.is_none() {
        let outcome = settle(desk, approval, again).await?;
        context.steps.reached(Step::ApprovalCarriedOut);
        let result = serde_json::to_string(&outcome).unwrap_or_default();
        info!(approval = %id, status = approval.status.as_str(), result, "approval finished");
        context.store.finish_approval(id.clone(), result.clone()).await?;
        approval.result = Some(result);
        context.steps.reached(Step::ApprovalFinished);
    }
    match approval.status {
        ApprovalStatus::Approved => replay(desk, approval).await?,
        ApprovalStatus::Rejected | ApprovalStatus::Expired => give_up(desk, approval).await?,
        ApprovalStatus::Pending => {}
    }
    tell_asker(desk, approval).await?;
    context.steps.reached(Step::ApprovalTold);
    context.store.told_approval(id, context.clock.now()).await
}

async fn settle(desk: &Desk, approval: &Approval, again: bool) -> Result<Outcome> {
    let action = match approval.action() {
        Ok(action) => action,
        Err(changed) => return Ok(Outcome::refused(&changed.chain())),
    };
    match approval.status {
        ApprovalStatus::Approved => carry_out(desk, approval, action, again).await,
        ApprovalStatus::Rejected => {
            reject(desk, approval, &action).await?;
            let why = approval.reason.as_deref().unwrap_or("a person said no");
            Ok(Outcome::refused(why))
        }
        ApprovalStatus::Expired => Ok(Outcome::refused("nobody answered in time")),
        ApprovalStatus::Pending => {
            Err(HostError::new(ErrorKind::Internal, "what waits cannot be carried out"))
        }
    }
}

async fn carry_out(
    desk: &Desk,
    approval: &Approval,
    action: PendingAction,
    again: bool,
) -> Result<Outcome> {
    let asks = match answer::asks(desk, &action).await {
        Ok(asks) => asks,
        // What it is about is gone since.
        Err(failure) => return Ok(Outcome::failed(&failure.chain())),
    };
    let needs = life::needs(&action, &asks);
    let Some(approver) =
        approver(desk, approval).await?.filter(|who| life::may_answer(who, &needs))
    else {
        return Ok(Outcome::refused(text::APPROVER_MAY_NOT));
    };
    if let Some(asker) = asker(desk, approval, &action).await?
        && !life::may_ask(&asker, &needs)
    {
        return Ok(Outcome::refused(text::ASKER_MAY_NOT));
    }
    let by = approver.word();
    match action {
        PendingAction::ConnectRoom(room) => connect(desk, approval, room, &by, again).await,
        PendingAction::AdmitSender { room, agents } => {
            let agents = agents.into_iter().map(|agent| agent.id).collect();
            let name = room.sender_name.clone().unwrap_or_else(|| room.sender.clone());
            let now = desk.context.clock.now();
            let person = desk.context.store.admit((room.sender, name), agents, by, now).await?;
            refresh(desk, Vec::new()).await?;
            Ok(Outcome::done(json!({ "person": person })))
        }
        PendingAction::Commands { commands, .. } => run_all(desk, &approver, commands, again).await,
        PendingAction::InstallPackages { .. } | PendingAction::AddMcpServer { .. } => {
            Ok(Outcome::failed(text::NO_EFFECT_YET))
        }
    }
}

async fn run_all(
    desk: &Desk,
    approver: &Who,
    commands: Vec<admin::Command>,
    again: bool,
) -> Result<Outcome> {
    let mut results = Vec::new();
    for command in commands {
        match admin::run(desk, approver, command).await {
            Ok(Done::Answered(answer)) => results.push(answer.data),
            Ok(Done::Held(..)) => return Ok(Outcome::refused(text::APPROVER_MAY_NOT)),
            // It was done, and the host ended before that was written down.
            Err(failure) if again && failure.kind == ErrorKind::Conflict => {
                results.push(json!({ "note": failure.chain() }));
            }
            Err(failure) if failure.kind == ErrorKind::Busy => return Err(failure),
            Err(failure) if failure.kind == ErrorKind::HostDown => return Err(failure),
            Err(failure) => return Ok(Outcome::failed(&failure.chain())),
        }
    }
    let one = results.len() == 1;
    let all = Value::Array(results);
    Ok(Outcome::done(if one { all.get(0).cloned().unwrap_or_default() } else { all }))
}

/// Wires a room, and lets whoever spoke there first be heard.
async fn connect(
    desk: &Desk,
    approval: &Approval,
    room: Room,
    by: &str,
    again: bool,
) -> Result<Outcome> {
    let choice = approval.choice.as_deref().and_then(|choice| serde_json::from_str(choice).ok());
    let agent = match choice {
        Some(Choice::Agent(agent)) => agent,
        Some(Choice::NewAgent(name)) => match new_agent(desk, &name, again).await {
            Ok(agent) => agent,
            Err(failure) if failure.kind == ErrorKind::Busy => return Err(failure),
            Err(failure) => return Ok(Outcome::failed(&failure.chain())),
        },
        None => return Ok(Outcome::failed(text::WHICH_AGENT)),
    };
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    match store.create_wiring(room.id.clone(), agent.clone(), rules(&room), now).await {
        Ok(_) => {}
        // It was wired meanwhile, or before the host ended; either way it is connected.
        Err(failure) if failure.kind == ErrorKind::Conflict => {}
        Err(failure) => return Ok(Outcome::failed(&failure.chain())),
    }
    let name = room.sender_name.unwrap_or_else(|| room.sender.clone());
    let person = store.admit((room.sender, name), vec![agent.clone()], by.to_owned(), now).await?;
    refresh(desk, vec![agent.clone()]).await?;
    Ok(Outcome::done(json!({ "agent": agent, "person": person })))
}

/// Who writes directly means the agent; in a group it waits until it is meant.
fn rules(room: &Room) -> Rules {
    let mode = default_mode(room.threaded, room.is_group);
    let engage = if room.is_group { EngageMode::Mention } else { EngageMode::Pattern };
    Rules { mode, engage, ..Rules::default() }
}

async fn new_agent(desk: &Desk, name: &str, again: bool) -> Result<AgentId> {
    let new = Box::new(NewAgent::named(name));
    match desk.daemon.ask(|answer| Request::CreateAgent(new, answer)).await {
        Ok(agent) => Ok(agent.id),
        Err(failure) if again && failure.kind == ErrorKind::Conflict => {
            let agents = desk.context.store.agents().await?;
            agents.into_iter().find(|agent| agent.name == name).map(|agent| agent.id).ok_or(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// What a no means beside doing nothing: nobody is asked about the same again.
async fn reject(desk: &Desk, approval: &Approval, action: &PendingAction) -> Result<()> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let by = approval.decided_by.clone().unwrap_or_default();
    match action {
        PendingAction::ConnectRoom(room) => {
            store.deny_room(room.id.clone(), now).await?;
            refresh(desk, Vec::new()).await
        }
        PendingAction::AdmitSender { room, .. } => {
            store.deny_sender(room.id.clone(), room.sender.clone(), by, now).await?;
            refresh(desk, Vec::new()).await
        }
        PendingAction::Commands { .. }
        | PendingAction::InstallPackages { .. }
        | PendingAction::AddMcpServer { .. } => Ok(()),
    }
}

/// Who said yes, as they are now.
async fn approver(desk: &Desk, approval: &Approval) -> Result<Option<Who>> {
    let Some(by) = approval.decided_by.as_deref() else { return Ok(None) };
    if by == answer::OPERATOR {
        return Ok(Some(Who::Operator));
    }
    let Ok(id) = PersonId::parse(by) else { return Ok(None) };
    Ok(desk.context.store.person(id).await?.map(Who::Person))
}

/// Which agent asked, as it is now; `None` where no agent did.
async fn asker(desk: &Desk, approval: &Approval, action: &PendingAction) -> Result<Option<Who>> {
    let agent = match action {
        PendingAction::Commands { asker: agent, .. }
        | PendingAction::InstallPackages { agent, .. }
        | PendingAction::AddMcpServer { agent, .. } => agent.id.clone(),
        PendingAction::ConnectRoom(_) | PendingAction::AdmitSender { .. } => return Ok(None),
    };
    let Some(session) = approval.session.clone() else { return Ok(None) };
    let scope = desk.context.store.agent(agent.clone()).await?.agent.cli_scope;
    Ok(Some(Who::Agent { agent, session, scope }))
}

/// Messages that waited for a yes come in once more, as they came; their ids make that harmless.
async fn replay(desk: &Desk, approval: &Approval) -> Result<()> {
    for held in desk.context.store.held_messages(approval.id.clone()).await? {
        let Ok(message) = serde_json::from_str(&held.message) else {
            warn!(approval = %approval.id, message = held.id, "a held message cannot be read");
            continue;
        };
        match desk.daemon.ask(|answer| Request::Replay(Box::new(message), answer)).await {
            Ok(taken) => {
                let agents = taken.agents.len();
                info!(approval = %approval.id, message = held.id, agents, "a held message came in");
            }
            // It can never come in; the rest of them can.
            Err(failure) if never(failure.kind) => {
                warn!(message = held.id, error = %failure.chain(), "a held message is refused");
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Whether another try would be answered the same.
fn never(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Denied
        | ErrorKind::Conflict
        | ErrorKind::TooLarge => true,
        ErrorKind::Busy
        | ErrorKind::Storage
        | ErrorKind::Engine
        | ErrorKind::HostDown
        | ErrorKind::Internal => false,
    }
}

/// Messages that waited for nothing are counted among the drops.
async fn give_up(desk: &Desk, approval: &Approval) -> Result<()> {
    let room = match approval.action() {
        Ok(PendingAction::ConnectRoom(room) | PendingAction::AdmitSender { room, .. }) => room,
        Ok(
            PendingAction::Commands { .. }
            | PendingAction::InstallPackages { .. }
            | PendingAction::AddMcpServer { .. },
        )
        | Err(_) => return Ok(()),
    };
    let why = match approval.status {
        ApprovalStatus::Rejected => "rejected",
        ApprovalStatus::Expired | ApprovalStatus::Pending | ApprovalStatus::Approved => {
            "nobody_answered"
        }
    };
    let place =
        Address { channel_type: room.channel, platform_id: room.platform_id, thread_id: None };
    let count = usize::try_from(approval.held).unwrap_or(usize::MAX);
    let (why, now) = (vec![why; count], desk.context.clock.now());
    desk.context.store.record_drops(place, room.sender, why, now).await
}

/// The agent that asked hears what came of it, once: the row's id is the approval's.
async fn tell_asker(desk: &Desk, approval: &Approval) -> Result<()> {
    let (Some(session), Some(request_id)) = (&approval.session, &approval.request_id) else {
        return Ok(());
    };
    let outcome = approval.result.as_deref().and_then(|result| serde_json::from_str(result).ok());
    let Outcome { status, result } =
        outcome.unwrap_or_else(|| Outcome::failed("what came of it cannot be read"));
    let said = SystemIn::ActionResponse { request_id: request_id.clone(), status, result };
    let row = format!("approval:{}", approval.id);
    tell_session(desk, session, &row, content::write(&said), approval.asked_at.clone()).await
}

/// Every live session of these agents, and the next message, see what changed.
async fn refresh(desk: &Desk, agents: Vec<AgentId>) -> Result<()> {
    desk.daemon.ask(|answer| Request::Refresh(agents, answer)).await
}

/// Puts a row of the host's own into a session, waking it.
pub(crate) async fn tell_session(
    desk: &Desk,
    session: &schemas::ids::SessionId,
    id: &str,
    content: String,
    address: Option<Address>,
) -> Result<()> {
    let id = MessageId::parse(id)
        .map_err(|bad| HostError::new(ErrorKind::Invalid, "bad row id").because(bad))?;
    let mut row = NewInbound::new(id, Kind::System, desk.context.clock.now(), content);
    row.address = address;
    let to = session.clone();
    match desk.daemon.ask(|answer| Request::Tell(to, Box::new(row), answer)).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.kind == ErrorKind::NotFound => {
            info!(%session, "nobody is left to be told: the session was archived");
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}
