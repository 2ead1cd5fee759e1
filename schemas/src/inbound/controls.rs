//! What the host asks of a guest that is at work, as rows of `controls`.
//!
//! Owns the words, and how the host remembers what it asked for.

use jiff::Timestamp;
use rusqlite::params;

use super::InboundTx;
use crate::{message::column_words, sqlite::StoreError, time};

column_words!(
    /// What the host asks of a guest that is at work.
    Control {
        /// End the run.
        Abort = "abort",
        /// End the provider.
        Close = "close",
        /// Push text into the live turn.
        Steer = "steer",
        /// Read the configuration again.
        Reload = "reload",
    }
);

/// Why the host asks, as far as it must know later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// A person gave this command.
    Command(String),
    /// A reason of the host's own.
    Host(&'static str),
}

impl InboundTx<'_> {
    /// Asks something of the guest, now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn control(
        &self,
        what: Control,
        because: &Because,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let args = match because {
            Because::Command(id) => serde_json::json!({"command": id}),
            Because::Host(why) => serde_json::json!({"why": why}),
        };
        self.tx.execute(
            "INSERT INTO controls (kind, args, created_at) VALUES (?1, ?2, ?3)",
            params![what.as_str(), args.to_string(), time::format(now)],
        )?;
        Ok(self.tx.last_insert_rowid())
    }

    /// Whether a command was passed on to the guest before.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn passed_on(&self, command: &str) -> Result<bool, StoreError> {
        let mut select = self.tx.prepare(
            "SELECT 1 FROM controls WHERE args IS NOT NULL AND json_extract(args, '$.command') = ?1",
        )?;
        Ok(select.exists([command])?)
    }

    /// When somebody last wanted the run at work to end, for no reason of the host's own.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn asked_to_stop(&self) -> Result<Option<Timestamp>, StoreError> {
        // An older host wrote nothing for a person's wish.
        let last: Option<String> = self.tx.query_row(
            "SELECT max(created_at) FROM controls WHERE kind = 'abort' \
             AND (args IS NULL OR json_extract(args, '$.why') IS NULL)",
            [],
            |row| row.get(0),
        )?;
        Ok(last.as_deref().and_then(time::parse))
    }
}
