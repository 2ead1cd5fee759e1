//! Who wrote to whom among agents.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use schemas::{
    ids::{AgentId, MessageId, SessionId},
    message::{Address, PEER_CHANNEL},
    time,
};

use super::{Store, parsed};
use crate::error::Result;

/// A message between agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerMessage {
    /// The row in the session that got it.
    pub id: MessageId,
    /// Who wrote it.
    pub from: SessionId,
    /// Who got it.
    pub to: SessionId,
    /// How often the thought was handed on.
    pub hops: u32,
}

/// What is to be known before a session writes once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStanding {
    /// The hops of the message that it answers, when an agent wrote that.
    pub answers: Option<u32>,
    /// Whether it answers any message.
    pub names_a_message: bool,
    /// The most hops of what agents wrote to it of late.
    pub latest: Option<u32>,
    /// How much it wrote of late.
    pub sent: usize,
}

impl Store {
    /// A message that was let through before.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn peer_message(&self, id: MessageId) -> Result<Option<PeerMessage>> {
        self.call(move |conn| {
            let found = conn
                .prepare_cached("SELECT * FROM peer_messages WHERE id = ?1")?
                .query_row([id.as_str()], |row| {
                    Ok(PeerMessage {
                        id: parsed(row, "id", MessageId::parse)?,
                        from: parsed(row, "from_session", SessionId::parse)?,
                        to: parsed(row, "to_session", SessionId::parse)?,
                        hops: row.get("hops")?,
                    })
                })
                .optional()?;
            Ok(found)
        })
        .await
    }

    /// Writes down that a message goes to a session.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn keep_peer_message(&self, message: PeerMessage, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "INSERT OR IGNORE INTO peer_messages (id, from_session, to_session, hops, at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    message.id.as_str(),
                    message.from.as_str(),
                    message.to.as_str(),
                    message.hops,
                    time::format(now)
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// What bounds a session that would write to another agent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn peer_standing(
        &self,
        session: SessionId,
        answered: Option<MessageId>,
        since: Timestamp,
    ) -> Result<PeerStanding> {
        self.call(move |conn| {
            let since = time::format(since);
            let id = answered.as_ref().map(MessageId::as_str);
            let answers = conn
                .prepare_cached("SELECT hops FROM peer_messages WHERE id = ?1 AND to_session = ?2")?
                .query_row(params![id, session.as_str()], |row| row.get(0))
                .optional()?;
            let latest = conn
                .prepare_cached(
                    "SELECT max(hops) FROM peer_messages WHERE to_session = ?1 AND at >= ?2",
                )?
                .query_row(params![session.as_str(), since], |row| row.get(0))?;
            let sent: i64 = conn
                .prepare_cached(
                    "SELECT count(*) FROM peer_messages WHERE from_session = ?1 AND at >= ?2",
                )?
                .query_row(params![session.as_str(), since], |row| row.get(0))?;
            Ok(PeerStanding {
                answers,
                names_a_message: answered.is_some(),
                latest,
                sent: usize::try_from(sent).unwrap_or(usize::MAX),
            })
        })
        .await
    }

    /// The ways back of a session: the sessions of other agents that wrote to it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn ways_back(&self, session: SessionId) -> Result<Vec<Address>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT DISTINCT p.from_session, s.agent_id FROM peer_messages p \
                 JOIN sessions s ON s.id = p.from_session WHERE p.to_session = ?1",
            )?;
            let rows = select.query_map([session.as_str()], |row| {
                Ok(Address {
                    channel_type: PEER_CHANNEL.to_owned(),
                    platform_id: parsed(row, "agent_id", AgentId::parse)?.to_string(),
                    thread_id: Some(row.get("from_session")?),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
