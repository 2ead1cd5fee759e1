//! What is written down so that it can be explained later: drops and audit.

use jiff::Timestamp;
use rusqlite::params;
use schemas::{message::Address, time};

use super::Store;
use crate::error::Result;

impl Store {
    /// Counts a message that somebody did not get, once for each reason.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn record_drops(
        &self,
        address: Address,
        sender: String,
        reasons: Vec<&'static str>,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let mut count = tx.prepare_cached(
                "INSERT INTO drops (channel_type, platform_id, sender_id, reason, first_seen, \
                 last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5) \
                 ON CONFLICT DO UPDATE SET count = count + 1, last_seen = ?5",
            )?;
            for reason in reasons {
                count.execute(params![
                    address.channel_type,
                    address.platform_id,
                    sender,
                    reason,
                    time::format(now)
                ])?;
            }
            drop(count);
            Ok(tx.commit()?)
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
