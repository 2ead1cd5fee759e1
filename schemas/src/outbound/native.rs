//! The providers' own conversations: by which id each of them knows this session.
//!
//! Owns `agent_sessions`, with its history: an id that was superseded stays, with the reason. The
//! ids are the guest's business alone; nobody outside learns one.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::write::OutboundTx;
use crate::{sqlite::StoreError, time};

/// It can be gone on with.
const READY: &str = "ready";
/// It is gone, or was given up.
const VOID: &str = "void";

impl OutboundTx<'_> {
    /// The conversation of a provider that was last worked on and can be gone on with.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn native_session(&self, provider: &str) -> Result<Option<String>, StoreError> {
        let mut select = self.tx.prepare_cached(
            "SELECT native_id FROM agent_sessions WHERE provider = ?1 AND status = ?2 \
             ORDER BY last_active_at DESC, rowid DESC LIMIT 1",
        )?;
        let found = select.query_row([provider, READY], |row| row.get(0));
        Ok(found.optional()?)
    }

    /// A provider works on this conversation now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_native_session(
        &self,
        provider: &str,
        model: Option<&str>,
        id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "INSERT INTO agent_sessions (provider, model, native_id, status, created_at, \
                 last_active_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5) \
                 ON CONFLICT (provider, native_id) DO UPDATE SET model = ?2, status = ?4, \
                 reason = NULL, last_active_at = ?5",
            )?
            .execute(params![provider, model, id, READY, time::format(now)])?;
        Ok(())
    }

    /// A conversation cannot be gone on with any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn void_native_session(
        &self,
        provider: &str,
        id: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "UPDATE agent_sessions SET status = ?3, reason = ?4 \
                 WHERE provider = ?1 AND native_id = ?2",
            )?
            .execute([provider, id, VOID, reason])?;
        Ok(())
    }
}
