//! The bounds of a message's way to its agents, each with its reason.

/// Bytes of a wiring's pattern: a screen of alternatives.
pub const PATTERN_BYTES: usize = 4_096;

/// Memory of one compiled pattern: a thousand of them are as many MiB as a small machine has to
/// spare, and none of them takes long over a text.
pub const PATTERN_MEMORY: usize = 256 * 1024;

/// Brackets in brackets of a pattern: the compiler's stack grows with them.
pub const PATTERN_DEPTH: u32 = 100;

/// Bytes of a text that rules look at: who is meant stands at the beginning, and a stranger's
/// megabyte must not hold up the loop that all messages pass.
pub const RULE_TEXT_BYTES: usize = 16 * 1024;

/// Rooms and people whose facts are remembered; past it the memory is emptied and filled anew.
pub const REMEMBERED: usize = 4_096;

/// Commands that are remembered so that a platform's repeat is not obeyed twice.
pub const REMEMBERED_COMMANDS: usize = 256;
