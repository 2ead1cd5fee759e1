//! PURE: whether somebody is heard by an agent. Closed by default.

use schemas::{
    ids::AgentId,
    policy::{SenderScope, UnknownSenderPolicy},
};

use super::Refusal;
use crate::{
    people::{Act, Verdict, Who, decide},
    store::{RoomFact, WiringFact},
};

/// Whether a sender is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Yes.
    Heard,
    /// No.
    Refused(Refusal),
    /// An owner or admin decides.
    Asked,
}

/// `denied`: somebody said no about this sender in this room.
pub(super) fn access(who: &Who, room: &RoomFact, wiring: &WiringFact, denied: bool) -> Access {
    if is_known(who, &wiring.agent) {
        return Access::Heard;
    }
    let by_room = match room.unknown_senders {
        UnknownSenderPolicy::Public => Access::Heard,
        UnknownSenderPolicy::RequestApproval if denied => Access::Refused(Refusal::SenderDenied),
        UnknownSenderPolicy::RequestApproval => Access::Asked,
        UnknownSenderPolicy::Strict => Access::Refused(Refusal::UnknownSender),
    };
    match (by_room, wiring.senders) {
        (Access::Heard, SenderScope::Known) => Access::Refused(Refusal::SenderScope),
        (Access::Heard | Access::Refused(_) | Access::Asked, _) => by_room,
    }
}

/// Owner, admin, member, or the operator.
fn is_known(who: &Who, agent: &AgentId) -> bool {
    decide(who, Act::Talk, Some(agent)) == Verdict::Allow
}
