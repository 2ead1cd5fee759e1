//! The ledger of runs: each gets exactly one outcome, by compare-and-set.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use schemas::{
    admin::RunInfo,
    ids::{MessageId, RunId, SessionId},
    message::{Address, Outcome},
    time,
};

use super::{Store, at, at_opt, damaged, parsed};
use crate::error::Result;

/// A run with its outcome, as the host judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledRun {
    /// The id that the guest minted, or ours where it named none.
    pub run: RunId,
    /// Its session.
    pub session: SessionId,
    /// The messages that it answers.
    pub messages: Vec<MessageId>,
    /// Where people are told of it; not stored.
    pub address: Option<Address>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when it did not complete.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Store {
    /// Settles runs, and answers those that were not settled before. The guest chose the ids: one
    /// that names another session's run is never touched, and ours takes its place.
    ///
    /// Runs on the caller's thread: it belongs to a session's blocking step.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn settle_runs_here(&self, runs: Vec<SettledRun>) -> Result<Vec<SettledRun>> {
        self.call_here(|conn| {
            let tx = conn.transaction()?;
            let mut settled = Vec::with_capacity(runs.len());
            for mut run in runs {
                if is_of_another_session(&tx, &run)? {
                    run.run = RunId::mint(run.ended_at);
                }
                if settle(&tx, &run)? {
                    settled.push(run);
                }
            }
            tx.commit()?;
            Ok(settled)
        })
    }

    /// The newest runs of a session, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runs_of(&self, session: SessionId, limit: u32) -> Result<Vec<RunInfo>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT * FROM runs WHERE session_id = ?1 ORDER BY rowid DESC LIMIT ?2",
            )?;
            let rows = select.query_map(params![session.as_str(), limit], run_info)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn settle(tx: &Connection, run: &SettledRun) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "INSERT INTO runs (run_id, session_id, message_ids, state, outcome, reason, \
             started_at, ended_at) VALUES (?1, ?2, ?3, 'settled', ?4, ?5, ?6, ?7) \
             ON CONFLICT (run_id) DO UPDATE SET state = 'settled', outcome = ?4, reason = ?5, \
             ended_at = ?7 WHERE outcome IS NULL AND session_id = ?2",
        )?
        .execute(params![
            run.run.as_str(),
            run.session.as_str(),
            serde_json::to_string(&run.messages).map_err(damaged)?,
            run.outcome.as_str(),
            run.reason,
            time::format(run.started_at),
            time::format(run.ended_at),
        ])?;
    Ok(changed == 1)
}

fn is_of_another_session(tx: &Connection, run: &SettledRun) -> Result<bool> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM runs WHERE run_id = ?1 AND session_id <> ?2")?
        .exists(params![run.run.as_str(), run.session.as_str()])?)
}

fn run_info(row: &Row<'_>) -> rusqlite::Result<RunInfo> {
    let outcome: Option<String> = row.get("outcome")?;
    Ok(RunInfo {
        run_id: parsed(row, "run_id", RunId::parse)?,
        session_id: parsed(row, "session_id", SessionId::parse)?,
        message_ids: parsed(row, "message_ids", |text| serde_json::from_str(text))?,
        outcome: outcome.as_deref().and_then(Outcome::parse),
        reason: row.get("reason")?,
        started_at: at(row, "started_at")?,
        ended_at: at_opt(row, "ended_at")?,
    })
}
