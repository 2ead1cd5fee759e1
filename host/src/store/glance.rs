//! What an operator wants to know at a glance, in one read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use schemas::{admin::Waiting, time};

use super::{Store, dead_letters};
use crate::error::Result;

impl Store {
    /// What waits for somebody, and what went wrong since a time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn waiting(&self, since: Timestamp) -> Result<Waiting> {
        self.call(move |conn| {
            let since = time::format(since);
            Ok(Waiting {
                approvals: count(conn, "approvals WHERE status = 'pending'")?,
                questions: count(conn, "questions WHERE answered_at IS NULL")?,
                set_aside: count(
                    conn,
                    "sessions WHERE set_aside IS NOT NULL AND status = 'active'",
                )?,
                dropped: since_then(
                    conn,
                    "coalesce(sum(count), 0) FROM drops WHERE last_seen",
                    &since,
                )?,
                failed_runs: since_then(
                    conn,
                    "count(*) FROM runs WHERE outcome = 'failed' AND ended_at",
                    &since,
                )?,
                given_up: count(conn, dead_letters::OPEN)?,
                owned: count(conn, "roles WHERE role = 'owner'")? > 0,
                large: 0,
                low_disk: None,
                states: BTreeMap::new(),
            })
        })
        .await
    }
}

fn count(conn: &Connection, what: &str) -> Result<u64> {
    let mut select = conn.prepare_cached(&format!("SELECT count(*) FROM {what}"))?;
    let found: i64 = select.query_row([], |row| row.get(0))?;
    Ok(u64::try_from(found).unwrap_or(0))
}

/// A row of drops counts all of its time; one that was last seen before is none of today's.
fn since_then(conn: &Connection, what: &str, since: &str) -> Result<u64> {
    let mut select = conn.prepare_cached(&format!("SELECT {what} >= ?1"))?;
    let found: i64 = select.query_row([since], |row| row.get(0))?;
    Ok(u64::try_from(found).unwrap_or(0))
}
