//! PURE: from a message's place and the facts about it to decisions, one per wiring.
//!
//! Owns who gets a message and who does not, with the reason. It reads nothing: the daemon loads
//! the facts in one go and carries the decisions out.

use schemas::message::Address;

use crate::{
    sessions::key,
    store::{NewSession, WiringFact},
};

/// What follows for one agent, or for the message as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The agent wakes over it, in this session.
    Wake(NewSession),
    /// Nobody gets it.
    Refuse(Refusal),
}

/// Why nobody gets a message; the word is what stands in the `drops` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No agent is wired to the room.
    NoAgentWired,
}

impl Refusal {
    /// The word in the `drops` table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoAgentWired => "no_agent_wired",
        }
    }
}

/// Decides for a message at an address. Never empty: that nobody gets it is a decision too.
#[must_use]
pub fn route(address: &Address, wirings: &[WiringFact]) -> Vec<Decision> {
    if wirings.is_empty() {
        return vec![Decision::Refuse(Refusal::NoAgentWired)];
    }
    wirings.iter().map(|wiring| Decision::Wake(key::session_for(wiring, address))).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::{
        ids::{AgentId, RoomId},
        policy::SessionMode,
    };

    use super::*;

    fn lobby() -> Address {
        Address {
            channel_type: "terminal".to_owned(),
            platform_id: "lobby".to_owned(),
            thread_id: None,
        }
    }

    #[test]
    fn a_room_without_an_agent_is_a_refusal_with_its_reason() {
        assert_eq!(route(&lobby(), &[]), [Decision::Refuse(Refusal::NoAgentWired)]);
    }

    #[test]
    fn each_agent_of_a_room_gets_the_message_in_a_session_of_its_own() {
        let now = Timestamp::UNIX_EPOCH;
        let room = RoomId::mint(now);
        let wirings: Vec<WiringFact> = ["andy", "betty"]
            .into_iter()
            .map(|name| WiringFact {
                room: room.clone(),
                agent: AgentId::mint(now),
                agent_name: name.to_owned(),
                mode: SessionMode::Shared,
                trusted: false,
                place: lobby(),
                primary: true,
            })
            .collect();
        let keys: Vec<String> = route(&lobby(), &wirings)
            .into_iter()
            .filter_map(|decision| match decision {
                Decision::Wake(session) => Some(session.key),
                Decision::Refuse(_) => None,
            })
            .collect();
        assert_eq!(keys.len(), 2);
        assert_ne!(keys.first(), keys.last());
    }
}
