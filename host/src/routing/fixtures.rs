//! A room, wirings and messages for tables.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemas::{
    ids::{AgentId, PersonId, RoomId},
    message::Address,
    policy::{EngageMode, IgnoredPolicy, SenderScope, SessionMode, UnknownSenderPolicy},
};

use super::{About, Room, Routed, route};
use crate::{
    channels::{Inbound, Sender},
    people::{Person, Standing, Who},
    store::{RoomFact, WiringFact},
};

/// A room under test, with what is known about who speaks in it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: RoomFact,
    pub(super) wirings: Vec<WiringFact>,
    pub(super) about: About,
}

impl Place {
    /// A public room of these agents, each of which always engages.
    pub(super) fn of(names: &[&str]) -> Self {
        let room = RoomId::mint(Timestamp::UNIX_EPOCH);
        let wirings = (0..).zip(names).map(|(n, name)| wiring(&room, name, n)).collect();
        let unknown_senders = UnknownSenderPolicy::Public;
        Self {
            room: RoomFact { id: room, unknown_senders, denied: false },
            wirings,
            about: About {
                who: Who::Stranger("chat:alice".to_owned()),
                denied: false,
                in_thread: BTreeSet::new(),
            },
        }
    }

    pub(super) fn each(mut self, change: impl Fn(&mut WiringFact)) -> Self {
        self.wirings.iter_mut().for_each(change);
        self
    }

    pub(super) fn one(mut self, name: &str, change: impl Fn(&mut WiringFact)) -> Self {
        self.wirings.iter_mut().filter(|wiring| wiring.agent_name == name).for_each(change);
        self
    }

    pub(super) fn strangers(mut self, policy: UnknownSenderPolicy) -> Self {
        self.room.unknown_senders = policy;
        self
    }

    /// Who speaks is a member of one agent.
    pub(super) fn member_of(mut self, name: &str) -> Self {
        let of = self.wirings.iter().filter(|w| w.agent_name == name).map(|w| w.agent.clone());
        self.about.who = person(Standing { member_of: of.collect(), ..none() });
        self
    }

    pub(super) fn in_thread(mut self, name: &str) -> Self {
        let found = self.wirings.iter().find(|wiring| wiring.agent_name == name);
        self.about.in_thread.extend(found.map(|wiring| wiring.agent.clone()));
        self
    }

    pub(super) fn route(&self, message: &Inbound) -> Routed {
        let room = Room::new(self.room.clone(), self.wirings.clone());
        route(message, Some(&room), &self.about)
    }
}

pub(super) fn person(standing: Standing) -> Who {
    let id = PersonId::mint(Timestamp::UNIX_EPOCH);
    Who::Person(Person { id, name: "Alice".to_owned(), standing })
}

pub(super) fn none() -> Standing {
    Standing::default()
}

/// The `n`th agent is the `n`th oldest.
fn wiring(room: &RoomId, name: &str, n: i64) -> WiringFact {
    let born = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(n);
    WiringFact {
        room: room.clone(),
        agent: AgentId::mint(born),
        agent_name: name.to_owned(),
        priority: 0,
        engage: EngageMode::Pattern,
        pattern: None,
        senders: SenderScope::All,
        ignored: IgnoredPolicy::Drop,
        mode: SessionMode::Shared,
        trusted: false,
        place: lobby(None),
        primary: true,
    }
}

fn lobby(thread: Option<&str>) -> Address {
    Address {
        channel_type: "chat".to_owned(),
        platform_id: "lobby".to_owned(),
        thread_id: thread.map(str::to_owned),
    }
}

/// Something that a stranger says in a group.
pub(super) fn said(text: &str) -> Inbound {
    Inbound {
        address: lobby(None),
        id: "chat:lobby:1".to_owned(),
        sender: Sender::Platform { id: "chat:alice".to_owned(), name: "Alice".to_owned() },
        text: text.to_owned(),
        content: format!("{{\"text\":{text:?}}}"),
        at: Timestamp::UNIX_EPOCH,
        mentioned: false,
        is_group: true,
        room_name: None,
        client_id: None,
        digest: None,
    }
}

/// The same, and the platform says that it is to us.
pub(super) fn to_us(text: &str) -> Inbound {
    Inbound { mentioned: true, ..said(text) }
}

/// The same in a direct message.
pub(super) fn alone(text: &str) -> Inbound {
    Inbound { is_group: false, ..said(text) }
}

/// The same in a thread.
pub(super) fn in_thread(text: &str) -> Inbound {
    Inbound { address: lobby(Some("t1")), ..said(text) }
}
