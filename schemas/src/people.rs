//! What the host's socket says of people: who they are, what they may, what waits for their word.
//!
//! Owns the wire types of persons, roles, approvals and questions.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    content::Question,
    ids::{ApprovalId, PersonId, SessionId},
    policy::{ApprovalStatus, Role},
};

/// A person, with every name that platforms know them by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonInfo {
    /// Their id.
    pub id: PersonId,
    /// What people call them.
    pub name: String,
    /// `<channel>:<the platform's id>`, each.
    pub ids: Vec<String>,
    /// What they are.
    pub roles: Vec<RoleInfo>,
    /// Since when they are known.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// A role of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleInfo {
    /// Whose.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Which.
    pub role: Role,
    /// For which agent, by name; `None` is every agent.
    pub agent: Option<String>,
    /// Who gave it.
    pub granted_by: String,
    /// When.
    #[schemars(with = "String")]
    pub granted_at: Timestamp,
}

/// A sender about whom nobody wants to be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DenialInfo {
    /// Where, as `<channel>:<the platform's id>`.
    pub room: String,
    /// Who, as `<channel>:<the platform's id>`.
    pub sender: String,
    /// Who said no.
    pub denied_by: String,
    /// When.
    #[schemars(with = "String")]
    pub denied_at: Timestamp,
}

/// Something that waits, or waited, for a person's yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalInfo {
    /// Its id.
    pub id: ApprovalId,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// What it is about, in one line.
    pub title: String,
    /// The whole action, as it is carried out.
    pub action: Value,
    /// SHA-256 of the action as it is stored: who answers can name what was shown.
    pub digest: String,
    /// Who asked.
    pub requested_by: String,
    /// Messages that wait with it.
    pub held: u64,
    /// When it was asked.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Until when it can be answered.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// Who answered.
    pub decided_by: Option<String>,
    /// When.
    #[schemars(with = "Option<String>")]
    pub decided_at: Option<Timestamp>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What came of it.
    pub result: Option<String>,
}

/// A question of an agent's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionInfo {
    /// Its id: `<session>:<the agent's own id>`.
    pub id: String,
    /// Whose it is, by name.
    pub agent: String,
    /// Of which session.
    pub session: SessionId,
    /// What is asked.
    pub question: Question,
    /// When.
    #[schemars(with = "String")]
    pub asked_at: Timestamp,
    /// The value that was chosen, or the text.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<String>,
}
