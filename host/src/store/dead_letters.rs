//! What was given up, both ways, until it is tried again.
//!
//! Owns the two lists. They are written in the step that settles, before the session's own file: a
//! crash in between writes the same lines once more. A line goes once its message is tried again
//! or went through after all.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use schemas::{
    ids::{AgentId, MessageId, SessionId},
    message::Outcome,
    time,
};
use serde::{Deserialize, Serialize};

use super::{SettledRun, Store, at, obeyed, parsed};
use crate::{error::Result, limits::channel::DEAD_KEPT};

/// A post that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostPost {
    /// The guest's row.
    pub message: MessageId,
    /// Its number; 0 when that is not known any more.
    pub seq: i64,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The message.
    pub id: MessageId,
    /// Its session.
    pub session: SessionId,
    /// Its agent.
    pub agent: AgentId,
    /// The agent's name.
    pub agent_name: String,
    /// Whether it came in, and was not answered; else it was not delivered.
    pub came_in: bool,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The number of what was to be posted; 0 for what came in.
    pub seq: i64,
    /// The run that ended over it; none for what was to be posted.
    pub run: Option<String>,
}

/// What somebody can still do something about. Of an archived conversation nothing can be.
pub(super) const OPEN: &str = "(SELECT session_id FROM failed_posts \
     UNION ALL SELECT session_id FROM failed_messages) AS dead \
     JOIN sessions ON sessions.id = dead.session_id WHERE sessions.status = 'active'";

const LIST: &str = "SELECT dead.*, agents.id AS agent_id, agents.name AS agent_name FROM (\
     SELECT session_id, message_id, seq, NULL AS run_id, reason, at FROM failed_posts \
     UNION ALL SELECT session_id, message_id, 0, run_id, reason, at FROM failed_messages) AS dead \
     JOIN sessions ON sessions.id = dead.session_id JOIN agents ON agents.id = sessions.agent_id";

impl Store {
    /// What was given up, newest first: of one session, or of all that are not archived.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn dead_letters(
        &self,
        session: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>> {
        let which = if session.is_some() { "dead.session_id = ?1" } else { OF_ALL };
        let sql = format!("{LIST} WHERE {which} ORDER BY dead.at DESC, message_id LIMIT ?2");
        self.call(move |conn| {
            let mut select = conn.prepare(&sql)?;
            let session = session.as_ref().map(SessionId::as_str);
            let rows = select.query_map(params![session, limit], dead_letter)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Those whose id begins so, archived or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn dead_letters_named(&self, beginning: String) -> Result<Vec<DeadLetter>> {
        let sql = format!("{LIST} WHERE substr(message_id, 1, length(?1)) = ?1 LIMIT 100");
        self.call(move |conn| {
            let mut select = conn.prepare(&sql)?;
            let rows = select.query_map([beginning], dead_letter)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// It is tried again, or never was given up: its line goes. With the last one that a command
    /// is about, it was obeyed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_dead_letter(
        &self,
        session: SessionId,
        message: MessageId,
        of: Option<(String, Timestamp)>,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            for table in ["failed_posts", "failed_messages"] {
                forget(&tx, table, &session, &message)?;
            }
            if let Some((command, now)) = of {
                obeyed::note(&tx, &command, now)?;
            }
            Ok(tx.commit()?)
        })
        .await
    }
}

const OF_ALL: &str = "sessions.status = 'active' AND ?1 IS NULL";

/// Notes what a settled run means for its messages.
pub(super) fn note_run(tx: &Connection, run: &SettledRun) -> Result<()> {
    match run.outcome {
        Outcome::Failed | Outcome::Interrupted => {
            for message in &run.messages {
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO failed_messages \
                     (session_id, message_id, run_id, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    run.session.as_str(),
                    message.as_str(),
                    run.run.as_str(),
                    run.reason,
                    time::format(run.ended_at),
                ])?;
            }
            bound(tx, "failed_messages", &run.session)
        }
        Outcome::Completed | Outcome::Cancelled => {
            // A first try has no line.
            for message in run.messages.iter().filter(|_| run.tries > 0) {
                forget(tx, "failed_messages", &run.session, message)?;
            }
            Ok(())
        }
    }
}

/// Notes posts that were given up, and those that went out after all.
pub(super) fn note_posts(
    tx: &Connection,
    session: &SessionId,
    lost: &[LostPost],
    mended: &[MessageId],
) -> Result<()> {
    for post in lost {
        tx.prepare_cached(
            "INSERT OR REPLACE INTO failed_posts (session_id, message_id, seq, reason, at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            session.as_str(),
            post.message.as_str(),
            post.seq,
            post.reason,
            time::format(post.at),
        ])?;
    }
    for message in mended {
        forget(tx, "failed_posts", session, message)?;
    }
    if lost.is_empty() { Ok(()) } else { bound(tx, "failed_posts", session) }
}

fn forget(conn: &Connection, table: &str, session: &SessionId, message: &MessageId) -> Result<()> {
    let sql = format!("DELETE FROM {table} WHERE session_id = ?1 AND message_id = ?2");
    conn.prepare_cached(&sql)?.execute([session.as_str(), message.as_str()])?;
    Ok(())
}

/// A guest can make posts fail as fast as it writes them.
fn bound(tx: &Connection, table: &str, session: &SessionId) -> Result<()> {
    let sql = format!(
        "DELETE FROM {table} WHERE session_id = ?1 AND at < (SELECT at FROM {table} \
         WHERE session_id = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)"
    );
    tx.prepare_cached(&sql)?.execute(params![session.as_str(), DEAD_KEPT - 1])?;
    Ok(())
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let run: Option<String> = row.get("run_id")?;
    let reason: Option<String> = row.get("reason")?;
    Ok(DeadLetter {
        id: parsed(row, "message_id", MessageId::parse)?,
        session: parsed(row, "session_id", SessionId::parse)?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
        came_in: run.is_some(),
        at: at(row, "at")?,
        reason: reason.unwrap_or_default(),
        seq: row.get("seq")?,
        run,
    })
}
