//! Bounds of what guests do besides talking.

use std::time::Duration;

use jiff::SignedDuration;

/// Longest id that a guest may give to a question or a request of its own, and longest id of a
/// message that it may name: platforms' ids are far shorter.
pub const GUEST_ID_BYTES: usize = 512;

/// Longest emoji, or name of one.
pub const EMOJI_BYTES: usize = 64;

/// Options of one question: what platforms show as buttons of one message.
pub const QUESTION_OPTIONS: usize = 25;

/// Longest option of a question; longer ones are no buttons any more.
pub const OPTION_BYTES: usize = 200;

/// Fields of one card.
pub const CARD_FIELDS: usize = 25;

/// The stretch of time that the next bounds count in.
pub const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// How often in a minute an answer to an action wakes its agent; further ones ride along with the
/// next message. An agent that asks again over every answer would else never rest.
pub const ACTION_WAKES: usize = 10;

/// How often a thought may be handed on among agents: an answer, a question back and its answer
/// are four, and what goes on for longer is a loop until somebody says otherwise.
pub const PEER_HOPS: u32 = 8;

/// Messages that one session may write to other agents in a minute: more than a dialogue needs.
pub const PEER_MESSAGES: usize = 20;

/// Longest name of a model.
pub const MODEL_BYTES: usize = 100;

/// What a guest gets to drop a run that somebody stopped; ours does it in milliseconds, and one
/// that cannot is ended.
pub const ABORT_PATIENCE: Duration = Duration::from_secs(10);
