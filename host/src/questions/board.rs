//! The questions that wait, by the place where they were asked.
//!
//! Owns what a message is compared with before it is routed, so that a message in a room without
//! questions costs no look-up. The rows are the truth; this is read from them at the start.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use schemas::{content::Question, ids::AgentId, message::Address};

use super::{QuestionRecord, choice::said_in_chat};

/// A question that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub agent: AgentId,
    /// What is asked.
    pub question: Question,
}

/// All that wait.
#[derive(Debug, Default)]
pub struct Board {
    // A std mutex: held for a map look-up, never across an await.
    open: Mutex<HashMap<Address, Vec<Open>>>,
}

impl Board {
    /// Puts a question up.
    pub fn put(&self, record: QuestionRecord) {
        let open = Open { id: record.id, agent: record.agent, question: record.asked.question };
        let mut board = self.open();
        let here = board.entry(record.asked.address).or_default();
        here.retain(|known| known.id != open.id);
        here.push(open);
    }

    /// Takes one down.
    pub fn take(&self, id: &str) {
        let mut board = self.open();
        for here in board.values_mut() {
            here.retain(|open| open.id != id);
        }
        board.retain(|_, here| !here.is_empty());
    }

    /// The newest question at a place that a message answers, and with what.
    #[must_use]
    pub fn answered_by(&self, address: &Address, text: &str) -> Option<(Open, String)> {
        let board = self.open();
        let here = board.get(address)?;
        here.iter()
            .rev()
            .find_map(|open| said_in_chat(&open.question, text).map(|value| (open.clone(), value)))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Address, Vec<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
