//! Questions that agents ask people.
//!
//! Owns their life: written down before they are posted, answered once (a compare-and-set) by
//! whoever the gate lets, and the answer brought into the session as a row that wakes it. A
//! question waits without end and holds no container: one that stayed awake for an answer would
//! keep a place from others for days, and the answer wakes the session as any message does. A guest
//! that wants to stay keeps its claim, and then its container stays anyway.
//!
//! In a chat the next message that names an option (its number, label or value) answers the newest
//! open question there; `/answer …` answers one without options. Anything else is text for the
//! agent, as always.

use schemas::{
    content::Question,
    ids::{AgentId, MessageId, SessionId},
    message::Address,
};
use serde::{Deserialize, Serialize};

mod answer;
mod board;
pub mod choice;

pub use answer::{Said, answer, answer_here, record, tell_again};
pub use board::{Board, Open};

/// A question as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What is asked.
    #[serde(flatten)]
    pub question: Question,
    /// Where.
    pub address: Address,
}

/// A question's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionRecord {
    /// `<session>:<the guest's own id>`.
    pub id: String,
    /// Whose.
    pub agent: AgentId,
    /// The agent's name.
    pub agent_name: String,
    /// Of which session.
    pub session: SessionId,
    /// What was asked, and where.
    pub asked: Asked,
    /// When.
    pub asked_at: jiff::Timestamp,
    /// The answer.
    pub answer: Option<String>,
    /// Who gave it, for people.
    pub answered_by: Option<String>,
    /// The id of the row that brings it.
    pub answer_row: Option<MessageId>,
}
