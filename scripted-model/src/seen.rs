//! What the server was asked so far.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most requests that are remembered; the oldest go first.
const REMEMBERED: usize = 10_000;

/// Whose way of asking it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's Chat Completions.
    Chat,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Whose way of asking it was.
    pub api: Api,
    /// The script and its name, as they stood in the URL.
    pub script: String,
    /// Which request of its script it was, from 1; 0 for one beside the main line.
    pub nth: usize,
    /// The key it came with, or nothing.
    pub key: Option<String>,
    /// The whole body.
    pub body: Value,
    /// What was wrong about it.
    pub wrong: Vec<String>,
}

/// The memory of a server.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    asked: HashMap<String, usize>,
}

impl Memory {
    /// The next number of a script.
    pub(crate) fn next(&self, script: &str) -> usize {
        let mut state = self.state();
        let count = state.asked.entry(script.to_owned()).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn remember(&self, one: Seen) {
        let mut state = self.state();
        if state.seen.len() == REMEMBERED {
            state.seen.remove(0);
        }
        state.seen.push(one);
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
