//! Occurrences: what came of each time that a task was to be done.

use jiff::Timestamp;
use rusqlite::{Row, params};
use schemas::{
    ids::{RunId, SessionId, TaskId},
    policy::Occurred,
    time,
};
use serde::{Deserialize, Serialize};

use super::super::{Store, at, at_opt, parsed};
use crate::error::Result;

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// When it was to be.
    pub scheduled: Timestamp,
    /// In which session.
    pub session: Option<SessionId>,
    /// When its row stood in the session's mailbox.
    pub written_at: Option<Timestamp>,
    /// The run that it was worked on in.
    pub run: Option<RunId>,
    /// When that began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// What came of it; `None` while it is open.
    pub outcome: Option<Occurred>,
    /// Why, when it was not done.
    pub reason: Option<String>,
    /// What its run cost, where that is known.
    pub cost_usd: Option<f64>,
}

/// An occurrence whose row may not stand in its session's mailbox yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unwritten {
    /// The task.
    pub task: TaskId,
    /// When it was to be.
    pub scheduled: Timestamp,
    /// Where it is to be written.
    pub session: SessionId,
    /// What is to be written, as JSON.
    pub message: String,
}

impl Store {
    /// The newest occurrences of a task, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn task_log(&self, id: TaskId, limit: u32) -> Result<Vec<Occurrence>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT o.*, json_extract(r.usage, '$.cost_usd') AS cost_usd FROM task_runs o \
                 LEFT JOIN runs r ON r.run_id = o.run_id \
                 WHERE o.task_id = ?1 ORDER BY o.scheduled DESC LIMIT ?2",
            )?;
            let rows = select.query_map(params![id.as_str(), limit], occurrence)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Occurrences that were decided on, and whose rows may not stand yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unwritten(&self) -> Result<Vec<Unwritten>> {
        self.call(|conn| {
            let mut select = conn.prepare_cached(
                "SELECT task_id, scheduled, session_id, message FROM task_runs \
                 WHERE message IS NOT NULL ORDER BY scheduled, task_id",
            )?;
            let rows = select.query_map([], |row| {
                Ok(Unwritten {
                    task: parsed(row, "task_id", TaskId::parse)?,
                    scheduled: at(row, "scheduled")?,
                    session: parsed(row, "session_id", SessionId::parse)?,
                    message: row.get("message")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Says that the row of an occurrence stands in its session's mailbox.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn written(&self, one: Unwritten, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            conn.prepare_cached(
                "UPDATE task_runs SET message = NULL, written_at = ?3 \
                 WHERE task_id = ?1 AND scheduled = ?2",
            )?
            .execute(params![
                one.task.as_str(),
                time::format(one.scheduled),
                time::format(now)
            ])?;
            Ok(())
        })
        .await
    }
}

fn occurrence(row: &Row<'_>) -> rusqlite::Result<Occurrence> {
    let word: Option<String> = row.get("outcome")?;
    let session: Option<String> = row.get("session_id")?;
    let run: Option<String> = row.get("run_id")?;
    Ok(Occurrence {
        scheduled: at(row, "scheduled")?,
        session: session.as_deref().and_then(|id| SessionId::parse(id).ok()),
        written_at: at_opt(row, "written_at")?,
        run: run.as_deref().and_then(|id| RunId::parse(id).ok()),
        started_at: at_opt(row, "started_at")?,
        ended_at: at_opt(row, "ended_at")?,
        outcome: word.as_deref().and_then(Occurred::parse),
        reason: row.get("reason")?,
        cost_usd: row.get("cost_usd")?,
    })
}
