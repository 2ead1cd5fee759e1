//! Rooms: places on a channel, and what becomes of strangers there.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, RoomId},
    policy::UnknownSenderPolicy,
    time,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ErrorKind, HostError, Result},
    store::{Store, at, at_opt, parsed, tasks},
};

/// A room as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// The channel.
    pub channel: String,
    /// The platform's id of it.
    pub platform_id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Whether more than one person speaks there.
    pub group: bool,
    /// What becomes of strangers' messages.
    pub unknown_sender: UnknownSenderPolicy,
    /// Since when nobody wants to be asked about it.
    pub denied_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a room is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// The channel.
    pub channel: String,
    /// The platform's id of it.
    pub platform_id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Whether more than one person speaks there.
    pub group: bool,
    /// What becomes of strangers' messages.
    pub unknown_sender: UnknownSenderPolicy,
}

/// What keeps a room from being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RoomUses {
    /// Names of the agents that are wired to it.
    pub wired: Vec<String>,
    /// Names in address books, as `<agent>/<name>`.
    pub destinations: Vec<String>,
    /// Ids of its sessions that are not archived.
    pub sessions: Vec<String>,
    /// Tasks that are done there and are not over.
    pub tasks: Vec<String>,
}

impl Room {
    /// `<channel>:<platform id>`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.channel, self.platform_id)
    }
}

impl RoomUses {
    /// Whether nothing uses it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wired.is_empty()
            && self.destinations.is_empty()
            && self.sessions.is_empty()
            && self.tasks.is_empty()
    }
}

impl Store {
    /// All rooms by place.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rooms(&self) -> Result<Vec<Room>> {
        self.call(|conn| {
            let mut select =
                conn.prepare_cached("SELECT * FROM rooms ORDER BY channel_type, platform_id")?;
            let rows = select.query_map([], room)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One room.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn room(&self, id: RoomId) -> Result<Room> {
        self.call(move |conn| one(conn, &id)).await
    }

    /// Makes a room.
    ///
    /// # Errors
    /// `Conflict` when the place is known already.
    pub async fn create_room(&self, new: NewRoom, now: Timestamp) -> Result<Room> {
        self.call(move |conn| {
            let made = Room {
                id: RoomId::mint(now),
                channel: new.channel,
                platform_id: new.platform_id,
                name: new.name,
                group: new.group,
                unknown_sender: new.unknown_sender,
                denied_at: None,
                created_at: now,
            };
            let inserted = conn.execute(
                "INSERT INTO rooms (id, channel_type, platform_id, name, is_group, \
                 unknown_sender_policy, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT DO NOTHING",
                params![
                    made.id.as_str(),
                    made.channel,
                    made.platform_id,
                    made.name,
                    made.group,
                    made.unknown_sender.as_str(),
                    time::format(now)
                ],
            )?;
            if inserted == 0 {
                let what = format!("there is a room {} already", made.place());
                return Err(HostError::new(ErrorKind::Conflict, what)
                    .hint("change it with: lazaret rooms set"));
            }
            Ok(made)
        })
        .await
    }

    /// Changes what may be changed of a room.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn change_room(
        &self,
        id: RoomId,
        change: impl FnOnce(&mut Room) + Send + 'static,
    ) -> Result<Room> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let mut room = one(&tx, &id)?;
            change(&mut room);
            tx.execute(
                "UPDATE rooms SET name = ?2, is_group = ?3, unknown_sender_policy = ?4, \
                 denied_at = ?5 WHERE id = ?1",
                params![
                    id.as_str(),
                    room.name,
                    room.group,
                    room.unknown_sender.as_str(),
                    room.denied_at.map(time::format)
                ],
            )?;
            tx.commit()?;
            Ok(room)
        })
        .await
    }

    /// What keeps a room from being deleted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn room_uses(&self, id: RoomId) -> Result<RoomUses> {
        self.call(move |conn| uses(conn, &id)).await
    }

    /// Deletes a room that nothing uses. Archived sessions stay, without their room.
    ///
    /// # Errors
    /// `Conflict` when something uses it.
    pub async fn delete_room(&self, id: RoomId) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            if !uses(&tx, &id)?.is_empty() {
                return Err(HostError::new(ErrorKind::Conflict, "the room is in use"));
            }
            tx.execute("DELETE FROM denials WHERE room_id = ?1", [id.as_str()])?;
            let over = "SELECT id FROM tasks WHERE room_id = ?1";
            tx.execute(&format!("DELETE FROM task_runs WHERE task_id IN ({over})"), [id.as_str()])?;
            tx.execute("DELETE FROM tasks WHERE room_id = ?1", [id.as_str()])?;
            tx.execute("UPDATE sessions SET room_id = NULL WHERE room_id = ?1", [id.as_str()])?;
            tx.execute("DELETE FROM rooms WHERE id = ?1", [id.as_str()])?;
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// The agents that can reach a room: those wired to it, and those with it in their book.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn agents_at(&self, id: RoomId) -> Result<Vec<AgentId>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT agent_id FROM wirings WHERE room_id = ?1 \
                 UNION SELECT agent_id FROM destinations WHERE room_id = ?1",
            )?;
            let rows =
                select.query_map([id.as_str()], |row| parsed(row, "agent_id", AgentId::parse))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn one(conn: &Connection, id: &RoomId) -> Result<Room> {
    conn.prepare_cached("SELECT * FROM rooms WHERE id = ?1")?
        .query_row([id.as_str()], room)
        .optional()?
        .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no room {id}")))
}

fn uses(conn: &Connection, id: &RoomId) -> Result<RoomUses> {
    let texts = |sql: &str| -> Result<Vec<String>> {
        let mut select = conn.prepare_cached(sql)?;
        let rows = select.query_map([id.as_str()], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    Ok(RoomUses {
        wired: texts(
            "SELECT a.name FROM wirings w JOIN agents a ON a.id = w.agent_id \
             WHERE w.room_id = ?1 ORDER BY a.name",
        )?,
        destinations: texts(
            "SELECT a.name || '/' || d.name FROM destinations d JOIN agents a \
             ON a.id = d.agent_id WHERE d.room_id = ?1 AND d.wiring_id IS NULL ORDER BY 1",
        )?,
        sessions: texts(
            "SELECT id FROM sessions WHERE room_id = ?1 AND status = 'active' ORDER BY id",
        )?,
        tasks: tasks::living(conn, "room_id", id.as_str())?,
    })
}

fn room(row: &Row<'_>) -> rusqlite::Result<Room> {
    Ok(Room {
        id: parsed(row, "id", RoomId::parse)?,
        channel: row.get("channel_type")?,
        platform_id: row.get("platform_id")?,
        name: row.get("name")?,
        group: row.get("is_group")?,
        unknown_sender: parsed(row, "unknown_sender_policy", str::parse)?,
        denied_at: at_opt(row, "denied_at")?,
        created_at: at(row, "created_at")?,
    })
}
