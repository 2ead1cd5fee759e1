//! What the host's socket speaks: the JSON bodies of its HTTP interface.
//!
//! Owns the wire types of the operator's and the terminal's requests. Routes are in the host's
//! gateway; every client (the CLI, later a web page) uses these types and no others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    content::Attachment,
    ids::{AgentId, MessageId, RunId, SessionId},
    message::Outcome,
    policy::{AfterSideEffects, ChainEntry, CliScope, SessionMode},
    usage::Usage,
};

/// `POST /v1/agents`: a new agent, with a room of its own at the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// What people call it; unique.
    pub name: String,
    /// What answers.
    #[serde(default = "echo")]
    pub provider: String,
    /// Image reference; `None` is the built-in one.
    #[serde(default)]
    pub image: Option<String>,
    /// Memory cap in bytes; `None` is the default.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// CPU cap in thousandths of one; `None` is the default.
    #[serde(default)]
    pub milli_cpus: Option<u32>,
    /// Cap on processes; `None` is the default.
    #[serde(default)]
    pub pids: Option<u32>,
    /// Cap on its containers at once; `None` is none of its own.
    #[serde(default)]
    pub max_containers: Option<u32>,
    /// Days that what was said is kept; 0 is for ever, `None` the install's word.
    #[serde(default)]
    pub keep_days: Option<u32>,
    /// Bytes that the folders of one session may hold; `None` is the install's word.
    #[serde(default)]
    pub disk_bytes: Option<u64>,
    /// Which session a message at its terminal room belongs to.
    #[serde(default)]
    pub session_mode: SessionMode,
    /// Whether the terminal room may change the agent's own folder.
    #[serde(default)]
    pub trusted: bool,
    /// What the model is told about itself.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The model; `None` is the provider's own choice.
    #[serde(default)]
    pub model: Option<String>,
    /// Who is asked when the first provider cannot answer, in order.
    #[serde(default)]
    pub fallbacks: Vec<ChainEntry>,
    /// What becomes of a turn whose provider failed after tools had acted.
    #[serde(default)]
    pub after_side_effects: AfterSideEffects,
    /// The folder inside the container where it works; `None` is `/workspace/work`.
    #[serde(default)]
    pub work_dir: Option<String>,
    /// How much of the operator's commands it may use.
    #[serde(default)]
    pub cli_scope: CliScope,
    /// An agent that may write to it from the beginning, by its name.
    #[serde(default)]
    pub reachable_from: Option<AgentId>,
}

impl NewAgent {
    /// An agent with nothing special about it.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            provider: echo(),
            image: None,
            memory_bytes: None,
            milli_cpus: None,
            pids: None,
            max_containers: None,
            keep_days: None,
            disk_bytes: None,
            session_mode: SessionMode::default(),
            trusted: false,
            prompt: None,
            model: None,
            fallbacks: Vec::new(),
            after_side_effects: AfterSideEffects::default(),
            work_dir: None,
            cli_scope: CliScope::default(),
            reachable_from: None,
        }
    }
}

fn echo() -> String {
    "echo".to_owned()
}

/// An agent as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// What people call it.
    pub name: String,
    /// Its folder below `agents/` in the home.
    pub folder: String,
    /// What answers.
    pub provider: String,
    /// Image reference; `None` is the built-in one.
    pub image: Option<String>,
    /// Memory cap in bytes.
    pub memory_bytes: u64,
    /// CPU cap in thousandths of one.
    pub milli_cpus: u32,
    /// Cap on processes.
    pub pids: u32,
    /// Cap on its containers at once; `None` is none of its own.
    pub max_containers: Option<u32>,
    /// Days that what was said is kept; 0 is for ever, `None` the install's word.
    pub keep_days: Option<u32>,
    /// Bytes that the folders of one session may hold; `None` is the install's word.
    pub disk_bytes: Option<u64>,
    /// What the model is told about itself.
    pub prompt: Option<String>,
    /// The model; `None` is the provider's own choice.
    pub model: Option<String>,
    /// Who is asked when the first provider cannot answer, in order.
    #[serde(default)]
    pub fallbacks: Vec<ChainEntry>,
    /// What becomes of a turn whose provider failed after tools had acted.
    #[serde(default)]
    pub after_side_effects: AfterSideEffects,
    /// The folder inside the container where it works; `None` is `/workspace/work`.
    pub work_dir: Option<String>,
    /// How much of the operator's commands it may use.
    pub cli_scope: CliScope,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// `POST /v1/agents/{agent}/messages`: a person at the terminal says something.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SendMessage {
    /// What is said.
    pub text: String,
    /// Files with their bytes in base64.
    pub attachments: Vec<Attachment>,
    /// A thread of the room; matters to `per-thread` wirings.
    pub thread: Option<String>,
    /// The sender's idempotency key: the same key and body are one message.
    pub client_id: Option<String>,
}

/// The answer to [`SendMessage`], given once the message is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The row's id.
    pub message_id: MessageId,
    /// Its session.
    pub session_id: SessionId,
    /// Its number; absent when an old message was repeated whose row has moved on.
    pub seq: Option<i64>,
    /// Whether this message was known already.
    pub replayed: bool,
    /// Attachments that did not arrive, each with the reason; the rest of the message did.
    pub refused_attachments: Vec<String>,
}

/// Events of `GET /v1/agents/{agent}/stream` (server-sent events, one JSON object each).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomEvent {
    /// The agent said something; also sent for what was missed, in order, before what is new.
    Message(RoomMessage),
    /// The agent began or ended work.
    Typing {
        /// Its session.
        session_id: SessionId,
        /// Whether it works now.
        on: bool,
    },
    /// A run takes long, and goes on; said once for each run.
    RunTakesLong {
        /// Its session.
        session_id: SessionId,
        /// The run, where the agent has named it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run_id: Option<RunId>,
        /// The messages that it answers.
        message_ids: Vec<MessageId>,
        /// For how long it has gone on.
        minutes: u64,
    },
    /// A run got its one outcome.
    RunFinished {
        /// Its session.
        session_id: SessionId,
        /// The run.
        run_id: RunId,
        /// The messages that it answered.
        message_ids: Vec<MessageId>,
        /// How it ended.
        outcome: Outcome,
        /// Why, when it did not complete; safe for people.
        reason: Option<String>,
    },
    /// All that was missed has been sent; sent once, and only to who asked for what it missed.
    CaughtUp,
    /// The host says something about the session, or to whoever operates it.
    Notice {
        /// The session that it is about, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<SessionId>,
        /// For people.
        text: String,
    },
}

/// Something that an agent said in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMessage {
    /// Its session.
    pub session_id: SessionId,
    /// The outbound row.
    pub message_id: MessageId,
    /// Its number: the cursor for `after`.
    pub seq: i64,
    /// The message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// The thread of the room.
    pub thread: Option<String>,
    /// What it says.
    pub text: String,
    /// Files to fetch at `/v1/sessions/{session}/files/{message}/{name}`.
    pub files: Vec<String>,
}

/// `GET /v1/sessions`: one line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Whose session it is.
    pub agent: String,
    /// Channel and room, when it belongs to one.
    pub room: Option<String>,
    /// The thread, in `per-thread` mode.
    pub thread: Option<String>,
    /// The lifecycle's state: `asleep`, `starting`, `awake`, …
    pub state: String,
    /// Why it is set aside, when it is.
    pub notice: Option<String>,
    /// When something last happened.
    #[schemars(with = "Option<String>")]
    pub last_active: Option<Timestamp>,
}

/// `GET /v1/runs?session=…`: one settled or open run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The run.
    pub run_id: RunId,
    /// Its session.
    pub session_id: SessionId,
    /// The messages that it answers.
    pub message_ids: Vec<MessageId>,
    /// How it ended; `None` while it is open.
    pub outcome: Option<Outcome>,
    /// Why, when it did not complete.
    pub reason: Option<String>,
    /// What it used, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Usage>,
    /// When it began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
}

/// `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Its home.
    pub home: String,
    /// The engine's name and version, or why it cannot be reached.
    pub engine: String,
    /// Whether the engine answers.
    pub engine_ok: bool,
    /// What a person can do about an engine that cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_hint: Option<String>,
    /// Number of agents.
    pub agents: u64,
    /// Number of sessions that are not archived.
    pub sessions: u64,
    /// Number of sessions with a live container.
    pub awake: u64,
    /// What waits for somebody, and what went wrong lately.
    #[serde(default)]
    pub waiting: Waiting,
}

/// The part of [`Status`] that somebody may have to do something about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Waiting {
    /// Sessions by the lifecycle's state.
    pub states: BTreeMap<String, u64>,
    /// Approvals that nobody answered yet.
    pub approvals: u64,
    /// Questions of agents' that nobody answered yet.
    pub questions: u64,
    /// Sessions whose agent broke the contract.
    pub set_aside: u64,
    /// Messages that no agent got, of senders who were heard in the last day.
    pub dropped: u64,
    /// Runs that failed in the last day.
    pub failed_runs: u64,
    /// Messages, both ways, that were given up and not tried again.
    pub given_up: u64,
    /// Sessions whose folders hold nearly as much as they may.
    pub large: u64,
    /// Free bytes on the home's disk, when they are few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_disk: Option<u64>,
    /// Whether somebody owns the host.
    pub owned: bool,
}

/// The answer to one of the operator's commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminAnswer {
    /// For machines.
    pub data: serde_json::Value,
    /// For people.
    pub text: String,
}

/// The body of every answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A short stable word, such as `not_found`.
    pub code: String,
    /// What happened, for people; one fragment, then its causes.
    pub message: String,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
