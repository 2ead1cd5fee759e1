//! Wirings: which agent listens in which room, when, and what it is told there.
//!
//! Owns the companion row, too: a wiring brings its room into the agent's address book, and takes
//! it along unless a person had put it there.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, RoomId, WiringId},
    policy::{EngageMode, IgnoredPolicy, SenderScope, SessionMode},
    time,
};
use serde::{Deserialize, Serialize};

use super::destinations;
use crate::{
    error::{ErrorKind, HostError, Result},
    store::{Store, at, parsed},
};

/// A wiring as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wiring {
    /// Its id.
    pub id: WiringId,
    /// The room.
    pub room: RoomId,
    /// `<channel>:<platform id>`.
    pub place: String,
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// What may be changed.
    #[serde(flatten)]
    pub rules: Rules,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What may be changed of a wiring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Which messages share a session.
    pub mode: SessionMode,
    /// When the agent engages.
    pub engage: EngageMode,
    /// The regular expression of `pattern`; none is always.
    pub pattern: Option<String>,
    /// Whom it hears.
    pub scope: SenderScope,
    /// What becomes of messages that it does not engage over.
    pub ignored: IgnoredPolicy,
    /// Higher is asked first.
    pub priority: i64,
    /// Whether text without an origin goes here.
    pub primary: bool,
    /// Whether its sessions may change the agent's folder.
    pub trusted: bool,
    /// What the model is told, instead of the agent's own prompt.
    pub prompt: Option<String>,
    /// The model, instead of the agent's own.
    pub model: Option<String>,
    /// The working folder, instead of the agent's own.
    pub work_dir: Option<String>,
    /// Added to the prompt, whichever it is.
    pub instructions: Option<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            mode: SessionMode::default(),
            engage: EngageMode::Pattern,
            pattern: None,
            scope: SenderScope::All,
            ignored: IgnoredPolicy::Drop,
            priority: 0,
            primary: false,
            trusted: false,
            prompt: None,
            model: None,
            work_dir: None,
            instructions: None,
        }
    }
}

impl Store {
    /// All wirings, by agent and place.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn wirings(&self) -> Result<Vec<Wiring>> {
        self.call(|conn| {
            let mut select = conn.prepare_cached(&format!("{WIRINGS} ORDER BY a.name, place"))?;
            let rows = select.query_map([], wiring)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One wiring.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn wiring(&self, id: WiringId) -> Result<Wiring> {
        self.call(move |conn| one(conn, &id)).await
    }

    /// Wires an agent to a room, and puts the room into the agent's address book.
    ///
    /// # Errors
    /// `Conflict` when it is wired there already.
    pub async fn create_wiring(
        &self,
        room: RoomId,
        agent: AgentId,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Wiring> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let id = insert(&tx, &room, &agent, now)?;
            write(&tx, &id, &agent, &rules)?;
            let made = one(&tx, &id)?;
            tx.commit()?;
            Ok(made)
        })
        .await
    }

    /// Changes what may be changed of a wiring.
    ///
    /// # Errors
    /// `NotFound` when there is none, or what `change` says.
    pub async fn change_wiring(
        &self,
        id: WiringId,
        change: impl FnOnce(&mut Rules) -> Result<()> + Send + 'static,
    ) -> Result<Wiring> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let found = one(&tx, &id)?;
            let mut rules = found.rules;
            change(&mut rules)?;
            write(&tx, &id, &found.agent, &rules)?;
            let changed = one(&tx, &id)?;
            tx.commit()?;
            Ok(changed)
        })
        .await
    }

    /// Deletes a wiring, with the destination that came with it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_wiring(&self, id: WiringId) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            tx.execute("DELETE FROM destinations WHERE wiring_id = ?1", [id.as_str()])?;
            tx.execute("DELETE FROM wirings WHERE id = ?1", [id.as_str()])?;
            tx.commit()?;
            Ok(())
        })
        .await
    }
}

/// A wiring with everything at its default, and its destination.
pub(in crate::store) fn insert(
    tx: &Connection,
    room: &RoomId,
    agent: &AgentId,
    now: Timestamp,
) -> Result<WiringId> {
    let id = WiringId::mint(now);
    let inserted = tx.execute(
        "INSERT INTO wirings (id, room_id, agent_id, session_mode, created_at) \
         VALUES (?1, ?2, ?3, 'shared', ?4) ON CONFLICT DO NOTHING",
        params![id.as_str(), room.as_str(), agent.as_str(), time::format(now)],
    )?;
    if inserted == 0 {
        return Err(HostError::new(ErrorKind::Conflict, "the agent is wired to this room already")
            .hint("change it with: lazaret wirings set <room>/<agent>"));
    }
    destinations::add_companion(tx, &id, now)?;
    Ok(id)
}

/// An agent has one primary wiring at most.
pub(in crate::store) fn write(
    tx: &Connection,
    id: &WiringId,
    agent: &AgentId,
    rules: &Rules,
) -> Result<()> {
    if rules.primary {
        tx.execute(
            "UPDATE wirings SET is_primary = 0 WHERE agent_id = ?1 AND id != ?2",
            params![agent.as_str(), id.as_str()],
        )?;
    }
    tx.execute(
        "UPDATE wirings SET session_mode = ?2, engage_mode = ?3, engage_pattern = ?4, \
         sender_scope = ?5, ignored_message_policy = ?6, priority = ?7, is_primary = ?8, \
         trusted = ?9, prompt = ?10, model = ?11, work_dir = ?12, instructions = ?13 \
         WHERE id = ?1",
        params![
            id.as_str(),
            rules.mode.as_str(),
            rules.engage.as_str(),
            rules.pattern,
            rules.scope.as_str(),
            rules.ignored.as_str(),
            rules.priority,
            rules.primary,
            rules.trusted,
            rules.prompt,
            rules.model,
            rules.work_dir,
            rules.instructions,
        ],
    )?;
    Ok(())
}

const WIRINGS: &str = "SELECT w.*, a.name AS agent_name, \
                       r.channel_type || ':' || r.platform_id AS place FROM wirings w \
                       JOIN rooms r ON r.id = w.room_id JOIN agents a ON a.id = w.agent_id";

fn one(conn: &Connection, id: &WiringId) -> Result<Wiring> {
    conn.prepare_cached(&format!("{WIRINGS} WHERE w.id = ?1"))?
        .query_row([id.as_str()], wiring)
        .optional()?
        .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no wiring {id}")))
}

fn wiring(row: &Row<'_>) -> rusqlite::Result<Wiring> {
    Ok(Wiring {
        id: parsed(row, "id", WiringId::parse)?,
        room: parsed(row, "room_id", RoomId::parse)?,
        place: row.get("place")?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
        rules: Rules {
            mode: parsed(row, "session_mode", str::parse)?,
            engage: parsed(row, "engage_mode", str::parse)?,
            pattern: row.get("engage_pattern")?,
            scope: parsed(row, "sender_scope", str::parse)?,
            ignored: parsed(row, "ignored_message_policy", str::parse)?,
            priority: row.get("priority")?,
            primary: row.get("is_primary")?,
            trusted: row.get("trusted")?,
            prompt: row.get("prompt")?,
            model: row.get("model")?,
            work_dir: row.get("work_dir")?,
            instructions: row.get("instructions")?,
        },
        created_at: at(row, "created_at")?,
    })
}
