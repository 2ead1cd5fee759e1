//! Every sentence that the host says to a person, in one place.
//!
//! Owns the words, so that one voice speaks. Rooms get calm sentences without internals; causes
//! go to the operator's log.

use schemas::ids::MessageId;

use crate::error::{ErrorKind, HostError};

/// A repeated id with another body.
#[must_use]
pub fn conflicting_message(id: &MessageId) -> HostError {
    HostError::new(ErrorKind::Conflict, format!("message {id} was sent before with another body"))
        .hint("use a new client id for a new message")
}

/// The host is ending.
#[must_use]
pub fn closing() -> HostError {
    HostError::new(ErrorKind::HostDown, "the host is shutting down")
        .hint("start it again with: lazaret up")
}

/// Said in the room when a run failed.
#[must_use]
pub fn run_failed(reason: &str) -> String {
    format!("I could not answer: {reason}")
}

/// Said in the room when the container cannot be started.
#[must_use]
pub fn cannot_start(reason: &str) -> String {
    format!(
        "I cannot start right now ({reason}). Your message is kept; write again once it is mended."
    )
}

/// Why a message is given up after its guest died again and again.
#[must_use]
pub fn gave_up() -> String {
    "the agent's container ended unexpectedly, again and again".to_owned()
}

/// Said in the room when a session is set aside.
#[must_use]
pub fn set_aside(reason: &str) -> String {
    format!(
        "This session was set aside: {reason}. An operator can give it fresh files with \
         `lazaret sessions reset`."
    )
}

/// Said in the room when the container had to be ended for holding a lock.
#[must_use]
pub fn lock_holder() -> String {
    "the agent held a lock on its mailbox and was restarted".to_owned()
}

/// Said in the room when the session waits for a place or for the engine.
#[must_use]
pub fn waiting() -> String {
    "Your message is kept; I wait until a container can be started.".to_owned()
}
