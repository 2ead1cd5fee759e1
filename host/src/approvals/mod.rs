//! What waits for a person's yes or no.
//!
//! Owns the closed list of what can wait ([`PendingAction`]) and the life of an approval: asked
//! (`ask`), reminded and expired (`look`), answered (`answer`), carried out and told (`carry`). The
//! row is written before anybody is told. It holds the whole action as JSON, and what is carried
//! out is that text and nothing else; its digest says what was shown. A yes is a compare-and-set,
//! so it counts once, and the gate is asked again when it is carried out: what the asker may no
//! longer ask for, or the approver may no longer do, is not done.

use std::collections::BTreeMap;

use schemas::ids::{AgentId, RoomId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{admin, engine::base_image::hex};

mod ask;
pub mod life;

mod answer;
mod carry;
pub mod hold;
mod look;

mod record;
mod turns;

pub use answer::{Answer, Choice, answer};
pub use ask::ask;
pub use look::look;
pub(crate) use look::look_again;
pub use record::{Approval, AskedIn, Held, NewApproval};
pub use turns::Turns;

/// What can wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PendingAction {
    /// Somebody spoke to us in a room that no agent is wired to.
    ConnectRoom(Room),
    /// Somebody whom nobody knows spoke in a room that asks about strangers.
    AdmitSender {
        /// Where.
        room: Room,
        /// The agents that they spoke to.
        agents: Vec<Named>,
    },
    /// Some of the operator's commands, asked for by an agent.
    Commands {
        /// The agent.
        asker: Named,
        /// What is done, in this order.
        commands: Vec<admin::Command>,
        /// The same for people.
        words: Vec<String>,
    },
    /// Packages in an agent's image.
    InstallPackages {
        /// The agent.
        agent: Named,
        /// Debian packages.
        apt: Vec<String>,
        /// npm packages.
        npm: Vec<String>,
        /// Why, in the agent's words.
        reason: Option<String>,
    },
    /// Another tool server inside an agent's container.
    AddMcpServer {
        /// The agent.
        agent: Named,
        /// The server's name.
        name: String,
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment.
        env: BTreeMap<String, String>,
    },
}

/// A room as the question about it shows it, with who spoke there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Which.
    pub id: RoomId,
    /// Its channel.
    pub channel: String,
    /// The platform's id of it.
    pub platform_id: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether more than one person is there.
    pub is_group: bool,
    /// Whether its messages come in threads.
    pub threaded: bool,
    /// Who spoke, as `<channel>:<the platform's id>`.
    pub sender: String,
    /// Their name, in their own words.
    pub sender_name: Option<String>,
}

/// An agent as a question shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Which.
    pub id: AgentId,
    /// Its name at that time.
    pub name: String,
}

impl PendingAction {
    /// The text that is stored, shown, hashed and carried out. What was not said does not stand in
    /// it: read again, it is not said either.
    #[must_use]
    pub fn as_json(&self) -> String {
        // Serialising these types cannot fail: their maps have text keys only.
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        without_nulls(&mut whole);
        whole.to_string()
    }
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(without_nulls);
    } else if let Value::Array(all) = value {
        all.iter_mut().for_each(without_nulls);
    }
}

/// What an answer names to say what was shown.
#[must_use]
pub fn digest(action: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(action))
}
