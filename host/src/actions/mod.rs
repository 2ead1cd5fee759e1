//! What a guest asks of the host besides talking: one closed enum, one arm each.
//!
//! Owns turning an action into a command of the operator's, asked by the agent whose session the
//! row lies in: who asks is never read from the row. The gate is the same as everybody's
//! (`people::decide`). Asking twice is harmless: what is held is held once, and what is allowed
//! at once only looks.

use schemas::{
    action::Action,
    content::ActionStatus,
    ids::{AgentId, MessageId, SessionId},
};
use serde_json::{Value, json};

use crate::{admin::Desk, people::Who};

/// Who asks, and under which name the answer goes back.
#[derive(Debug, Clone)]
pub struct Asker {
    /// As the gate sees them.
    pub who: Who,
    /// The agent.
    pub agent: AgentId,
    /// Its session.
    pub session: SessionId,
    /// The guest's own id of the request.
    pub request: String,
    /// The outbound row.
    pub row: MessageId,
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
    fn refused(why: impl Into<String>) -> Self {
        Self { status: ActionStatus::Refused, result: json!({ "error": why.into() }) }
    }
}

/// Does, holds or refuses what a guest asks for.
pub fn act(_desk: &Desk, _asker: &Asker, action: &Action) -> Acted {
    match action {
        Action::CreateAgent { .. }
        | Action::InstallPackages { .. }
        | Action::AddMcpServer { .. }
        | Action::RequestDestination { .. }
        | Action::Admin { .. } => Acted::refused("this cannot be asked for yet"),
    }
}
