//! What people were told once about messages that are not over: the next host need not say it.
//!
//! Owns the table. A line is written after it was said, and goes when its message is over.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use schemas::{
    ids::{MessageId, SessionId},
    time,
};

use super::{SettledRun, Store, parsed};
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

/// Its messages are over.
pub(super) fn settled(tx: &Connection, run: &SettledRun) -> Result<()> {
    let mut delete =
        tx.prepare_cached("DELETE FROM told WHERE session_id = ?1 AND message_id = ?2")?;
    for message in &run.messages {
        delete.execute([run.session.as_str(), message.as_str()])?;
    }
    Ok(())
}
