//! Every limit of the contract, each with its reason.

use std::time::Duration;

/// Largest attachment or outbox file. What platforms let through an upload of their own.
pub const MAX_FILE_BYTES: u64 = 25 * 1024 * 1024;

/// Attachments of one message together: four of the largest.
pub const MAX_MESSAGE_FILES_BYTES: u64 = 4 * MAX_FILE_BYTES;

/// Attachments of one message. A million empty files cost no bytes, yet a folder.
pub const MAX_ATTACHMENTS: usize = 100;

/// Longest file name: what the file systems in use take in one path component.
pub const MAX_NAME_BYTES: usize = 255;

/// Size of `outbound.db` past which the operator is warned: a copy then costs half a millisecond
/// and the guest's pruning is plainly not working.
pub const OUTBOUND_SOFT_BYTES: u64 = 8 * 1024 * 1024;

/// Size of `outbound.db` past which the session is set aside: a copy stands in memory whole.
pub const OUTBOUND_HARD_BYTES: u64 = 64 * 1024 * 1024;

/// Longest `content` of an outbound row. Longer things are files.
pub const MAX_CONTENT_BYTES: usize = 1024 * 1024;

/// Longest `content` of a row that an agent looks through again: what is longer is no conversation.
pub const MAX_PAST_BYTES: usize = 256 * 1024;

/// Longest of the other texts that a guest writes: errors, addresses, the ids of a run.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Most messages that one run may name; a batch has ten, and context beside it.
pub const MAX_RUN_MESSAGES: usize = 1_000;

/// Highest number of a row: the highest that JSON readers everywhere keep exact.
pub const MAX_SEQ: i64 = (1 << 53) - 1;

/// What one question to a copy may take. An honest one takes a fraction of a millisecond; the
/// largest file that is let in, twenty.
pub const COPY_DEADLINE: Duration = Duration::from_millis(500);

/// How long the guest's lock is waited for.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// The first tries for a lock come quickly: an honest commit holds it for half a millisecond.
pub const LOCK_EAGER: Duration = Duration::from_millis(20);

/// Pause between the first tries, see [`LOCK_EAGER`].
pub const LOCK_EAGER_STEP: Duration = Duration::from_micros(200);

/// Pause between the later tries.
pub const LOCK_STEP: Duration = Duration::from_millis(5);

/// Longest time without a sign of progress that a tool may ask for: the longest builds that people
/// wait for. What a guest says beyond it is not believed.
pub const MAX_TOOL_TIMEOUT: Duration = Duration::from_secs(2 * 3_600);

/// Most tokens of one kind that an attempt can have used: a thousand times what the longest turns
/// that were ever seen read. A larger count is nobody's word.
pub const MAX_TOKENS: u64 = 1 << 40;

/// Most that one attempt can have cost, in dollars; the same.
pub const MAX_COST_USD: f64 = 1_000_000.0;

/// Attempts of one run whose use is added up: more than any chain of providers has.
pub const MAX_ATTEMPTS: u32 = 64;
