//! What people and agents are told where something was too much.

use crate::limits::channel::LATER_POSTS;

/// The file with the whole of what somebody said.
pub const WHOLE_TEXT: &str = "whole-message.txt";

/// Stands at the end of what is only the beginning.
#[must_use]
pub fn goes_on_in_a_file() -> String {
    format!("…\n\n(cut here; the whole of it is in the file {WHOLE_TEXT})")
}

/// Stands in place of a message that is long and of no shape that we know.
pub const UNREADABLE: &str = "(a message that could not be read)";

/// Stands in place of files past those that a message can have.
#[must_use]
pub fn files_left_out(count: usize) -> String {
    format!("{count} more were left out")
}

/// To the agent, when too many of its messages wait for a time of their own.
#[must_use]
pub fn too_many_for_later() -> String {
    format!("{LATER_POSTS} messages wait for their time already; this one is not kept")
}

/// To the agent, in the last note before a minute in which they are only counted.
#[must_use]
pub fn only_counted_from_now(why: &str) -> String {
    format!("{why}; what else cannot be used within a minute is only counted")
}

/// To the agent, about those that were.
#[must_use]
pub fn counted(more: u64) -> String {
    format!("after this one {more} more of what was written could not be used")
}
