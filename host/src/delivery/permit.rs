//! PURE: whether a session may send to an address. Closed by default.
//!
//! A session reaches the place it belongs to and what stands in its address book, nothing else.

use schemas::message::{Address, Destination, DestinationTarget, PEER_CHANNEL};

/// Where a session may send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Places without a thread: any thread in them is the session's own.
    pub rooms: Vec<Address>,
    /// The one address of a session that belongs to a thread.
    pub thread: Option<Address>,
    /// Where text without an address goes.
    pub default: Option<Address>,
    /// The address book.
    pub destinations: Vec<Destination>,
    /// Sessions of other agents that wrote to this one: the way back to exactly those.
    pub back: Vec<Address>,
}

/// Why a row may not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The row has no address and the session has no default.
    #[error("the message has no address, and this session has no default one")]
    NoAddress,
    /// The address is neither the session's own nor in its address book.
    #[error("this session may not send to {channel_type} {platform_id}")]
    NotAllowed {
        /// The channel.
        channel_type: String,
        /// The room.
        platform_id: String,
    },
}

/// The address to use, or why there is none.
///
/// # Errors
/// [`Refusal`], which is told to the agent.
pub fn permit(wanted: Option<&Address>, reach: &Reach) -> Result<Address, Refusal> {
    let Some(wanted) = wanted else {
        return reach.default.clone().ok_or(Refusal::NoAddress);
    };
    let in_book = reach.destinations.iter().any(|entry| match &entry.target {
        DestinationTarget::Channel(address) => address == wanted,
        DestinationTarget::Agent(agent) => is_peer(wanted, agent),
    });
    let in_rooms = reach.rooms.iter().any(|room| {
        room.channel_type == wanted.channel_type && room.platform_id == wanted.platform_id
    });
    if in_rooms || in_book || reach.back.contains(wanted) || reach.thread.as_ref() == Some(wanted) {
        return Ok(wanted.clone());
    }
    Err(Refusal::NotAllowed {
        channel_type: wanted.channel_type.chars().take(64).collect(),
        platform_id: wanted.platform_id.chars().take(64).collect(),
    })
}

/// Whether an address is another agent itself; a session of it is reached by the way back only.
fn is_peer(wanted: &Address, agent: &str) -> bool {
    (wanted.channel_type.as_str(), wanted.platform_id.as_str()) == (PEER_CHANNEL, agent)
        && wanted.thread_id.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(room: &str, thread: Option<&str>) -> Address {
        Address {
            channel_type: "terminal".to_owned(),
            platform_id: room.to_owned(),
            thread_id: thread.map(str::to_owned),
        }
    }

    #[test]
    fn a_session_reaches_its_own_room_and_its_address_book_only() {
        let reach = Reach {
            rooms: vec![at("lobby", None)],
            destinations: vec![Destination {
                name: "ops".to_owned(),
                display_name: None,
                target: DestinationTarget::Channel(at("ops", None)),
            }],
            ..Reach::default()
        };
        assert!(permit(Some(&at("lobby", Some("t"))), &reach).is_ok());
        assert!(permit(Some(&at("ops", None)), &reach).is_ok());
        assert!(permit(Some(&at("vault", None)), &reach).is_err());
        assert_eq!(permit(None, &reach), Err(Refusal::NoAddress));
    }

    #[test]
    fn another_agent_is_reached_by_its_name_and_its_session_by_the_way_back_only() {
        let peer = |agent: &str, session: Option<&str>| Address {
            channel_type: PEER_CHANNEL.to_owned(),
            platform_id: agent.to_owned(),
            thread_id: session.map(str::to_owned),
        };
        let reach = Reach {
            destinations: vec![Destination {
                name: "bea".to_owned(),
                display_name: None,
                target: DestinationTarget::Agent("agent-b".to_owned()),
            }],
            back: vec![peer("agent-c", Some("sess-1"))],
            ..Reach::default()
        };
        assert!(permit(Some(&peer("agent-b", None)), &reach).is_ok());
        assert!(permit(Some(&peer("agent-c", Some("sess-1"))), &reach).is_ok());
        for (agent, session) in
            [("agent-b", Some("sess-1")), ("agent-c", None), ("agent-c", Some("sess-2"))]
        {
            assert!(permit(Some(&peer(agent, session)), &reach).is_err(), "{agent} {session:?}");
        }
    }

    #[test]
    fn a_session_of_one_thread_does_not_reach_the_next() {
        let reach = Reach { thread: Some(at("lobby", Some("t1"))), ..Reach::default() };
        assert!(permit(Some(&at("lobby", Some("t1"))), &reach).is_ok());
        assert!(permit(Some(&at("lobby", Some("t2"))), &reach).is_err());
    }
}
