//! What a guest asks of the host besides talking: one closed enum.
//!
//! Owns the shape of an outbound `system` row's content. Whether an action is allowed, must wait
//! for a person or is refused is the host's decision; the answer comes back as an inbound
//! `action_response` that names `requestId`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An action with the guest's own id for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionRequest {
    /// Names the request in its answer; the row's id where the guest gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What is asked for.
    #[serde(flatten)]
    pub action: Action,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Action {
    /// A new agent, which the asker may send to.
    CreateAgent {
        /// Its name.
        name: String,
        /// What it is told about itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt: Option<String>,
    },
    /// Packages in the agent's image.
    InstallPackages {
        /// Debian packages.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        apt: Vec<String>,
        /// npm packages.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        npm: Vec<String>,
        /// Why, for the person who decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Another tool server inside the agent's container.
    AddMcpServer {
        /// Its name.
        name: String,
        /// The program.
        command: String,
        /// Its arguments.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        args: Vec<String>,
        /// Its environment.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
    },
    /// Another name in the agent's address book.
    RequestDestination {
        /// The name that the agent will use.
        name: String,
        /// A room, as `<channel>:<platform id>`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// Or an agent, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// Why, for the person who decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// One of the operator's commands, as its words.
    Admin {
        /// The words after `lazaret`.
        args: Vec<String>,
    },
}
