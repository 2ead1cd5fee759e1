//! `in/session.json`: what a guest must know before it reads its first row.
//!
//! Owns the shape, and the one way to replace the file (by rename, so that a reader sees the old
//! or the new one, never a half).

use std::{fs, io, io::Write, os::unix::fs::PermissionsExt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CONTRACT_VERSION,
    ids::{AgentId, SessionId},
    policy::{AfterSideEffects, ChainEntry},
    session_dir::SessionDir,
};

/// The content of `session.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionFile {
    /// Version of the contract that the host speaks.
    pub contract: u32,
    /// This session.
    pub session: SessionId,
    /// Whose session it is.
    pub agent: AgentId,
    /// The agent's name for people.
    pub agent_name: String,
    /// What answers: `echo`, later others.
    pub provider: String,
    /// Most triggers in one turn.
    pub max_messages_per_prompt: u32,
    /// IANA name; how times are shown to the agent.
    pub time_zone: String,
    /// What the model is told about itself, where it is and whom it can reach.
    #[serde(default)]
    pub system_prompt: String,
    /// Which model; `None` leaves it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who is asked when the first cannot answer, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<ChainEntry>,
    /// Whether another provider goes on with a turn whose tools have acted.
    #[serde(default)]
    pub after_side_effects: AfterSideEffects,
    /// Where it works, inside the container; `None` is the session's own folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
    /// The routes to models that the host has, by name; none where the provider needs none.
    #[serde(default)]
    pub models: Vec<String>,
}

impl SessionFile {
    /// What holds where nothing was said: one message a turn at most, and one provider.
    #[must_use]
    pub fn new(session: SessionId, agent: AgentId, provider: &str) -> Self {
        Self {
            contract: CONTRACT_VERSION,
            session,
            agent,
            agent_name: String::new(),
            provider: provider.to_owned(),
            max_messages_per_prompt: 1,
            time_zone: "UTC".to_owned(),
            system_prompt: String::new(),
            model: None,
            fallbacks: Vec::new(),
            after_side_effects: AfterSideEffects::default(),
            work_dir: None,
            models: Vec::new(),
        }
    }

    /// Who is asked, first choice first. The model that the session chose is the first one's alone.
    #[must_use]
    pub fn chain(&self) -> Vec<ChainEntry> {
        let first = ChainEntry { provider: self.provider.clone(), model: self.model.clone() };
        std::iter::once(first).chain(self.fallbacks.iter().cloned()).collect()
    }

    /// Writes the file beside its place and renames it over.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, dir: &SessionDir) -> io::Result<()> {
        let path = dir.session_json();
        let fresh = path.with_extension("json.new");
        let mut file = fs::File::create(&fresh)?;
        // The guest reads under another uid, and no umask may take that away.
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it is not there, or not of this shape.
    pub fn load(dir: &SessionDir) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(dir.session_json())?)?)
    }
}
