//! The rows that travel, as types: what goes in, what comes out, and where it belongs.
//!
//! Owns the words that stand in columns (`kind`, `status`). Their SQL is in `inbound` and
//! `outbound`; what stands in `content` is in `content`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{InboxId, MessageId, RunId, SessionId};

/// Channel, room and thread: where a reply goes.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Address {
    /// The platform adapter, such as `terminal`.
    pub channel_type: String,
    /// The platform's own id of the room.
    pub platform_id: String,
    /// The thread in the room, where the platform has threads.
    pub thread_id: Option<String>,
}

/// The word in `channel_type` for messages between agents: the room is the other's id, the thread
/// its session.
pub const PEER_CHANNEL: &str = "agent";

/// A word that a column, or an argument, does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of {}", known.join(", "))]
pub struct UnknownWord {
    /// The word, cut to 64 characters.
    pub word: String,
    /// All that there are.
    pub known: &'static [&'static str],
}

/// Makes an enum whose variants stand in a text column.
macro_rules! column_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// The word in the column.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word in the column; `None` for a word that the contract does not have.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|known| known.as_str() == word)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::message::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::parse(word).ok_or_else(|| crate::message::UnknownWord {
                    word: word.chars().take(64).collect(),
                    known: &[$($word),+],
                })
            }
        }
    };
}
pub(crate) use column_words;

column_words!(
    /// What a row is, which decides how its content is read.
    Kind {
        /// A person's or an agent's text.
        Chat = "chat",
        /// The platform's richer serialised form, the same fields at least.
        ChatSdk = "chat-sdk",
        /// A scheduled prompt.
        Task = "task",
        /// An event that a webhook brought.
        Webhook = "webhook",
        /// Host to guest, or a guest's action.
        System = "system",
    }
);

column_words!(
    /// Where an inbound row stands; the host's word.
    InboundStatus {
        /// Waits for a guest.
        Pending = "pending",
        /// Worked on, with success.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
        /// Held by a person.
        Paused = "paused",
        /// Taken back before a guest began.
        Cancelled = "cancelled",
    }
);

column_words!(
    /// Where an inbound row stands; the guest's word.
    AckStatus {
        /// Claimed.
        Processing = "processing",
        /// Worked on; in the same transaction as the replies.
        Completed = "completed",
        /// Will not work; the error says why.
        Failed = "failed",
        /// Was cancelled before the work began.
        Cancelled = "cancelled",
        /// May work later.
        Retry = "retry",
    }
);

column_words!(
    /// Where an outbound row stands in the host's ledger.
    DeliveryStatus {
        /// Handed to the channel, or waiting for its next attempt.
        Sending = "sending",
        /// The platform has it.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
    }
);

column_words!(
    /// How a run ended.
    Outcome {
        /// The work was done.
        Completed = "completed",
        /// The work could not be done.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// It ended under the guest's hands.
        Interrupted = "interrupted",
    }
);

/// A row for `messages_in` before it has a number.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the contract")]
#[derive(Debug, Clone, PartialEq)]
pub struct NewInbound {
    /// The row's id; writing one that exists is a no-op.
    pub id: MessageId,
    /// What it is.
    pub kind: Kind,
    /// When it was said.
    pub timestamp: Timestamp,
    /// Not before; `None` is now.
    pub process_after: Option<Timestamp>,
    /// Cron expression; `None` is once.
    pub recurrence: Option<String>,
    /// The first occurrence's id: the stable handle of a repeating row.
    pub series_id: Option<String>,
    /// Whether it wakes the agent; otherwise it rides along as context.
    pub trigger: bool,
    /// Where the reply goes; `None` leaves it to the session's default.
    pub address: Option<Address>,
    /// JSON, typed by kind.
    pub content: String,
    /// Agent to agent: the sender's session.
    pub source_session: Option<SessionId>,
    /// Only for a container's first read.
    pub on_wake: bool,
    /// The person as the host resolved it; never from the content.
    pub sender_id: Option<String>,
    /// Its own run, never batched.
    pub solo: bool,
    /// The sender's idempotency key.
    pub client_id: Option<String>,
    /// The attachment folder.
    pub inbox: Option<InboxId>,
    /// Hash of what was sent, to tell a repeat from a conflict.
    pub digest: Option<String>,
}

impl NewInbound {
    /// A row that wakes the agent now, with nothing special about it.
    #[must_use]
    pub fn new(id: MessageId, kind: Kind, timestamp: Timestamp, content: String) -> Self {
        Self {
            id,
            kind,
            timestamp,
            process_after: None,
            recurrence: None,
            series_id: None,
            trigger: true,
            address: None,
            content,
            source_session: None,
            on_wake: false,
            sender_id: None,
            solo: false,
            client_id: None,
            inbox: None,
            digest: None,
        }
    }
}

/// A row of `messages_in` as the guest reads it.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the contract")]
#[derive(Debug, Clone, PartialEq)]
pub struct InboundRow {
    /// The row's id.
    pub id: MessageId,
    /// Even; the number that the agent sees.
    pub seq: i64,
    /// What it is.
    pub kind: Kind,
    /// When it was said.
    pub timestamp: Timestamp,
    /// The host's word.
    pub status: InboundStatus,
    /// Attempts that crashed or were retried.
    pub tries: i64,
    /// Whether it wakes the agent.
    pub trigger: bool,
    /// Where the reply goes.
    pub address: Option<Address>,
    /// JSON, typed by kind.
    pub content: String,
    /// Only for a container's first read.
    pub on_wake: bool,
    /// The person as the host resolved it.
    pub sender_id: Option<String>,
    /// Its own run.
    pub solo: bool,
    /// What the guest orders by, before `seq`.
    pub queue_pos: Option<i64>,
}

/// A row for `messages_out` before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOutbound {
    /// The row's id.
    pub id: MessageId,
    /// The inbound row that it answers.
    pub in_reply_to: Option<MessageId>,
    /// When it was written.
    pub timestamp: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// Where it goes; `None` is the session's default.
    pub address: Option<Address>,
    /// JSON, typed by kind.
    pub content: String,
    /// The run that wrote it.
    pub run: Option<RunId>,
}

/// A row of `messages_out` as the host reads it: checked, yet a hostile guest's word.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboundRow {
    /// The row's id.
    pub id: MessageId,
    /// Odd; rows are delivered in this order.
    pub seq: i64,
    /// The inbound row that it says it answers.
    pub in_reply_to: Option<MessageId>,
    /// Not before.
    pub deliver_after: Option<Timestamp>,
    /// What it is.
    pub kind: Kind,
    /// Where it wants to go.
    pub address: Option<Address>,
    /// JSON, typed by kind.
    pub content: String,
    /// The run that it names.
    pub run: Option<RunId>,
    /// When it says that it was written.
    pub written_at: Option<Timestamp>,
}

/// A row of `destinations`: a name that the agent may send to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The name that the agent uses.
    pub name: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// What it leads to.
    pub target: DestinationTarget,
}

/// Where a [`Destination`] leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationTarget {
    /// A room on a channel.
    Channel(Address),
    /// Another agent, by its id.
    Agent(String),
}

/// A row of the ledger `delivered`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// The outbound row.
    pub message_out: MessageId,
    /// The platform's id of what was posted; of several parts all of them, see [`platform_ids`].
    pub platform_message_id: Option<String>,
    /// How far it came.
    pub status: DeliveryStatus,
    /// When the platform took it.
    pub delivered_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// The last error.
    pub error: Option<String>,
}

/// The platform's ids in a column of the ledger: a long message went out in parts, in this order.
#[must_use]
pub fn platform_ids(column: Option<&str>) -> Vec<String> {
    let Some(text) = column else { return Vec::new() };
    let list = text.starts_with("[\"").then(|| serde_json::from_str(text).ok()).flatten();
    list.unwrap_or_else(|| vec![text.to_owned()])
}

/// The column for the platform's ids of all parts so far; one stands there as it is.
#[must_use]
pub fn platform_ids_column(ids: &[String]) -> Option<String> {
    match ids {
        [] => None,
        [one] => Some(one.clone()),
        several => serde_json::to_string(several).ok(),
    }
}
