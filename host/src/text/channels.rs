//! What is said about posting: to owners, to agents, in lists.

use schemas::ids::MessageId;

use crate::{
    error::{ErrorKind, HostError},
    store::DeadLetter,
};

/// To the agent, and in the list, about a post whose channel did not come back.
#[must_use]
pub fn waited_out(why: &str) -> String {
    format!("its channel was out of reach for 7 days: {why}")
}

/// Why a post is given up of which nobody knows whether it arrived.
pub const UNKNOWN_FATE: &str = "the host ended while it was sent; nobody knows whether it arrived";

/// The same, when the channel could be asked and does not know.
pub const NOT_TO_BE_FOUND_OUT: &str =
    "it was being sent when something broke; the channel cannot say whether it arrived";

/// Why a post is given up whose row the guest took away.
pub const ROW_GONE: &str = "its row is gone";

/// To the owner, once.
#[must_use]
pub fn down(channel: &str) -> String {
    format!(
        "The channel {channel} has been out of reach for 10 minutes. What is to be said there \
         waits for it, up to 7 days."
    )
}

/// To the owner, when it is over.
#[must_use]
pub fn back(channel: &str) -> String {
    format!("The channel {channel} is back. What waited for it goes out now.")
}

/// To the owner, about the first message in a while that was given up.
#[must_use]
pub fn given_up(agent: &str, came_in: bool, why: &str) -> String {
    let what = if came_in {
        format!("A message to {agent} was given up")
    } else {
        format!("A message of {agent} was not delivered")
    };
    format!("{what}: {why}. {LIST_THEM}")
}

/// About those that came since.
#[must_use]
pub fn more_given_up(count: u32) -> String {
    let what = if count == 1 { "message was" } else { "messages were" };
    format!("{count} more {what} given up. {LIST_THEM}")
}

const LIST_THEM: &str = "See: lazaret messages list --failed";

/// The command that lists them, as a hint.
pub const LIST_FAILED: &str = "lazaret messages list --failed";

/// The list of them where there are none.
pub const NOTHING_GIVEN_UP: &str = "nothing was given up";

/// To `/retry`.
#[must_use]
pub fn retrying(count: usize) -> String {
    match count {
        1 => "I try your last message again.".to_owned(),
        n => format!("I try your last {n} messages again."),
    }
}

/// To `/retry` when nothing was given up there.
pub const NOTHING_TO_RETRY: &str = "Nothing here was given up that I could try again.";

/// To `messages retry`.
#[must_use]
pub fn tried_again(id: &MessageId) -> String {
    format!("{id} is tried again")
}

/// When a message to be tried again is not among what was given up.
#[must_use]
pub fn not_given_up(wanted: &str) -> HostError {
    HostError::new(ErrorKind::Conflict, format!("no message {wanted:?} was given up"))
        .hint(LIST_FAILED)
}

/// When several are meant.
#[must_use]
pub fn several_given_up(wanted: &str, found: &[DeadLetter]) -> HostError {
    let what = format!("several messages are meant by {wanted:?}");
    let which: Vec<String> =
        found.iter().take(3).map(|one| format!("{} --session {}", one.id, one.session)).collect();
    HostError::new(ErrorKind::Invalid, what).hint(format!("say which: {}", which.join(", ")))
}
