//! The guest's own key-value: what it must know again after its death.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::write::OutboundTx;
use crate::{sqlite::StoreError, time};

impl OutboundTx<'_> {
    /// What stands under a key.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn state(&self, key: &str) -> Result<Option<String>, StoreError> {
        let mut select =
            self.tx.prepare_cached("SELECT value FROM session_state WHERE key = ?1")?;
        let found: Option<Option<String>> = select.query_row([key], |row| row.get(0)).optional()?;
        Ok(found.flatten())
    }

    /// Puts a value under a key, or takes it away.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_state(
        &self,
        key: &str,
        value: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(value) = value else {
            self.tx.prepare_cached("DELETE FROM session_state WHERE key = ?1")?.execute([key])?;
            return Ok(());
        };
        self.tx
            .prepare_cached(
                "INSERT INTO session_state (key, value, updated_at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (key) DO UPDATE SET value = ?2, updated_at = ?3",
            )?
            .execute(params![key, value, time::format(now)])?;
        Ok(())
    }
}
