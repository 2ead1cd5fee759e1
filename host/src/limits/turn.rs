//! Bounds of a turn that is at work: life, progress, tools, and what the room hears meanwhile.

use std::time::Duration;

use jiff::SignedDuration;

/// Silence after which a guest that holds a claim is dead: thirty heartbeats missed.
pub const SILENT_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// How long a run may go on without a sign of progress: the guest's own patience of ten minutes,
/// and a minute more, so that whoever knows more about it acts first.
pub const NO_PROGRESS_AFTER: SignedDuration = SignedDuration::from_secs(11 * 60);

/// What a tool gets beyond the time that it declared, before the host steps in: the same minute.
pub const TOOL_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// What stands in for both with a guest that has one signal only: long enough for its tools.
pub const FOREIGN_CEILING: SignedDuration = SignedDuration::from_secs(30 * 60);

/// What such a guest gets to show the first sign after it took a message.
pub const FOREIGN_CLAIM: SignedDuration = SignedDuration::from_secs(60);

/// When the operator's log mentions a run that goes on and on.
pub const LONG_RUN: SignedDuration = SignedDuration::from_secs(30 * 60);

/// What a guest gets to drop a run that somebody stopped; ours does it in milliseconds, and one
/// that cannot is killed.
pub const ABORT_PATIENCE: Duration = Duration::from_secs(5);

/// How long a person hears nothing at all before the room is told that nothing is lost.
pub const SILENCE: Duration = Duration::from_secs(60);
