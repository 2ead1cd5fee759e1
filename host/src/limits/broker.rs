//! Bounds of the model sockets: who may ask how much, and how long it may take.

use std::time::Duration;

/// Connections of one session. A runtime keeps one for each call that it makes at the same time,
/// its sub-agents' included, and seldom has ten.
pub const CONNECTIONS: usize = 32;

/// Connections that are told that there are too many: beyond them nobody is told anything.
pub const REFUSED_AT_ONCE: usize = 8;

/// What telling them may take.
pub const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// Bytes of a request's head. Runtimes send one or two KiB.
pub const HEAD_BYTES: usize = 32 * 1024;

/// Header fields of a request: three times what runtimes send.
pub const HEADERS: usize = 64;

/// Until a request's head is there, also on a connection that is kept for the next one: one that
/// is not used for so long costs its runtime a millisecond to open again.
pub const HEAD_WAIT: Duration = Duration::from_secs(5 * 60);

/// Bytes of a request's path and query.
pub const TARGET_BYTES: usize = 2 * 1024;

/// Bytes of a request's body: Anthropic takes 32 MiB, with images and documents in it.
pub const BODY_BYTES: u64 = 64 * 1024 * 1024;

/// Until a connection to a model's server stands, TLS included.
pub const CONNECT: Duration = Duration::from_secs(10);

/// Until the head of its answer is there, counted from the request's begin: one that is not
/// streamed comes after all its thinking, and the interfaces' own libraries wait ten minutes.
pub const ANSWER_HEAD: Duration = Duration::from_secs(15 * 60);

/// Between two pieces of an answer. Anthropic sends a sign of life every few seconds; others are
/// silent while their model thinks.
pub const ANSWER_SILENCE: Duration = Duration::from_secs(10 * 60);

/// How long a connection to a model's server is kept for the next call: servers end theirs after a
/// minute or more, and a turn's next call mostly comes within seconds.
pub const KEPT_IDLE: Duration = Duration::from_secs(50);

/// Connections that are kept so for each server, at about 40 KiB.
pub const KEPT_CONNECTIONS: usize = 8;

/// Calls of a session that are remembered. A turn of a coding agent makes tens, a long one hundreds;
/// the guest asks after each.
pub const CALLS: usize = 256;

/// Bytes of a call's path and route that are remembered.
pub const CALL_PATH_BYTES: usize = 256;

/// Bytes of a model's name.
pub const MODEL_NAME_BYTES: usize = 100;

/// Longest pause that a server's word is taken for: a day.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What calls under way get to finish when the host ends; those that take longer are cut.
pub const DRAIN: Duration = Duration::from_secs(5);

/// Routes that the operator may name.
pub const ROUTES: usize = 64;

/// Bytes of a secret's value: keys have a hundred, tokens of some clouds a few thousand.
pub const SECRET_BYTES: usize = 16 * 1024;

/// Secrets that are kept.
pub const SECRETS: usize = 256;

/// Bytes of the file of the secrets: all of them at their longest, encrypted and written as text.
pub const SECRETS_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// What of a guest's request is held in memory at once, head or body.
pub const GUEST_BUFFER: usize = 64 * 1024;

/// The same of a server's answer.
pub const ANSWER_BUFFER: usize = 64 * 1024;
