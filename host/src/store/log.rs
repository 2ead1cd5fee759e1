//! What is written down so that it can be explained later: drops and audit.

use jiff::Timestamp;
use rusqlite::params;
use schemas::{message::Address, time};
use serde::{Deserialize, Serialize};

use super::{Store, at};
use crate::error::Result;

/// Messages that no agent got, of one sender in one place for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drop {
    /// `<channel>:<platform id>`.
    pub place: String,
    /// Who said it.
    pub sender: String,
    /// Why nobody got it.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// The first of them.
    pub first_seen: Timestamp,
    /// The last of them.
    pub last_seen: Timestamp,
}

/// A decision that was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who wanted it.
    pub who: String,
    /// What became of it.
    pub what: String,
    /// What it was about.
    pub on_what: String,
    /// More about it.
    pub detail: Option<String>,
}

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

    /// The same for what may come often: what stands there since a time is not written again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn audit_once(
        &self,
        (who, what): (String, &'static str),
        on_what: String,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "INSERT INTO audit (at, who, what, on_what) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS \
                 (SELECT 1 FROM audit WHERE at >= ?5 AND who = ?2 AND what = ?3 AND on_what = ?4)",
                params![time::format(now), who, what, on_what, time::format(since)],
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

    /// What was dropped since a time, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn drops(&self, since: Timestamp, limit: u32) -> Result<Vec<Drop>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT *, channel_type || ':' || platform_id AS place FROM drops \
                 WHERE last_seen >= ?1 ORDER BY last_seen DESC LIMIT ?2",
            )?;
            let rows = select.query_map(params![time::format(since), limit], |row| {
                Ok(Drop {
                    place: row.get("place")?,
                    sender: row.get("sender_id")?,
                    reason: row.get("reason")?,
                    count: row.get("count")?,
                    first_seen: at(row, "first_seen")?,
                    last_seen: at(row, "last_seen")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// The newest decisions, newest first; those whose words hold a text, when one is given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn audited(&self, about: Option<String>, limit: u32) -> Result<Vec<AuditRow>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT * FROM audit WHERE ?1 IS NULL OR instr(who, ?1) OR instr(on_what, ?1) \
                 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = select.query_map(params![about, limit], |row| {
                Ok(AuditRow {
                    at: at(row, "at")?,
                    who: row.get("who")?,
                    what: row.get("what")?,
                    on_what: row.get("on_what")?,
                    detail: row.get("detail")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
