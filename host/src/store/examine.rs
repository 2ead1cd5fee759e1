//! What `lazaret doctor` asks of the central database, and what a restore marks in it.

use rusqlite::{Connection, params};
use schemas::{
    ids::{AgentId, InstallId, SessionId},
    sqlite::copying::{path_of, quick_check},
};
use serde::{Deserialize, Serialize};

use super::{Store, parsed};
use crate::error::{ErrorKind, HostError, Result};

/// A session, as far as its health is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionHealth {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub agent: AgentId,
    /// Why it was set aside.
    pub set_aside: Option<String>,
    /// Whether nothing of it must be looked at after a crash.
    pub clean: bool,
}

/// A run that began and has no end, though nobody is at work on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadRun {
    /// The run, or the task that was to be done.
    pub what: String,
    /// The session.
    pub session: SessionId,
    /// When it began, or was to.
    pub since: String,
}

/// What the central database says of itself and of what lies beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What `SQLite` finds wrong with the file.
    pub wrong: Vec<String>,
    /// This installation.
    pub install: Option<InstallId>,
    /// Every session that there is, archived ones too.
    pub sessions: Vec<SessionHealth>,
    /// The folders of all agents.
    pub folders: Vec<String>,
    /// Runs that failed, of all that are kept.
    pub failed_runs: u64,
    /// Posts that were given up.
    pub failed_posts: u64,
    /// Runs without an end in sessions that sleep and wait for nothing.
    #[serde(default)]
    pub dead_runs: Vec<DeadRun>,
    /// When something last happened, as the clock said then.
    pub last_active: Option<String>,
}

impl Store {
    /// How the database is, and what it knows of sessions and agents.
    ///
    /// # Errors
    /// When the database cannot be read at all.
    pub async fn health(&self, complaints: u32) -> Result<Health> {
        let path = self.call(|conn| Ok(path_of(conn))).await?;
        // By a connection of its own: a long check must not hold up who settles a run.
        let check = move || quick_check(&path, complaints);
        let wrong = tokio::task::spawn_blocking(check).await.map_err(|error| {
            HostError::new(ErrorKind::Internal, "a check broke off").because(error)
        })??;
        self.call(move |conn| {
            let one = |sql: &str| -> Result<u64> {
                let found: i64 = conn.query_row(sql, [], |row| row.get(0))?;
                Ok(u64::try_from(found).unwrap_or(0))
            };
            let text = |sql: &str| -> rusqlite::Result<Option<String>> {
                conn.query_row(sql, [], |row| row.get(0))
            };
            let install = text("SELECT max(value) FROM meta WHERE key = 'install'")?;
            let mut select = conn.prepare("SELECT id, agent_id, set_aside, clean FROM sessions")?;
            let sessions = select.query_map([], |row| {
                Ok(SessionHealth {
                    id: parsed(row, "id", SessionId::parse)?,
                    agent: parsed(row, "agent_id", AgentId::parse)?,
                    set_aside: row.get("set_aside")?,
                    clean: row.get("clean")?,
                })
            })?;
            let sessions = sessions.collect::<rusqlite::Result<_>>()?;
            let mut select = conn.prepare("SELECT folder FROM agents ORDER BY folder")?;
            let folders = select.query_map([], |row| row.get(0))?;
            Ok(Health {
                wrong,
                install: install.and_then(|id| InstallId::parse(&id).ok()),
                sessions,
                folders: folders.collect::<rusqlite::Result<_>>()?,
                failed_runs: one("SELECT count(*) FROM runs WHERE outcome = 'failed'")?,
                failed_posts: one("SELECT count(*) FROM failed_posts")?,
                dead_runs: dead_runs(conn)?,
                last_active: text("SELECT max(last_active) FROM sessions")?,
            })
        })
        .await
    }

    /// Marks every session for the next host to look at; answers how many there are.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark_all_awake(&self) -> Result<usize> {
        self.call(|conn| Ok(conn.execute("UPDATE sessions SET clean = 0", [])?)).await
    }

    /// Makes this database another installation's: containers of the one that it was belong to
    /// that one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn become_install(&self, id: InstallId) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "INSERT INTO meta (key, value) VALUES ('install', ?1) \
                 ON CONFLICT (key) DO UPDATE SET value = ?1",
                params![id.as_str()],
            )?;
            Ok(())
        })
        .await
    }
}

/// A session that is clean has no container and no open row, and one without a due time is looked
/// at by nobody until somebody speaks.
fn dead_runs(conn: &Connection) -> Result<Vec<DeadRun>> {
    let mut select = conn.prepare(
        "SELECT open.* FROM (SELECT run_id AS what, session_id, started_at AS since FROM runs \
         WHERE outcome IS NULL UNION ALL SELECT task_id, session_id, scheduled FROM task_runs \
         WHERE outcome IS NULL AND message IS NULL) open JOIN sessions s ON s.id = open.session_id \
         WHERE s.clean = 1 AND s.id NOT IN (SELECT session_id FROM due) ORDER BY since",
    )?;
    let rows = select.query_map([], |row| {
        Ok(DeadRun {
            what: row.get("what")?,
            session: parsed(row, "session_id", SessionId::parse)?,
            since: row.get("since")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
