//! Destinations: the names under which an agent may send elsewhere, as its sessions are shown them
//! and as an operator changes them.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, RoomId, WiringId},
    message::{Address, Destination, DestinationTarget},
    time,
};
use serde::{Deserialize, Serialize};

use crate::{
    channels::terminal,
    error::{ErrorKind, HostError, Result},
    limits,
    store::{Store, at, parsed},
};

/// A destination as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose address book it stands in.
    pub agent: AgentId,
    /// That agent's name.
    pub agent_name: String,
    /// The name that the agent uses.
    pub name: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// Where it leads.
    pub to: Leads,
    /// What people call where it leads.
    pub to_name: String,
    /// The wiring that it came with; none when it was made by hand.
    pub wiring: Option<WiringId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a destination leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leads {
    /// To a room, or a thread of it.
    Room {
        /// The room.
        id: RoomId,
        /// The thread.
        thread: Option<String>,
    },
    /// To another agent.
    Agent {
        /// Which.
        id: AgentId,
    },
}

/// What a destination is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Whose address book it goes into.
    pub agent: AgentId,
    /// The name that the agent uses.
    pub name: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// Where it leads.
    pub to: Leads,
}

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

    /// All destinations, by agent and name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn destinations(&self) -> Result<Vec<Entry>> {
        self.call(|conn| {
            let mut select = conn.prepare_cached(&format!("{ENTRIES} ORDER BY a.name, d.name"))?;
            let rows = select.query_map([], entry)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One destination.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn destination(&self, agent: AgentId, name: String) -> Result<Entry> {
        self.call(move |conn| one(conn, &agent, &name)).await
    }

    /// Makes a destination by hand.
    ///
    /// # Errors
    /// `Conflict` when the name is taken in that book.
    pub async fn create_destination(&self, new: NewEntry, now: Timestamp) -> Result<Entry> {
        self.call(move |conn| {
            let (room, thread, target) = new.to.columns();
            let inserted = conn.execute(
                "INSERT INTO destinations (agent_id, name, display_name, room_id, thread_id, \
                 target_agent_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT DO NOTHING",
                params![
                    new.agent.as_str(),
                    new.name,
                    new.display_name,
                    room,
                    thread,
                    target,
                    time::format(now)
                ],
            )?;
            if inserted == 0 {
                let what = format!("there is a destination {:?} in this book already", new.name);
                return Err(HostError::new(ErrorKind::Conflict, what)
                    .hint("change it with: lazaret destinations set"));
            }
            one(conn, &new.agent, &new.name)
        })
        .await
    }

    /// Changes a destination; what a person changed is as if made by hand.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn change_destination(
        &self,
        agent: AgentId,
        name: String,
        change: impl FnOnce(&mut Entry) + Send + 'static,
    ) -> Result<Entry> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let mut entry = one(&tx, &agent, &name)?;
            change(&mut entry);
            let (room, thread, target) = entry.to.columns();
            tx.execute(
                "UPDATE destinations SET display_name = ?3, room_id = ?4, thread_id = ?5, \
                 target_agent_id = ?6, wiring_id = NULL WHERE agent_id = ?1 AND name = ?2",
                params![agent.as_str(), name, entry.display_name, room, thread, target],
            )?;
            let changed = one(&tx, &agent, &name)?;
            tx.commit()?;
            Ok(changed)
        })
        .await
    }

    /// Deletes a destination.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_destination(&self, agent: AgentId, name: String) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "DELETE FROM destinations WHERE agent_id = ?1 AND name = ?2",
                params![agent.as_str(), name],
            )?;
            Ok(())
        })
        .await
    }
}

impl Leads {
    fn columns(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        match self {
            Self::Room { id, thread } => (Some(id.as_str()), thread.as_deref(), None),
            Self::Agent { id } => (None, None, Some(id.as_str())),
        }
    }
}

/// Puts the room of a wiring into its agent's book, under a name that is free there. An agent that
/// has it in its book already keeps that.
pub(super) fn add_companion(tx: &Connection, wiring: &WiringId, now: Timestamp) -> Result<()> {
    let (agent, room, channel, platform, name): (String, String, String, String, Option<String>) =
        tx.query_row(
            "SELECT w.agent_id, r.id, r.channel_type, r.platform_id, r.name FROM wirings w \
             JOIN rooms r ON r.id = w.room_id WHERE w.id = ?1",
            [wiring.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )?;
    let known = "SELECT 1 FROM destinations WHERE agent_id = ?1 AND room_id = ?2 \
                 AND thread_id IS NULL";
    if tx.prepare_cached(known)?.exists([&agent, &room])? {
        return Ok(());
    }
    let base = if channel == terminal::CHANNEL {
        terminal::CHANNEL.to_owned()
    } else {
        plain_name(name.as_deref().unwrap_or(&platform), &channel)
    };
    for twin in 1..=limits::admin::DESTINATION_TWINS {
        let name = if twin == 1 { base.clone() } else { format!("{base}-{twin}") };
        let inserted = tx.execute(
            "INSERT INTO destinations (agent_id, name, room_id, wiring_id, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            params![agent, name, room, wiring.as_str(), time::format(now)],
        )?;
        if inserted == 1 {
            return Ok(());
        }
    }
    let what =
        format!("there are {} destinations {base:?} already", limits::admin::DESTINATION_TWINS);
    Err(HostError::new(ErrorKind::Conflict, what))
}

/// A name that an agent can write: `#Team Éire` becomes `team-ire`.
fn plain_name(text: &str, otherwise: &str) -> String {
    let mut plain = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            plain.push(c);
        } else if !(c.is_alphabetic() || plain.is_empty() || plain.ends_with('-')) {
            plain.push('-');
        }
        if plain.len() >= limits::NAME_BYTES {
            break;
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() { otherwise.to_owned() } else { plain.to_owned() }
}

const ENTRIES: &str = "SELECT d.*, a.name AS agent_name, \
                       coalesce(t.name, r.channel_type || ':' || r.platform_id) AS to_name \
                       FROM destinations d JOIN agents a ON a.id = d.agent_id \
                       LEFT JOIN rooms r ON r.id = d.room_id \
                       LEFT JOIN agents t ON t.id = d.target_agent_id";

fn one(conn: &Connection, agent: &AgentId, name: &str) -> Result<Entry> {
    conn.prepare_cached(&format!("{ENTRIES} WHERE d.agent_id = ?1 AND d.name = ?2"))?
        .query_row([agent.as_str(), name], entry)
        .optional()?
        .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no destination {name:?}")))
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

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let room: Option<String> = row.get("room_id")?;
    let wiring: Option<String> = row.get("wiring_id")?;
    Ok(Entry {
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
        name: row.get("name")?,
        display_name: row.get("display_name")?,
        to: if room.is_some() {
            Leads::Room {
                id: parsed(row, "room_id", RoomId::parse)?,
                thread: row.get("thread_id")?,
            }
        } else {
            Leads::Agent { id: parsed(row, "target_agent_id", AgentId::parse)? }
        },
        to_name: row.get("to_name")?,
        wiring: wiring.as_deref().and_then(|id| WiringId::parse(id).ok()),
        created_at: at(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rooms_name_becomes_one_that_an_agent_can_write() {
        let name = |text: &str| plain_name(text, "slack");
        assert_eq!(
            ["#Team  Éire", "octo/repo", "C0123", "日本", &"x".repeat(99)].map(name),
            ["team-ire", "octo-repo", "c0123", "slack", &"x".repeat(limits::NAME_BYTES)]
        );
    }
}
