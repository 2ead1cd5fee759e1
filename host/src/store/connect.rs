//! What an answer about a room changes: it is wired, or nobody is asked about it again.

use jiff::Timestamp;
use rusqlite::params;
use schemas::{
    ids::{AgentId, RoomId, WiringId},
    policy::{EngageMode, SessionMode},
    time,
};

use super::Store;
use crate::{approvals::Room, error::Result};

impl Store {
    /// Wires a room to an agent as suits the kind of room; doing it twice changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written, or the room or agent is gone.
    pub async fn connect_room(&self, room: Room, agent: AgentId, now: Timestamp) -> Result<()> {
        let (mode, engage) = defaults(&room);
        self.call(move |conn| {
            conn.execute(
                "INSERT INTO wirings (id, room_id, agent_id, session_mode, engage_mode, \
                 created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                params![
                    WiringId::mint(now).as_str(),
                    room.id.as_str(),
                    agent.as_str(),
                    mode.as_str(),
                    engage.as_str(),
                    time::format(now)
                ],
            )?;
            conn.execute("UPDATE rooms SET denied_at = NULL WHERE id = ?1", [room.id.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Remembers that nobody wants to be asked about a room again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn deny_room(&self, room: RoomId, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "UPDATE rooms SET denied_at = ?2 WHERE id = ?1 AND denied_at IS NULL",
                params![room.as_str(), time::format(now)],
            )?;
            Ok(())
        })
        .await
    }
}

/// Who writes directly means the agent; in a group it waits until it is meant.
fn defaults(room: &Room) -> (SessionMode, EngageMode) {
    match (room.is_group, room.threaded) {
        (false, _) => (SessionMode::Shared, EngageMode::Pattern),
        (true, false) => (SessionMode::Shared, EngageMode::Mention),
        (true, true) => (SessionMode::PerThread, EngageMode::Mention),
    }
}
