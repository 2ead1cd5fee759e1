//! What routing needs to know of one message, in one read.
//!
//! Owns finding out who a sender is. A person is known by a linked platform id only, and nobody
//! becomes known by talking.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use schemas::{
    ids::{AgentId, PersonId, RoomId},
    message::Address,
    policy::{EngageMode, Role},
};

use super::{RoomFact, Store, WiringFact, parsed, rooms};
use crate::{
    error::Result,
    people::{Person, Standing, Who},
    sessions::key::session_for,
};

/// Facts about one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFacts {
    /// Its room; `None` when nobody heard of it.
    pub room: Option<RoomFact>,
    /// The room's wirings, highest priority first.
    pub wirings: Vec<WiringFact>,
    /// Who sent it; `None` when that was not asked.
    pub who: Option<Who>,
    /// Whether a person said that this sender is not to be heard in this room.
    pub denied: bool,
    /// The agents that are in the message's thread already.
    pub in_thread: BTreeSet<AgentId>,
}

impl Store {
    /// Everything that routing asks about a message at an address.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn route_facts(
        &self,
        address: Address,
        sender: Option<String>,
    ) -> Result<RouteFacts> {
        self.call(move |conn| {
            // One transaction, so that all of it is of one moment.
            let tx = conn.transaction()?;
            let room = rooms::room_at(&tx, &address.channel_type, &address.platform_id)?;
            let wirings = match &room {
                Some(room) => rooms::wirings_of_room(&tx, &room.id)?,
                None => Vec::new(),
            };
            let denied = match (&room, &sender) {
                (Some(room), Some(sender)) => is_denied(&tx, &room.id, sender)?,
                (Some(_) | None, _) => false,
            };
            let who = sender.map(|sender| who(&tx, sender)).transpose()?;
            let in_thread = in_thread(&tx, &wirings, &address)?;
            Ok(RouteFacts { room, wirings, who, denied, in_thread })
        })
        .await
    }

    /// Who is behind `<channel>:<the platform's id of a user>`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn who(&self, sender: String) -> Result<Who> {
        self.call(move |conn| Ok(who(conn, sender)?)).await
    }
}

fn who(conn: &Connection, sender: String) -> rusqlite::Result<Who> {
    let found = conn
        .prepare_cached(
            "SELECT p.id, p.name FROM person_ids i JOIN persons p ON p.id = i.person_id \
             WHERE i.platform_id = ?1",
        )?
        .query_row([&sender], |row| {
            Ok((parsed(row, "id", PersonId::parse)?, row.get::<_, String>("name")?))
        })
        .optional()?;
    let Some((id, name)) = found else { return Ok(Who::Stranger(sender)) };
    let standing = standing(conn, &id)?;
    Ok(Who::Person(Person { id, name, standing }))
}

fn standing(conn: &Connection, person: &PersonId) -> rusqlite::Result<Standing> {
    let mut select =
        conn.prepare_cached("SELECT role, agent_id FROM roles WHERE person_id = ?1")?;
    let mut rows = select.query([person.as_str()])?;
    let mut standing = Standing::default();
    while let Some(row) = rows.next()? {
        let agent: Option<String> = row.get("agent_id")?;
        let agent = agent.map(|_| parsed(row, "agent_id", AgentId::parse)).transpose()?;
        match (parsed(row, "role", str::parse::<Role>)?, agent) {
            (Role::Owner, _) => standing.owner = true,
            (Role::Admin, None) => standing.admin = true,
            (Role::Admin, Some(agent)) => drop(standing.admin_of.insert(agent)),
            (Role::Member, Some(agent)) => drop(standing.member_of.insert(agent)),
            // The table refuses it; a member of nothing may nothing.
            (Role::Member, None) => {}
        }
    }
    Ok(standing)
}

fn is_denied(conn: &Connection, room: &RoomId, sender: &str) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM denials WHERE room_id = ?1 AND sender_id = ?2")?
        .exists(params![room.as_str(), sender])
}

fn in_thread(
    conn: &Connection,
    wirings: &[WiringFact],
    address: &Address,
) -> rusqlite::Result<BTreeSet<AgentId>> {
    let mut found = BTreeSet::new();
    if address.thread_id.is_none() {
        return Ok(found);
    }
    let mut select =
        conn.prepare_cached("SELECT 1 FROM sessions WHERE key = ?1 AND status = 'active'")?;
    for wiring in wirings.iter().filter(|wiring| wiring.engage == EngageMode::MentionSticky) {
        let session = session_for(wiring, address);
        // A session over the whole room says nothing about the thread.
        if session.thread.is_some() && select.exists([&session.key])? {
            found.insert(wiring.agent.clone());
        }
    }
    Ok(found)
}
