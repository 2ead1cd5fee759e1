//! What a guest asks of the host besides talking: one closed enum, one arm each.
//!
//! Owns turning an action into a command of the operator's, asked by the agent whose session the
//! row lies in: who asks is never read from the row. The gate is the same as everybody's
//! (`people::decide`). Asking twice is harmless: what waits for a person waits once for each row,
//! and what is allowed at once only looks.

use schemas::{
    action::Action,
    content::ActionStatus,
    ids::{AgentId, MessageId, SessionId},
    message::Address,
};
use serde_json::{Value, json};

use crate::{
    admin::{self, Desk, Done, Parsed},
    approvals::{self, AskedIn, Named, NewApproval, PendingAction},
    error::{ErrorKind, HostError, Result},
    limits,
    people::{Act, Verdict, Who, decide},
};

mod plan;
mod tasks;

use plan::{Plan, plan};

/// Who asks, and under which name the answer goes back.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The agent.
    pub agent: AgentId,
    /// Its session.
    pub session: SessionId,
    /// The guest's own id of the request.
    pub request: String,
    /// The outbound row.
    pub row: MessageId,
    /// Where it asks: the place of the message that it asks over, else the session's own.
    pub place: Option<Address>,
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    /// How it went.
    pub status: ActionStatus,
    /// What came of it, or why nothing did.
    pub result: Value,
}

impl Acted {
    /// It was not allowed.
    #[must_use]
    pub fn refused(why: &str) -> Self {
        Self { status: ActionStatus::Refused, result: json!({ "error": why }) }
    }

    fn done(result: Value) -> Self {
        Self { status: ActionStatus::Ok, result }
    }

    fn failed(failure: &HostError) -> Self {
        let status = match failure.kind {
            ErrorKind::Denied => ActionStatus::Refused,
            ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::TooLarge
            | ErrorKind::Busy
            | ErrorKind::Storage
            | ErrorKind::Engine
            | ErrorKind::HostDown
            | ErrorKind::Internal => ActionStatus::Failed,
        };
        let hint = failure.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
        Self { status, result: json!({ "error": format!("{}{hint}", failure.chain()) }) }
    }
}

/// Does, holds or refuses what a guest asks for.
pub async fn act(desk: &Desk, asker: &Asker, action: Action) -> Acted {
    match attempt(desk, asker, action).await {
        Ok(acted) => acted,
        Err(failure) => Acted::failed(&failure),
    }
}

async fn attempt(desk: &Desk, asker: &Asker, action: Action) -> Result<Acted> {
    // As it is now: an operator may have narrowed the scope since the session began.
    let agent = desk.context.store.agent(asker.agent.clone()).await?.agent;
    let (id, session) = (agent.id.clone(), asker.session.clone());
    let who = Who::Agent { agent: id, session, scope: agent.cli_scope };
    let me = Named { id: agent.id, name: agent.name };
    match plan(&me.id, action) {
        Err(why) => Ok(Acted::refused(&why)),
        Ok(Plan::Words(words)) => command(desk, asker, (&who, me), &words).await,
        Ok(Plan::Task(wish)) => tasks::wish(desk, asker, (&who, me), wish).await,
        Ok(Plan::Packages { apt, npm, reason }) => {
            let action = PendingAction::InstallPackages { agent: me, apt, npm, reason };
            hold(desk, asker, &who, Act::InstallPackages, action).await
        }
        Ok(Plan::Server { name, command, args, env }) => {
            let action = PendingAction::AddMcpServer { agent: me, name, command, args, env };
            hold(desk, asker, &who, Act::AddMcpServer, action).await
        }
    }
}

async fn command(
    desk: &Desk,
    asker: &Asker,
    (who, me): (&Who, Named),
    words: &[String],
) -> Result<Acted> {
    let command = match admin::parse(words)? {
        Parsed::Help(text) => return Ok(Acted::done(json!({ "text": text }))),
        Parsed::Command(command) => *command,
    };
    match admin::run(desk, who, command).await? {
        Done::Answered(answer) => {
            let text: String = answer.text.chars().take(limits::action::ANSWER_CHARS).collect();
            Ok(Acted::done(json!({ "text": text })))
        }
        Done::Held(_, command) => {
            let words = vec![words.join(" ")];
            let action = PendingAction::Commands { asker: me, commands: vec![*command], words };
            wait(desk, asker, who, action).await
        }
    }
}

/// Asks the gate about what has no command.
async fn hold(
    desk: &Desk,
    asker: &Asker,
    who: &Who,
    act: Act,
    action: PendingAction,
) -> Result<Acted> {
    match decide(who, act, Some(&asker.agent)) {
        // Whatever the gate allows, nobody but a person says yes to these.
        Verdict::Allow | Verdict::Hold => wait(desk, asker, who, action).await,
        Verdict::Deny(words) => {
            let now = desk.context.clock.now();
            desk.context.store.audit(who.word(), "denied", words.to_owned(), now).await?;
            Ok(Acted::refused(&format!("you may not {words}")))
        }
    }
}

/// Lets it wait for a person; once for each row, however often that is read.
async fn wait(desk: &Desk, asker: &Asker, who: &Who, action: PendingAction) -> Result<Acted> {
    let waiting = desk.context.store.approvals(true).await?;
    let mine = waiting.iter().filter(|one| one.agent.as_ref() == Some(&asker.agent)).count();
    if mine >= limits::action::WAITING_ASKS {
        return Ok(Acted::refused("too much waits for a person's yes already"));
    }
    let new = NewApproval {
        action,
        subject: format!("action:{}:{}", asker.session, asker.row),
        requested_by: who.word(),
        agent: Some(asker.agent.clone()),
        asked_in: Some(AskedIn {
            session: asker.session.clone(),
            request: asker.request.clone(),
            place: asker.place.clone(),
        }),
    };
    let asked = approvals::ask(desk, new, None).await?;
    let result = json!({ "approval": asked.id });
    Ok(Acted { status: ActionStatus::Held, result })
}
