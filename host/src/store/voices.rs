//! What an agent is told in each of its rooms, and how it works there.

use rusqlite::Row;
use schemas::{
    ids::{AgentId, RoomId},
    message::Address,
};

use super::{Store, parsed};
use crate::error::Result;

/// How an agent is to speak in a room; what is `None` is left to the agent's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// The room.
    pub room: RoomId,
    /// Channel and room.
    pub place: Address,
    /// What people call the room.
    pub name: Option<String>,
    /// What it is told about itself.
    pub prompt: Option<String>,
    /// Which model answers.
    pub model: Option<String>,
    /// Where it works, inside the container.
    pub work_dir: Option<String>,
    /// What it is told about the room, besides.
    pub instructions: Option<String>,
}

impl Store {
    /// The voices of an agent, the primary room's first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn voices_of(&self, agent: AgentId) -> Result<Vec<Voice>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT w.room_id, r.channel_type, r.platform_id, r.name, w.prompt, w.model, \
                 w.work_dir, w.instructions FROM wirings w JOIN rooms r ON r.id = w.room_id \
                 WHERE w.agent_id = ?1 ORDER BY w.is_primary DESC, w.rowid",
            )?;
            let rows = select.query_map([agent.as_str()], voice)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn voice(row: &Row<'_>) -> rusqlite::Result<Voice> {
    Ok(Voice {
        room: parsed(row, "room_id", RoomId::parse)?,
        place: Address {
            channel_type: row.get("channel_type")?,
            platform_id: row.get("platform_id")?,
            thread_id: None,
        },
        name: row.get("name")?,
        prompt: row.get("prompt")?,
        model: row.get("model")?,
        work_dir: row.get("work_dir")?,
        instructions: row.get("instructions")?,
    })
}
