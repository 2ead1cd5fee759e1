//! Why an agent engages over a message, or does not.

use crate::routing::Refusal;

/// Why an agent does nothing about a message.
pub const NOT_ENGAGED: &str = "its wiring does not engage over this";

/// Somebody is asked about a room that nobody wired.
pub const ASKS_ABOUT_ROOM: &str = "an owner or admin is asked which agent the room is for";

/// Somebody is asked about a sender whom nobody knows.
pub const ASKS_ABOUT_SENDER: &str = "an owner or admin is asked about the sender";

/// Why an agent does not get a message.
#[must_use]
pub fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::NoAgentWired => "no agent is wired to the room",
        Refusal::NoAgentEngaged => "no agent engages",
        Refusal::UnknownSender => "the room is not for strangers",
        Refusal::AwaitsApproval => "the sender is unknown here",
        Refusal::SenderDenied => "the sender was refused in this room",
        Refusal::SenderScope => "it hears members, admins and owners only",
    }
}

/// Rooms of unequal trust meet in one session.
pub const UNEQUAL_TRUST: &str = "careful: this agent's session is shared with a room where other \
                                 people may speak; what is said in one can be asked for in the other";
