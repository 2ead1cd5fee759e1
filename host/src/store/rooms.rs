//! Rooms and wirings: which agents a place on a channel reaches.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, RoomId},
    message::Address,
    policy::{EngageMode, IgnoredPolicy, SenderScope, SessionMode, UnknownSenderPolicy},
    time,
};

use super::{Store, parsed};
use crate::error::Result;

/// A room with what routing needs to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomFact {
    /// Its id.
    pub id: RoomId,
    /// What becomes of strangers' messages.
    pub unknown_senders: UnknownSenderPolicy,
    /// Whether a person said that it is to stay unconnected.
    pub denied: bool,
}

/// A wiring with what routing needs to know about its two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiringFact {
    /// The room.
    pub room: RoomId,
    /// The agent.
    pub agent: AgentId,
    /// The agent's name.
    pub agent_name: String,
    /// Agents of a room are asked in the order of this, highest first.
    pub priority: i64,
    /// When the agent engages.
    pub engage: EngageMode,
    /// The regular expression of [`EngageMode::Pattern`]; `None` is always.
    pub pattern: Option<String>,
    /// Whose messages it hears.
    pub senders: SenderScope,
    /// What becomes of messages that it does not engage over.
    pub ignored: IgnoredPolicy,
    /// Which session a message belongs to.
    pub mode: SessionMode,
    /// Whether sessions of this wiring may change the agent's folder.
    pub trusted: bool,
    /// Channel and room, as an address without a thread.
    pub place: Address,
    /// Whether text without an origin goes to this room.
    pub primary: bool,
}

impl Store {
    /// Writes down a room that somebody addressed us in; an owner or admin is to say who listens.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn meet_room(
        &self,
        place: Address,
        name: Option<String>,
        is_group: bool,
        now: Timestamp,
    ) -> Result<RoomId> {
        self.call(move |conn| {
            conn.prepare_cached(
                "INSERT INTO rooms (id, channel_type, platform_id, name, created_at, is_group, \
                 unknown_sender_policy) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'request_approval') \
                 ON CONFLICT (channel_type, platform_id) DO NOTHING",
            )?
            .execute(params![
                RoomId::mint(now).as_str(),
                place.channel_type,
                place.platform_id,
                name,
                time::format(now),
                is_group,
            ])?;
            let id = conn
                .prepare_cached(
                    "SELECT id FROM rooms WHERE channel_type = ?1 AND platform_id = ?2",
                )?
                .query_row(params![place.channel_type, place.platform_id], |row| {
                    parsed(row, "id", RoomId::parse)
                })?;
            Ok(id)
        })
        .await
    }

    /// The wirings of an agent, the primary one first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn wirings_of(&self, agent: AgentId) -> Result<Vec<WiringFact>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(&format!(
                "{FACTS} WHERE w.agent_id = ?1 ORDER BY w.is_primary DESC, w.rowid"
            ))?;
            let rows = select.query_map([agent.as_str()], wiring_fact)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// A room by its place.
pub(super) fn room_at(
    conn: &Connection,
    channel: &str,
    platform: &str,
) -> rusqlite::Result<Option<RoomFact>> {
    conn.prepare_cached(
        "SELECT id, unknown_sender_policy, denied_at IS NOT NULL AS denied FROM rooms \
         WHERE channel_type = ?1 AND platform_id = ?2",
    )?
    .query_row([channel, platform], |row| {
        Ok(RoomFact {
            id: parsed(row, "id", RoomId::parse)?,
            unknown_senders: parsed(row, "unknown_sender_policy", str::parse)?,
            denied: row.get("denied")?,
        })
    })
    .optional()
}

/// The wirings of a room, highest priority first.
pub(super) fn wirings_of_room(
    conn: &Connection,
    room: &RoomId,
) -> rusqlite::Result<Vec<WiringFact>> {
    conn.prepare_cached(&format!("{FACTS} WHERE w.room_id = ?1 ORDER BY w.priority DESC, w.rowid"))?
        .query_map([room.as_str()], wiring_fact)?
        .collect()
}

const FACTS: &str = "SELECT w.room_id, w.agent_id, a.name AS agent_name, w.priority, \
                     w.engage_mode, w.engage_pattern, w.sender_scope, w.ignored_message_policy, \
                     w.session_mode, w.trusted, w.is_primary, r.channel_type, r.platform_id \
                     FROM wirings w JOIN rooms r ON r.id = w.room_id \
                     JOIN agents a ON a.id = w.agent_id";

fn wiring_fact(row: &Row<'_>) -> rusqlite::Result<WiringFact> {
    Ok(WiringFact {
        room: parsed(row, "room_id", RoomId::parse)?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
        priority: row.get("priority")?,
        engage: parsed(row, "engage_mode", str::parse)?,
        pattern: row.get("engage_pattern")?,
        senders: parsed(row, "sender_scope", str::parse)?,
        ignored: parsed(row, "ignored_message_policy", str::parse)?,
        mode: parsed(row, "session_mode", str::parse)?,
        trusted: row.get("trusted")?,
        place: Address {
            channel_type: row.get("channel_type")?,
            platform_id: row.get("platform_id")?,
            thread_id: None,
        },
        primary: row.get("is_primary")?,
    })
}
