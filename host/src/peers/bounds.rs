//! PURE: when agents have written to each other enough.
//!
//! Owns the two bounds: how often a thought may be handed on, and how many messages a session may
//! write to others in a minute.

use crate::{limits, store::PeerStanding};

/// What follows for one more message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes, as this hop.
    Pass {
        /// How often the thought was handed on, this time included.
        hops: u32,
    },
    /// It does not, and the agent is told why.
    Stop(String),
}

/// Judges.
pub(super) fn judge(standing: &PeerStanding) -> Verdict {
    // What answers a person begins anew. What answers nothing goes on from what was heard last.
    let before = match (standing.answers, standing.names_a_message) {
        (Some(hops), _) => hops,
        (None, true) => 0,
        (None, false) => standing.latest.unwrap_or(0),
    };
    let hops = before.saturating_add(1);
    if hops > limits::action::PEER_HOPS {
        return Verdict::Stop(format!(
            "this went to and fro between agents {} times, which is enough",
            limits::action::PEER_HOPS
        ));
    }
    if standing.sent >= limits::action::PEER_MESSAGES {
        return Verdict::Stop(format!(
            "a conversation may write to other agents {} times in a minute",
            limits::action::PEER_MESSAGES
        ));
    }
    Verdict::Pass { hops }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> PeerStanding {
        PeerStanding { answers: None, names_a_message: false, latest: None, sent: 0 }
    }

    #[track_caller]
    fn passes(standing: &PeerStanding, hops: u32) {
        assert_eq!(judge(standing), Verdict::Pass { hops });
    }

    #[track_caller]
    fn stops(standing: &PeerStanding, why: &str) {
        let Verdict::Stop(reason) = judge(standing) else { panic!("{standing:?} passes") };
        assert!(reason.contains(why), "{reason}");
    }

    #[test]
    fn a_thought_is_handed_on_so_often_and_no_more() {
        passes(&quiet(), 1);
        passes(&PeerStanding { answers: Some(3), ..quiet() }, 4);
        passes(&PeerStanding { latest: Some(7), names_a_message: true, ..quiet() }, 1);
        passes(&PeerStanding { latest: Some(7), ..quiet() }, limits::action::PEER_HOPS);
        stops(&PeerStanding { latest: Some(limits::action::PEER_HOPS), ..quiet() }, "enough");
        stops(&PeerStanding { answers: Some(u32::MAX), ..quiet() }, "enough");
    }

    #[test]
    fn a_session_writes_so_often_in_a_minute_and_no_more() {
        passes(&PeerStanding { sent: limits::action::PEER_MESSAGES - 1, ..quiet() }, 1);
        stops(&PeerStanding { sent: limits::action::PEER_MESSAGES, ..quiet() }, "minute");
    }
}
