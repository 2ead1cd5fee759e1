//! What routing needs to know of one message, in one read.
//!
//! Owns that all of it is of one moment. Nobody becomes known by talking, and a room only by
//! `meet_room`.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use schemas::{
    ids::{AgentId, RoomId},
    message::Address,
    policy::EngageMode,
};

use super::{RoomFact, Store, WiringFact, people, rooms};
use crate::{error::Result, people::Who, sessions::key::session_for};

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
            let who = sender.map(|sender| people::who_is(&tx, &sender)).transpose()?;
            let in_thread = in_thread(&tx, &wirings, &address)?;
            Ok(RouteFacts { room, wirings, who, denied, in_thread })
        })
        .await
    }
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
