//! What a guest asks of the host besides talking: one closed enum.
//!
//! Owns the shape of an outbound `system` row's content. Whether an action is allowed, must wait
//! for a person or is refused is the host's decision; the answer comes back as an inbound
//! `action_response` that names `requestId`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Missed;

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
    /// Something to be done at a time, here or elsewhere.
    ScheduleTask {
        /// What is to be done.
        prompt: String,
        /// What it is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// When, once and how.
        #[serde(flatten)]
        how: Box<TaskHow>,
        /// Another room than this one, as `<channel>:<platform id>`; a person is asked then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// A thread of that room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<String>,
    },
    /// What is scheduled in this conversation.
    ListTasks {},
    /// Another prompt, time or script for a task of this conversation.
    UpdateTask {
        /// Its name or id.
        task: String,
        /// What is to be done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt: Option<String>,
        /// What changes of when and how.
        #[serde(flatten)]
        how: Box<TaskHow>,
    },
    /// Not before it is resumed.
    PauseTask {
        /// Its name or id.
        task: String,
    },
    /// From its next time on again.
    ResumeTask {
        /// Its name or id.
        task: String,
    },
    /// Never again.
    CancelTask {
        /// Its name or id.
        task: String,
    },
    /// One of the operator's commands, as its words.
    Admin {
        /// The words after `lazaret`.
        args: Vec<String>,
    },
}

/// When a task is done, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskHow {
    /// Once, then: a time, a date with a time, `08:00`, or `+20m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Again and again: a cron expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// The IANA name of the time zone that both are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What becomes of times that passed while the host was down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Runs before the model; its last line is `{"wakeAgent": bool, "data": any}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// More often than every 15 minutes, without a script, on purpose.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub often: bool,
}
