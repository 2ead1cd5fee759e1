//! Address books: whom an agent may send to, by name.

use rusqlite::Row;
use schemas::{
    ids::AgentId,
    message::{Address, Destination, DestinationTarget},
};

use super::Store;
use crate::error::Result;

impl Store {
    /// The address book of an agent, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn destinations_of(&self, agent: AgentId) -> Result<Vec<Destination>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT d.name, coalesce(d.display_name, r.name, t.name) AS display_name, \
                 d.target_agent_id, r.channel_type, r.platform_id, d.thread_id \
                 FROM destinations d LEFT JOIN rooms r ON r.id = d.room_id \
                 LEFT JOIN agents t ON t.id = d.target_agent_id \
                 WHERE d.agent_id = ?1 ORDER BY d.name",
            )?;
            let rows = select.query_map([agent.as_str()], destination)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn destination(row: &Row<'_>) -> rusqlite::Result<Destination> {
    let target = match row.get::<_, Option<String>>("target_agent_id")? {
        Some(agent) => DestinationTarget::Agent(agent),
        None => DestinationTarget::Channel(Address {
            channel_type: row.get("channel_type")?,
            platform_id: row.get("platform_id")?,
            thread_id: row.get("thread_id")?,
        }),
    };
    Ok(Destination { name: row.get("name")?, display_name: row.get("display_name")?, target })
}
