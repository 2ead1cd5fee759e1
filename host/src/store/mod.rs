//! The central database: who is wired to what, which sessions exist, how runs ended.
//!
//! Owns one connection behind a mutex. Every call runs on a blocking thread, so that a slow disk
//! never stops the loop. Session files are not touched from here.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use schemas::{central::MIGRATIONS, ids::InstallId, sqlite, time};

use crate::error::{ErrorKind, HostError, Result};

mod agent_changes;
mod agents;
mod approvals;
mod dead_letters;
mod erase;
mod examine;
mod glance;
mod log;
mod obeyed;
mod peers;
mod people;
mod questions;
mod retention;
mod roles;
mod rooms;
mod route;
mod rules;
mod runs;
mod sessions;
mod tasks;
mod told;
mod voices;

pub use agent_changes::AgentUses;
pub use agents::AgentRecord;
pub use approvals::{Answered, Asked, Turned};
pub use dead_letters::{DeadLetter, LostPost};
pub use erase::Forgotten;
pub use examine::{DeadRun, Health, SessionHealth};
pub use log::{AuditRow, Drop};
pub use peers::{PeerMessage, PeerStanding};
pub use roles::Claimed;
pub use rooms::{RoomFact, WiringFact};
pub use route::RouteFacts;
pub use rules::{Entry, Leads, NewEntry, NewRoom, Room, RoomUses, Rules, Wiring};
pub use runs::{RunCount, RunEnd, Settled, SettledRun, Spent};
pub use sessions::{NewSession, SessionRecord};
pub use tasks::{Came, Occurrence, Step, Task, Unwritten};
pub use told::Told;
pub use voices::Voice;

/// The central database.
#[derive(Debug, Clone)]
pub struct Store {
    conn: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens, creates and migrates the file.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or is newer than this program.
    pub fn open(path: &Path) -> Result<Self> {
        sqlite::check_library()?;
        let conn = sqlite::open_central(path, MIGRATIONS)
            .map_err(|e| e.doing("open the central database"))?;
        Ok(Self { conn: Arc::new(Mutex::new(conn)) })
    }

    /// This installation's id, made at the first start.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn install_id(&self, now: Timestamp) -> Result<InstallId> {
        self.call(move |conn| {
            let found: Option<String> = conn
                .query_row("SELECT value FROM meta WHERE key = 'install'", [], |row| row.get(0))
                .optional()?;
            if let Some(id) = found {
                return InstallId::parse(&id).map_err(damaged);
            }
            let id = InstallId::mint(now);
            conn.execute("INSERT INTO meta (key, value) VALUES ('install', ?1)", [id.as_str()])?;
            Ok(id)
        })
        .await
    }

    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.call_here(work)).await.map_err(|e| {
            HostError::new(ErrorKind::Internal, "a database call broke off").because(e)
        })?
    }

    /// The same for code that is on a blocking thread already.
    pub(crate) fn call_here<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        // A panic inside a call rolled its transaction back; the connection is still good.
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut conn)
    }
}

/// What `SQLite` says of the central database becomes an error with a hint.
impl From<rusqlite::Error> for HostError {
    fn from(error: rusqlite::Error) -> Self {
        let error = sqlite::StoreError::from(error);
        error.doing("use the central database").into()
    }
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> HostError {
    HostError::new(ErrorKind::Storage, "the central database holds an unreadable value")
        .because(error)
        .hint("restore it from a backup")
}

/// Reads a text column through a parser whose failure is damage.
fn parsed<T, E>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> rusqlite::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(column)?;
    parse(&text).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e))
    })
}

fn at(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    parsed(row, column, str::parse::<Timestamp>)
}

fn at_opt(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<String>>(column)?.as_deref().and_then(time::parse))
}
