//! What is written down so that it can be explained later: drops and audit.

use jiff::Timestamp;
use rusqlite::params;
use schemas::{message::Address, time};

use super::Store;
use crate::error::Result;

impl Store {
    /// Counts a message that no agent got.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn record_drop(
        &self,
        address: Address,
        sender: String,
        reason: &'static str,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "INSERT INTO drops (channel_type, platform_id, sender_id, reason, first_seen, \
                 last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5) \
                 ON CONFLICT DO UPDATE SET count = count + 1, last_seen = ?5",
                params![
                    address.channel_type,
                    address.platform_id,
                    sender,
                    reason,
                    time::format(now)
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down a decision that is not plain chatter.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn audit(
        &self,
        who: String,
        what: &'static str,
        on_what: String,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "INSERT INTO audit (at, who, what, on_what) VALUES (?1, ?2, ?3, ?4)",
                params![time::format(now), who, what, on_what],
            )?;
            Ok(())
        })
        .await
    }
}
