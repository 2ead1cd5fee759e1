//! An approval as it is stored.

use jiff::Timestamp;
use schemas::{
    ids::{AgentId, ApprovalId, SessionId},
    message::Address,
    policy::ApprovalStatus,
};

use super::PendingAction;
use crate::error::{ErrorKind, HostError, Result};

/// What is written down when somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApproval {
    /// What is asked for.
    pub action: PendingAction,
    /// Two askings about the same thing are one while it waits.
    pub subject: String,
    /// Who asks, for people.
    pub requested_by: String,
    /// The agent that it is about.
    pub agent: Option<AgentId>,
    /// Where an agent asked.
    pub asked_in: Option<AskedIn>,
}

/// Where an agent asked, and where it hears what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedIn {
    /// The session.
    pub session: SessionId,
    /// The guest's own id of its request.
    pub request: String,
    /// The place of the message over which it asked; else the session's own.
    pub place: Option<Address>,
}

/// A message that waits with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The platform's id of it.
    pub id: String,
    /// The message as it came in, as JSON.
    pub message: String,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The stored action.
    pub action: String,
    /// What its digest was when it was asked.
    pub digest: String,
    /// What it is about.
    pub subject: String,
    /// Who asked, for people.
    pub requested_by: String,
    /// The agent that it is about.
    pub agent: Option<AgentId>,
    /// The session that asked.
    pub session: Option<SessionId>,
    /// The guest's own id of its request.
    pub request_id: Option<String>,
    /// The place of the message over which an agent asked.
    pub asked_at: Option<Address>,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// Who answered: `operator`, or a person's id.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// What was chosen beside the yes, as JSON.
    pub choice: Option<String>,
    /// What came of it.
    pub result: Option<String>,
    /// Whether the asker knows.
    pub told: bool,
    /// How many messages wait with it.
    pub held: u64,
}

impl Approval {
    /// Where messages wait for it.
    #[must_use]
    pub fn place(&self) -> Option<Address> {
        let room = match self.action().ok()? {
            PendingAction::ConnectRoom(room) | PendingAction::AdmitSender { room, .. } => room,
            PendingAction::Commands { .. }
            | PendingAction::InstallPackages { .. }
            | PendingAction::AddMcpServer { .. } => return None,
        };
        let (channel_type, platform_id) = (room.channel, room.platform_id);
        Some(Address { channel_type, platform_id, thread_id: None })
    }

    /// Reads the action; only from a text that is still what was asked for.
    ///
    /// # Errors
    /// `Denied` when the row was changed since it was asked.
    pub fn action(&self) -> Result<PendingAction> {
        if super::digest(&self.action) != self.digest {
            return Err(HostError::new(
                ErrorKind::Denied,
                format!("approval {} was changed after it was asked for", self.id),
            ));
        }
        serde_json::from_str(&self.action).map_err(|error| {
            HostError::new(ErrorKind::Storage, format!("approval {} cannot be read", self.id))
                .because(error)
                .hint("it may be of another version; ask again")
        })
    }
}
