//! Bounds of what guests do besides talking.

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

/// Actions that one session may ask for in a minute; further ones are refused, so that no agent
/// fills the approvals or the audit.
pub const ACTIONS: usize = 30;

/// Notes that a session's agent gets in a minute about what it wrote and nobody could use: an agent
/// that errs reads every one, and one that floods is told how many more there were.
pub const NOTES: usize = 30;

/// What one agent may have waiting for people at once: more than a person would want to read.
pub const WAITING_ASKS: usize = 20;

/// Words of a command that an agent asks for.
pub const ADMIN_WORDS: usize = 100;

/// Longest answer to such a command that is told; the rest is to be asked for in parts.
pub const ANSWER_CHARS: usize = 32_000;

/// Packages of one request: a person reads them all before saying yes.
pub const PACKAGES: usize = 50;

/// Longest name of a package; npm's own limit.
pub const PACKAGE_BYTES: usize = 214;

/// Arguments, and variables, of a tool server.
pub const SERVER_PARTS: usize = 50;

/// Longest argument or variable of a tool server.
pub const VALUE_BYTES: usize = 4_096;

/// Longest name, and what is shown of one that is none.
pub const SHOWN_CHARS: usize = 64;

/// Longest reason that an agent gives.
pub const REASON_CHARS: usize = 1_000;
