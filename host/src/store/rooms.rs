//! Rooms and wirings: which agents a place on a channel reaches.

use rusqlite::{Row, params};
use schemas::{
    ids::{AgentId, RoomId},
    message::Address,
    policy::SessionMode,
};

use super::{Store, parsed};
use crate::error::Result;

/// A wiring with what routing needs to know about its two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiringFact {
    /// The room.
    pub room: RoomId,
    /// The agent.
    pub agent: AgentId,
    /// The agent's name.
    pub agent_name: String,
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
    /// The wirings of a room, highest priority first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn wirings_at(&self, channel: String, platform: String) -> Result<Vec<WiringFact>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(&format!(
                "{FACTS} WHERE r.channel_type = ?1 AND r.platform_id = ?2 \
                 ORDER BY w.priority DESC, w.rowid"
            ))?;
            let rows = select.query_map(params![channel, platform], wiring_fact)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
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

const FACTS: &str = "SELECT w.room_id, w.agent_id, a.name AS agent_name, w.session_mode, \
                     w.trusted, w.is_primary, r.channel_type, r.platform_id FROM wirings w \
                     JOIN rooms r ON r.id = w.room_id JOIN agents a ON a.id = w.agent_id";

fn wiring_fact(row: &Row<'_>) -> rusqlite::Result<WiringFact> {
    Ok(WiringFact {
        room: parsed(row, "room_id", RoomId::parse)?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
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
