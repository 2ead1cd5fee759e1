//! What people were told, and what is still to be told, whichever host does it.
//!
//! Owns two tables. What was said once about a message that is not over is written down after it
//! was said, and goes when its message is over. That a run did not go well is owed to its room from
//! the commit that settles it until it was said; a host that dies in between would rather have it
//! said twice than never.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use schemas::{
    admin::RunInfo,
    host_side::address,
    ids::{MessageId, RunId, SessionId},
    message::Address,
    time,
};

use super::{SettledRun, Store, parsed, runs::run_info};
use crate::error::Result;

/// What is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// That nothing is lost, though nobody answered yet.
    Waits,
    /// That its run goes on and on.
    TakesLong,
}

impl Told {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::TakesLong => "takes_long",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Waits, Self::TakesLong].into_iter().find(|told| told.as_str() == word)
    }
}

impl Store {
    /// What was said about the messages of a session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn told(&self, session: SessionId) -> Result<BTreeSet<(MessageId, Told)>> {
        self.call(move |conn| {
            let mut select =
                conn.prepare_cached("SELECT message_id, what FROM told WHERE session_id = ?1")?;
            let rows = select.query_map([session.as_str()], |row| {
                let what: String = row.get("what")?;
                Ok((parsed(row, "message_id", MessageId::parse)?, Told::parse(&what)))
            })?;
            let told = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(told.into_iter().filter_map(|(id, what)| Some((id, what?))).collect())
        })
        .await
    }

    /// Runs of a session that did not go well, and where nobody was told so yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn untold_ends(&self, session: SessionId) -> Result<Vec<(RunInfo, Option<Address>)>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT u.channel_type, u.platform_id, u.thread_id, r.* FROM untold_ends u \
                 JOIN runs r ON r.run_id = u.run_id WHERE u.session_id = ?1 ORDER BY r.rowid",
            )?;
            let rows = select
                .query_map([session.as_str()], |row| Ok((run_info(row)?, address(row, 0)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// A room was told how a run ended.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn end_told(&self, run: RunId) -> Result<()> {
        self.call(move |conn| {
            conn.prepare_cached("DELETE FROM untold_ends WHERE run_id = ?1")?
                .execute([run.as_str()])?;
            Ok(())
        })
        .await
    }

    /// This was said about these messages.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_told(
        &self,
        session: SessionId,
        messages: Vec<MessageId>,
        what: Told,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            for message in messages {
                tx.prepare_cached(
                    "INSERT OR IGNORE INTO told (session_id, message_id, what, at) \
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    session.as_str(),
                    message.as_str(),
                    what.as_str(),
                    time::format(now)
                ])?;
            }
            Ok(tx.commit()?)
        })
        .await
    }
}

/// Its messages are over; where they did not go well, their room is to be told so.
pub(super) fn settled(tx: &Connection, run: &SettledRun) -> Result<()> {
    if run.reason.is_some() {
        let at = run.address.as_ref();
        tx.prepare_cached("INSERT OR IGNORE INTO untold_ends VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                run.run.as_str(),
                run.session.as_str(),
                at.map(|at| &at.channel_type),
                at.map(|at| &at.platform_id),
                at.and_then(|at| at.thread_id.as_ref()),
            ])?;
    }
    let mut delete =
        tx.prepare_cached("DELETE FROM told WHERE session_id = ?1 AND message_id = ?2")?;
    for message in &run.messages {
        delete.execute([run.session.as_str(), message.as_str()])?;
    }
    Ok(())
}
