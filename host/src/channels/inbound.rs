//! A message as its channel hands it over.
//!
//! Owns what an adapter must say about it. All of it is the adapter's own, verified word: nothing
//! here is read out of what the sender wrote. It can be written down and handed over again later.

use jiff::Timestamp;
use schemas::{
    ids::{AgentId, BadId, MessageId},
    message::Address,
};
use serde::{Deserialize, Serialize};

use super::terminal;

/// Something that was said in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// Where it was said.
    pub address: Address,
    /// The platform's id of it, unique over all channels: an adapter whose platform numbers each
    /// room anew puts the room before the number. A repeated id is the same message.
    pub id: String,
    /// Who said it.
    pub sender: Sender,
    /// What was said, as far as rules look at it.
    pub text: String,
    /// The row's content, files in base64.
    pub content: String,
    /// When it was said.
    pub at: Timestamp,
    /// Whether the platform itself says that it was addressed to us.
    #[serde(default)]
    pub mentioned: bool,
    /// Whether others listen; `false` is a direct message.
    #[serde(default)]
    pub is_group: bool,
    /// What people call the room.
    #[serde(default)]
    pub room_name: Option<String>,
    /// The sender's idempotency key.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Tells a repeat from another message under the same id.
    #[serde(default)]
    pub digest: Option<String>,
}

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// Whoever owns the host's socket: the kernel says so.
    Operator,
    /// Somebody on a platform.
    Platform {
        /// `<channel>:<the platform's id of the user>`, from what the platform signed.
        id: String,
        /// For people.
        name: String,
    },
}

impl Sender {
    /// What people call them, in their own words.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Operator => None,
            Self::Platform { name, .. } => Some(name.as_str()).filter(|name| !name.is_empty()),
        }
    }

    /// The word in the `sender_id` of a row, and in the list of drops.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Operator => terminal::OPERATOR,
            Self::Platform { id, .. } => id,
        }
    }
}

impl Inbound {
    /// Whether it was said to us: in a direct message, or by the platform's word.
    #[must_use]
    pub fn is_addressed(&self) -> bool {
        self.mentioned || !self.is_group
    }

    /// The id of an agent's row of it: agents that share a message have a row each.
    ///
    /// # Errors
    /// When the platform's id is empty, over-long or holds a NUL.
    pub fn row_id(&self, agent: &AgentId) -> Result<MessageId, BadId> {
        MessageId::parse(&self.id)?;
        MessageId::parse(&format!("{}:{agent}", self.id))
    }
}

/// The platform's id in the id of an agent's row; `None` when no platform named the row.
#[must_use]
pub fn platform_id<'r>(row: &'r MessageId, agent: &AgentId) -> Option<&'r str> {
    row.as_str().strip_suffix(agent.as_str())?.strip_suffix(':')
}
