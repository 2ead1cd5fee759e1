//! What the central database forgets, and when.
//!
//! Owns the bound of each table. What waits for somebody is never forgotten, however old it is.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use schemas::{ids::SessionId, time};

use super::{Store, parsed};
use crate::{error::Result, limits::upkeep as limits};

/// What goes of each table, oldest or not, and after how long. `?1` is the time before which, `?2`
/// how many at most.
const FORGOTTEN: [(SignedDuration, &str); 12] = [
    (
        limits::RUNS_KEPT,
        "DELETE FROM runs WHERE run_id IN (SELECT run_id FROM runs \
         WHERE outcome IS NOT NULL AND ended_at < ?1 LIMIT ?2)",
    ),
    (
        limits::RUNS_KEPT,
        "DELETE FROM task_runs WHERE (task_id, scheduled) IN (SELECT task_id, scheduled \
         FROM task_runs WHERE message IS NULL AND ended_at < ?1 LIMIT ?2)",
    ),
    (
        limits::AUDIT_KEPT,
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 LIMIT ?2)",
    ),
    (
        limits::DROPS_KEPT,
        "DELETE FROM drops WHERE last_seen < ?1 AND (channel_type, platform_id, sender_id, reason) \
         IN (SELECT channel_type, platform_id, sender_id, reason FROM drops \
         WHERE last_seen < ?1 LIMIT ?2)",
    ),
    (
        limits::AUDIT_KEPT,
        "DELETE FROM held_messages WHERE approval_id IN (SELECT id FROM approvals \
         WHERE status != 'pending' AND told_at < ?1 ORDER BY id LIMIT ?2)",
    ),
    (
        limits::AUDIT_KEPT,
        "DELETE FROM approvals WHERE id IN (SELECT id FROM approvals \
         WHERE status != 'pending' AND told_at < ?1 ORDER BY id LIMIT ?2)",
    ),
    (
        limits::AUDIT_KEPT,
        "DELETE FROM questions WHERE id IN (SELECT id FROM questions \
         WHERE answered_at IS NOT NULL AND told_at < ?1 LIMIT ?2)",
    ),
    (
        limits::DROPS_KEPT,
        "DELETE FROM failed_posts WHERE (session_id, message_id) IN (SELECT session_id, message_id \
         FROM failed_posts WHERE at < ?1 LIMIT ?2)",
    ),
    (
        limits::DROPS_KEPT,
        "DELETE FROM obeyed WHERE command IN (SELECT command FROM obeyed WHERE at < ?1 LIMIT ?2)",
    ),
    (
        limits::DROPS_KEPT,
        "DELETE FROM told WHERE (session_id, message_id, what) IN \
         (SELECT session_id, message_id, what FROM told WHERE at < ?1 LIMIT ?2)",
    ),
    (
        limits::DROPS_KEPT,
        "DELETE FROM untold_ends WHERE run_id IN (SELECT run_id FROM untold_ends \
         WHERE run_id NOT IN (SELECT run_id FROM runs) LIMIT ?2)",
    ),
    // The newest between two sessions is the way back between them, and stays.
    (
        limits::PEERS_KEPT,
        "DELETE FROM peer_messages WHERE id IN (SELECT old.id FROM peer_messages old \
         WHERE old.at < ?1 AND EXISTS (SELECT 1 FROM peer_messages newer \
         WHERE newer.to_session = old.to_session AND newer.from_session = old.from_session \
         AND newer.rowid > old.rowid) LIMIT ?2)",
    ),
];

impl Store {
    /// Deletes what is older than its bound, at most `most` rows of a table; answers how many of
    /// the table that lost most. `keep` is how many days agents keep that say nothing; `None` is
    /// all.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_old(&self, now: Timestamp, keep: Option<u32>, most: u32) -> Result<usize> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let mut largest = 0;
            for (kept, sql) in FORGOTTEN {
                let before = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
                largest = largest.max(tx.execute(sql, params![time::format(before), most])?);
            }
            largest = largest.max(runs_of_agents(&tx, (now, keep), most)?);
            tx.commit()?;
            Ok(largest)
        })
        .await
    }

    /// Sessions that hold something older than their agent keeps, each with the time before which.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn too_old(
        &self,
        now: Timestamp,
        keep: Option<u32>,
    ) -> Result<Vec<(SessionId, Timestamp)>> {
        self.call(move |conn| {
            let mut select = conn.prepare(
                "SELECT id FROM sessions WHERE agent_id = ?1 AND oldest_at < ?2 ORDER BY oldest_at",
            )?;
            let mut old = Vec::new();
            for (agent, days) in forgetful(conn, keep)? {
                let before = before(now, days);
                let rows = select.query_map(params![agent, time::format(before)], |row| {
                    parsed(row, "id", SessionId::parse)
                })?;
                for id in rows {
                    old.push((id?, before));
                }
            }
            Ok(old)
        })
        .await
    }

    /// Says when the oldest thing of a session was said that may be thrown away.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_oldest(&self, id: SessionId, oldest: Option<Timestamp>) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "UPDATE sessions SET oldest_at = ?2 WHERE id = ?1",
                params![id.as_str(), oldest.map(time::format)],
            )?;
            Ok(())
        })
        .await
    }

    /// Gives free pages back when they are more than half of the file.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn compact(&self) -> Result<()> {
        self.call(|conn| Ok(schemas::sqlite::copying::vacuum_if_sparse(conn)?)).await
    }
}

/// Runs of agents that keep less than all of them.
fn runs_of_agents(
    conn: &Connection,
    (now, keep): (Timestamp, Option<u32>),
    most: u32,
) -> Result<usize> {
    let mut largest = 0;
    for (agent, days) in forgetful(conn, keep)? {
        let gone = conn.execute(
            "DELETE FROM runs WHERE run_id IN (SELECT r.run_id FROM runs r JOIN sessions s \
             ON s.id = r.session_id WHERE s.agent_id = ?3 AND r.outcome IS NOT NULL \
             AND r.ended_at < ?1 LIMIT ?2)",
            params![time::format(before(now, days)), most, agent],
        )?;
        largest = largest.max(gone);
    }
    Ok(largest)
}

/// Agents that keep less than all, and how many days: by their own word, else by the install's.
fn forgetful(conn: &Connection, keep: Option<u32>) -> Result<Vec<(String, u32)>> {
    let mut select = conn.prepare(
        "SELECT id, coalesce(keep_days, ?1) AS days FROM agents WHERE coalesce(keep_days, ?1) > 0",
    )?;
    let rows = select.query_map([keep], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The time before which something is older than so many days.
fn before(now: Timestamp, days: u32) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use schemas::{admin::NewAgent, ids::MessageId, policy::SessionMode};

    use super::*;
    use crate::store::{NewSession, PeerMessage};

    #[tokio::test]
    async fn what_agents_wrote_to_each_other_is_forgotten_and_the_way_back_is_not() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("central.db")).unwrap();
        let day = |n: i64| Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap();
        let agent = store.create_agent(NewAgent::named("andy"), day(0)).await.unwrap().id;
        let mut sessions = Vec::new();
        for key in ["one", "two"] {
            let (key, agent, mode) = (key.to_owned(), agent.clone(), SessionMode::AgentShared);
            let new = NewSession { key, agent, room: None, thread: None, mode };
            sessions.push(store.session_for(new, day(0)).await.unwrap().id);
        }
        let id = |n: i64| MessageId::parse(&format!("m{n}")).unwrap();
        for n in 0..3 {
            let (from, to) = (sessions[0].clone(), sessions[1].clone());
            let message = PeerMessage { id: id(n), from, to, hops: 1 };
            store.keep_peer_message(message, day(n)).await.unwrap();
        }
        assert_eq!(store.forget_old(day(40), None, 100).await.unwrap(), 2);
        assert_eq!(store.peer_message(id(1)).await.unwrap(), None);
        assert_eq!(store.ways_back(sessions[1].clone()).await.unwrap().len(), 1);
    }
}
