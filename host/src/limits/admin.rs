//! Bounds of the operator's commands.

use std::time::Duration;

use jiff::SignedDuration;

/// What `status` counts as lately: since this time yesterday.
pub const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Names that a hint offers: more would bury the right one.
pub const NEAREST: usize = 3;

/// A platform's id of a room, and a channel's word; Matrix' longest have 255.
pub const PLATFORM_ID_BYTES: usize = 512;

/// Rooms of one name in one agent's address book; past it the operator is asked for names.
pub const DESTINATION_TWINS: u32 = 1_000;

/// Characters of a message in a list: one line of a terminal.
pub const LISTED_CHARS: usize = 80;

/// Characters of one cell of a table: two lines of a terminal, and every id of ours.
pub const CELL_CHARS: usize = 160;

/// Characters of a name in a sentence: what follows it must stay in sight.
pub const NAME_CHARS: usize = 80;

/// Rows of a log that are listed at once: more than anybody reads.
pub const LISTED_ROWS: u32 = 1_000;

/// What a run gets to finish when its container is to be restarted: a long turn of a coding agent.
pub const DRAIN: Duration = Duration::from_secs(5 * 60);

/// Providers that are asked when an agent's first cannot answer: each may take its own time to say so
/// while a person waits.
pub const FALLBACKS: usize = 8;
