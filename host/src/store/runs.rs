//! The ledger of runs: each gets exactly one outcome, by compare-and-set.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    admin::RunInfo,
    ids::{MessageId, RunId, SessionId},
    message::{Address, Outcome},
    time,
    usage::Usage,
};

use super::{LostPost, Store, at, at_opt, damaged, dead_letters, parsed, tasks, told};
use crate::{error::Result, limits};

/// A run with its outcome, as the host judged it.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledRun {
    /// The id that the guest minted, or ours where it named none.
    pub run: RunId,
    /// Its session.
    pub session: SessionId,
    /// The messages that it answers.
    pub messages: Vec<MessageId>,
    /// Which try of its first message it was; not stored.
    pub tries: i64,
    /// Where people are told of it; not stored.
    pub address: Option<Address>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when it did not complete.
    pub reason: Option<String>,
    /// What it used, as far as its guest says.
    pub used: Option<Usage>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl SettledRun {
    /// As people and programs are told of it.
    #[must_use]
    pub fn into_info(self) -> RunInfo {
        RunInfo {
            run_id: self.run,
            session_id: self.session,
            message_ids: self.messages,
            outcome: Some(self.outcome),
            reason: self.reason,
            used: self.used,
            started_at: self.started_at,
            ended_at: Some(self.ended_at),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// The run.
    pub run: RunId,
    /// How.
    pub outcome: Outcome,
    /// Why, when it did not complete.
    pub reason: Option<String>,
}

/// How many runs ended in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunCount {
    /// The way.
    pub outcome: Outcome,
    /// How many.
    pub runs: u64,
}

/// What the runs of a session used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// All of which something is known; its price is that of the runs that have one.
    pub used: Usage,
    /// Runs of which nobody knows what they cost.
    pub unknown: u64,
}

/// What is settled together.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Runs that have their outcome.
    pub runs: Vec<SettledRun>,
    /// Posts that were given up.
    pub lost: Vec<LostPost>,
    /// Posts that went out after all.
    pub mended: Vec<MessageId>,
}

impl Store {
    /// Settles runs, and keeps what was given up. Answers the runs as they stand in the ledger,
    /// those too that stood there before: a run is settled before its rows are folded, so one that
    /// comes again was never told of. The guest chose the ids: for messages that a settled run of
    /// that id does not name, ours takes its place, and another session's run is never touched.
    ///
    /// Runs on the caller's thread: it belongs to a session's blocking step.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn settle_here(&self, session: &SessionId, what: Settled) -> Result<Vec<SettledRun>> {
        self.call_here(|conn| {
            let tx = conn.transaction()?;
            let mut settled = Vec::with_capacity(what.runs.len());
            for run in what.runs {
                for run in placed(&tx, run)? {
                    settle(&tx, &run)?;
                    dead_letters::note_run(&tx, &run)?;
                    tasks::settled(&tx, &run)?;
                    told::settled(&tx, &run)?;
                    settled.push(run);
                }
            }
            dead_letters::note_posts(&tx, session, &what.lost, &what.mended)?;
            tx.commit()?;
            Ok(settled)
        })
    }

    /// How many runs of a session ended how.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count_runs(&self, session: SessionId) -> Result<Vec<RunCount>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT outcome, count(*) AS runs FROM runs \
                 WHERE session_id = ?1 AND outcome IS NOT NULL GROUP BY outcome",
            )?;
            let rows = select.query_map([session.as_str()], |row| {
                let runs: i64 = row.get("runs")?;
                Ok(RunCount {
                    outcome: parsed(row, "outcome", str::parse)?,
                    runs: u64::try_from(runs).unwrap_or(0),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// What the settled runs of a session used.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn spent(&self, session: SessionId) -> Result<Spent> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT usage FROM runs WHERE session_id = ?1 AND outcome IS NOT NULL",
            )?;
            let rows = select.query_map([session.as_str()], used)?;
            let none = Usage { cost_usd: Some(0.0), ..Usage::default() };
            let mut spent = Spent { used: none, unknown: 0 };
            for run in rows {
                let run = run?.unwrap_or_default();
                spent.unknown += u64::from(run.cost_usd.is_none());
                let known = Usage { cost_usd: run.cost_usd.or(Some(0.0)), ..run };
                spent.used = spent.used.plus(known);
            }
            Ok(spent)
        })
        .await
    }

    /// How rows ended of whose ends their session's file may know nothing, by their own runs: those
    /// that are given up have one of the host's, those that somebody cancelled perhaps a guest's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn ends_of(
        &self,
        session: SessionId,
        rows: Vec<(MessageId, RunId)>,
    ) -> Result<BTreeMap<MessageId, RunEnd>> {
        self.call(move |conn| {
            let mut ends = newest_cancelled(conn, &session)?;
            let mut select = conn.prepare_cached(
                "SELECT run_id, outcome, reason FROM runs \
                 WHERE run_id = ?1 AND outcome IS NOT NULL",
            )?;
            for (message, run) in rows {
                if let Some(end) = select.query_row([run.as_str()], run_end).optional()? {
                    ends.insert(message, end);
                }
            }
            Ok(ends)
        })
        .await
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

/// What was cancelled is never tried again, so its newest end is its last.
fn newest_cancelled(conn: &Connection, session: &SessionId) -> Result<BTreeMap<MessageId, RunEnd>> {
    let mut select = conn.prepare_cached(
        "SELECT * FROM (SELECT * FROM runs WHERE session_id = ?1 ORDER BY rowid DESC LIMIT ?2) \
         WHERE outcome = 'cancelled'",
    )?;
    let rows = select.query_map(params![session.as_str(), limits::ENDS_LOOKED_AT], |row| {
        let messages: Vec<MessageId> =
            parsed(row, "message_ids", |text| serde_json::from_str(text))?;
        Ok((messages, run_end(row)?))
    })?;
    let mut ends = BTreeMap::new();
    for row in rows {
        let (messages, end) = row?;
        ends.extend(messages.into_iter().map(|message| (message, end.clone())));
    }
    Ok(ends)
}

fn run_end(row: &Row<'_>) -> rusqlite::Result<RunEnd> {
    Ok(RunEnd {
        run: parsed(row, "run_id", RunId::parse)?,
        outcome: parsed(row, "outcome", str::parse)?,
        reason: row.get("reason")?,
    })
}

fn settle(tx: &Connection, run: &SettledRun) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO runs (run_id, session_id, message_ids, state, outcome, reason, started_at, \
         ended_at, usage) VALUES (?1, ?2, ?3, 'settled', ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (run_id) DO UPDATE SET state = 'settled', outcome = ?4, reason = ?5, \
         ended_at = ?7, usage = ?8 WHERE outcome IS NULL AND session_id = ?2",
    )?
    .execute(params![
        run.run.as_str(),
        run.session.as_str(),
        serde_json::to_string(&run.messages).map_err(damaged)?,
        run.outcome.as_str(),
        run.reason,
        time::format(run.started_at),
        time::format(run.ended_at),
        run.used.map(|used| serde_json::to_string(&used)).transpose().map_err(damaged)?,
    ])?;
    Ok(())
}

/// The run under its own id as far as that can hold its messages, and the rest under one of ours,
/// which is the same whenever it is made again.
fn placed(tx: &Connection, run: SettledRun) -> Result<Vec<SettledRun>> {
    let found: Option<(String, String)> = tx
        .prepare_cached("SELECT session_id, message_ids FROM runs WHERE run_id = ?1")?
        .query_row([run.run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((session, named)) = found else { return Ok(vec![run]) };
    let named: Vec<MessageId> = if session == run.session.as_str() {
        serde_json::from_str(&named).map_err(damaged)?
    } else {
        Vec::new()
    };
    let (inside, outside): (Vec<_>, Vec<_>) =
        run.messages.iter().cloned().partition(|id| named.contains(id));
    let mut runs = Vec::new();
    if let Some(first) = outside.first() {
        let own = RunId::of_try(&run.session, first, run.tries);
        // What it used stands once.
        let used = run.used.filter(|_| named.is_empty());
        runs.push(SettledRun { run: own, messages: outside, used, ..run.clone() });
    }
    if !inside.is_empty() {
        runs.push(SettledRun { messages: inside, ..run });
    }
    Ok(runs)
}

/// What stands there in words that nobody reads any more is not known.
fn used(row: &Row<'_>) -> rusqlite::Result<Option<Usage>> {
    let usage: Option<String> = row.get("usage")?;
    Ok(usage.as_deref().and_then(|usage| serde_json::from_str(usage).ok()))
}

pub(super) fn run_info(row: &Row<'_>) -> rusqlite::Result<RunInfo> {
    let outcome: Option<String> = row.get("outcome")?;
    Ok(RunInfo {
        run_id: parsed(row, "run_id", RunId::parse)?,
        session_id: parsed(row, "session_id", SessionId::parse)?,
        message_ids: parsed(row, "message_ids", |text| serde_json::from_str(text))?,
        outcome: outcome.as_deref().and_then(Outcome::parse),
        reason: row.get("reason")?,
        used: used(row)?,
        started_at: at(row, "started_at")?,
        ended_at: at_opt(row, "ended_at")?,
    })
}

#[cfg(test)]
mod tests {
    use schemas::{admin::NewAgent, ids::AgentId, policy::SessionMode};

    use super::*;
    use crate::store::NewSession;

    fn run(session: &SessionId, run: &RunId, messages: &[&str]) -> SettledRun {
        SettledRun {
            run: run.clone(),
            session: session.clone(),
            messages: messages.iter().map(|id| MessageId::parse(id).unwrap()).collect(),
            tries: 0,
            address: None,
            outcome: Outcome::Completed,
            reason: None,
            used: None,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn settle(store: &Store, run: SettledRun) -> Vec<SettledRun> {
        let session = run.session.clone();
        store.settle_here(&session, Settled { runs: vec![run], ..Settled::default() }).unwrap()
    }

    async fn session(store: &Store, agent: &AgentId, key: &str) -> SessionId {
        let new = NewSession {
            key: key.to_owned(),
            agent: agent.clone(),
            room: None,
            thread: None,
            mode: SessionMode::AgentShared,
        };
        store.session_for(new, Timestamp::UNIX_EPOCH).await.unwrap().id
    }

    #[tokio::test]
    async fn each_message_has_one_settled_run_however_often_and_under_whatever_id_it_is_settled() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("central.db")).unwrap();
        let new = NewAgent { session_mode: SessionMode::AgentShared, ..NewAgent::named("andy") };
        let agent = store.create_agent(new, Timestamp::UNIX_EPOCH).await.unwrap().id;
        let (ours, theirs) =
            (session(&store, &agent, "ours").await, session(&store, &agent, "theirs").await);
        let id = RunId::mint(Timestamp::UNIX_EPOCH);
        settle(&store, run(&ours, &id, &["a"]));
        // The rest of the batch was seen later, and after a crash all of it is seen again.
        for messages in [vec!["b"], vec!["a", "b"], vec!["a", "b"]] {
            let told = settle(&store, run(&ours, &id, &messages));
            let told: usize = told.iter().map(|run| run.messages.len()).sum();
            assert_eq!(told, messages.len());
        }
        // A guest that names another session's run gets one of its own.
        for _ in 0..2 {
            settle(&store, run(&theirs, &id, &["c"]));
        }
        let messages = async |session: &SessionId| -> Vec<String> {
            let runs = store.runs_of(session.clone(), 10).await.unwrap();
            let mut ids: Vec<String> =
                runs.iter().flat_map(|run| &run.message_ids).map(ToString::to_string).collect();
            ids.sort();
            ids
        };
        assert_eq!(messages(&ours).await, ["a", "b"]);
        assert_eq!(messages(&theirs).await, ["c"]);
    }
}
