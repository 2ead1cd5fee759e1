//! Commands of chats that were obeyed: a platform may repeat one, and a host may die in between.
//!
//! Owns the table. A command that changes something here stands there by the commit that does it;
//! of the others it is written down once they are done, before whoever brought them is answered.
//! Of a `/stop` it is the session's file that knows.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use schemas::time;

use super::Store;
use crate::error::Result;

impl Store {
    /// Whether a command was obeyed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn was_obeyed(&self, command: String) -> Result<bool> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached("SELECT 1 FROM obeyed WHERE command = ?1")?;
            Ok(select.exists([command])?)
        })
        .await
    }

    /// A command was obeyed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_obeyed(&self, command: String, now: Timestamp) -> Result<()> {
        self.call(move |conn| note(conn, &command, now)).await
    }
}

/// The same beside what it does.
pub(super) fn note(conn: &Connection, command: &str, now: Timestamp) -> Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO obeyed (command, at) VALUES (?1, ?2)")?
        .execute(params![command, time::format(now)])?;
    Ok(())
}
