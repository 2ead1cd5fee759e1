//! PURE: under which key a message finds its session.
//!
//! Owns the three modes. The agent is part of every key, so two agents in one room never share a
//! session; a unique index over the key makes two messages at once find one.

use schemas::{message::Address, policy::SessionMode};

use crate::store::{NewSession, WiringFact};

/// The session that a message of this wiring, at this address, belongs to.
#[must_use]
pub fn session_for(wiring: &WiringFact, address: &Address) -> NewSession {
    let agent = wiring.agent.as_str();
    let room = wiring.room.as_str();
    let (key, in_room, thread) = match (wiring.mode, &address.thread_id) {
        (SessionMode::Shared, _) | (SessionMode::PerThread, None) => {
            (format!("shared:{agent}:{room}"), true, None)
        }
        // The thread comes last: it is a platform's text and may hold any character.
        (SessionMode::PerThread, Some(thread)) => {
            (format!("per-thread:{agent}:{room}:{thread}"), true, Some(thread.clone()))
        }
        (SessionMode::AgentShared, _) => (format!("agent-shared:{agent}"), false, None),
    };
    NewSession {
        key,
        agent: wiring.agent.clone(),
        room: in_room.then(|| wiring.room.clone()),
        thread,
        mode: wiring.mode,
    }
}

/// The mode of a wiring that nobody chose one for: where people talk side by side, in threads,
/// each thread is a conversation.
#[must_use]
#[expect(clippy::fn_params_excessive_bools, reason = "what a channel says and what a room is")]
pub fn default_mode(threads: bool, is_group: bool) -> SessionMode {
    if threads && is_group { SessionMode::PerThread } else { SessionMode::Shared }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::{
        ids::{AgentId, RoomId},
        policy::{EngageMode, IgnoredPolicy, SenderScope},
    };

    use super::*;

    fn wiring(agent: &AgentId, room: &RoomId, mode: SessionMode) -> WiringFact {
        WiringFact {
            room: room.clone(),
            agent: agent.clone(),
            agent_name: "andy".to_owned(),
            priority: 0,
            engage: EngageMode::Pattern,
            pattern: None,
            senders: SenderScope::All,
            ignored: IgnoredPolicy::Drop,
            mode,
            trusted: false,
            place: at(None),
            primary: true,
        }
    }

    fn at(thread: Option<&str>) -> Address {
        Address {
            channel_type: "terminal".to_owned(),
            platform_id: "andy".to_owned(),
            thread_id: thread.map(str::to_owned),
        }
    }

    #[test]
    fn each_mode_tells_apart_what_it_should_and_nothing_else() {
        let now = Timestamp::UNIX_EPOCH;
        let (andy, betty) = (AgentId::mint(now), AgentId::mint(now));
        let (lobby, attic) = (RoomId::mint(now), RoomId::mint(now));
        let key =
            |agent, room, mode, thread| session_for(&wiring(agent, room, mode), &at(thread)).key;

        let shared = |agent, room, thread| key(agent, room, SessionMode::Shared, thread);
        assert_eq!(shared(&andy, &lobby, Some("t1")), shared(&andy, &lobby, Some("t2")));
        assert_ne!(shared(&andy, &lobby, None), shared(&andy, &attic, None));
        assert_ne!(shared(&andy, &lobby, None), shared(&betty, &lobby, None));

        let threaded = |agent, thread| key(agent, &lobby, SessionMode::PerThread, thread);
        assert_ne!(threaded(&andy, Some("t1")), threaded(&andy, Some("t2")));
        assert_ne!(threaded(&andy, Some("t1")), threaded(&betty, Some("t1")));

        let anchored = |agent, room| key(agent, room, SessionMode::AgentShared, Some("t"));
        assert_eq!(anchored(&andy, &lobby), anchored(&andy, &attic));
        assert_ne!(anchored(&andy, &lobby), anchored(&betty, &lobby));
    }

    #[test]
    fn only_a_per_thread_session_remembers_its_thread() {
        let now = Timestamp::UNIX_EPOCH;
        let (agent, room) = (AgentId::mint(now), RoomId::mint(now));
        let thread = |mode| session_for(&wiring(&agent, &room, mode), &at(Some("t1"))).thread;
        assert_eq!(thread(SessionMode::PerThread), Some("t1".to_owned()));
        assert_eq!(thread(SessionMode::Shared), None);
        assert_eq!(thread(SessionMode::AgentShared), None);
    }

    #[test]
    fn only_a_group_with_threads_has_a_session_for_each() {
        let modes = [(true, true), (true, false), (false, true), (false, false)]
            .map(|(threads, is_group)| default_mode(threads, is_group));
        let (thread, shared) = (SessionMode::PerThread, SessionMode::Shared);
        assert_eq!(modes, [thread, shared, shared, shared]);
    }
}
