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

impl InboundTx<'_> {
    /// Asks something of the guest, now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn control(&self, what: Control, now: Timestamp) -> Result<i64, StoreError> {
        self.control_because(what, None, now)
    }

    /// The same with what the host itself wants to remember of its reason.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn control_because(
        &self,
        what: Control,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let args = why.map(|why| serde_json::json!({"why": why}).to_string());
        self.tx.execute(
            "INSERT INTO controls (kind, args, created_at) VALUES (?1, ?2, ?3)",
            params![what.as_str(), args, time::format(now)],
        )?;
        Ok(self.tx.last_insert_rowid())
    }

    /// When somebody last wanted the run at work to end, for no reason of the host's own.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn asked_to_stop(&self) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<String> = self.tx.query_row(
            "SELECT max(created_at) FROM controls WHERE kind = 'abort' AND args IS NULL",
            [],
            |row| row.get(0),
        )?;
        Ok(last.as_deref().and_then(time::parse))
    }
}
