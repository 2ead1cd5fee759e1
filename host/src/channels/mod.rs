//! Platform adapters: how text and files reach people, and how theirs reach us.
//!
//! Owns the port ([`Channel`]) and the explicit list of what exists. An adapter knows messages
//! only: no store, no sessions, no routing. It never acts in a platform's callback; it enqueues.

use std::sync::Arc;

use async_trait::async_trait;
use schemas::{
    admin::RoomEvent,
    ids::{MessageId, SessionId},
    message::Address,
};

mod body;
mod bounded;
mod inbound;

pub mod peer;
pub mod terminal;

pub use body::{Body, Capabilities, Of};
pub use bounded::Bounded;
pub use inbound::{Inbound, Sender, platform_id};

/// Something to be posted at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Whose words they are.
    pub session: SessionId,
    /// The outbound row: with the part, the channel's idempotency key.
    pub message: MessageId,
    /// Which part of it, from 0: a text that is too long for the channel comes in several.
    pub part: usize,
    /// Its number.
    pub seq: i64,
    /// The inbound row that it answers.
    pub in_reply_to: Option<MessageId>,
    /// Where it goes.
    pub address: Address,
    /// What it says or does.
    pub body: Body,
    /// Names of its files.
    pub files: Vec<String>,
}

/// What the platform said about a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The platform's id of it.
    pub platform_message_id: String,
}

/// Why a post did not go out; what follows is decided by the variant alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// May work the next time.
    #[error("{0}")]
    Retry(String),
    /// This place takes more after a pause that the platform named, in seconds.
    #[error("rate limited for {0} s")]
    RateLimited(u64),
    /// The whole channel takes more after such a pause.
    #[error("the channel is rate limited for {0} s")]
    Throttled(u64),
    /// Will not work.
    #[error("{0}")]
    Permanent(String),
    /// Nobody knows whether the platform took it.
    #[error("{0}")]
    UnknownOutcome(String),
    /// The channel itself is down (no connection, 5xx, a token that was revoked): nothing wrong
    /// with this post.
    #[error("{0}")]
    Down(String),
}

/// What a channel can do about a post whose fate is unknown after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Posting the same message id and part again is harmless.
    Idempotent,
    /// The platform can be asked whether it has the post: [`Channel::find`].
    LooksUp,
    /// Nothing: `sending` must be durable before the post, and an operator decides after a crash.
    Unknown,
}

/// What a platform says about a post of unknown fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has it.
    There(Posted),
    /// It does not have it.
    NotThere,
    /// It cannot say.
    CannotTell,
}

/// Something of the host's own. A channel does with it what it can: nothing waits for it, and
/// nobody hears when it is lost.
#[derive(Debug, Clone, Copy)]
pub enum Remark<'a> {
    /// The agent works at an address, or no longer does.
    Typing {
        /// Its session.
        session: &'a SessionId,
        /// Where it is shown.
        address: &'a Address,
        /// Whether it works now.
        on: bool,
    },
    /// For the people at an address.
    Notice {
        /// The session that it is about, when it is about one.
        session: Option<&'a SessionId>,
        /// Where they are.
        address: &'a Address,
        /// What they are told.
        text: &'a str,
    },
    /// For the host's operator, where they sit at this channel.
    ForOperator(&'a str),
    /// Everything that is said in this thread shall come from now on, where the platform would
    /// only bring what mentions us.
    Follow(&'a Address),
    /// For programs: what became of a run. The ledger has it, too.
    OfRun {
        /// The run's room.
        address: &'a Address,
        /// What became of it.
        event: &'a RoomEvent,
    },
}

/// The channels of this host, by their word in `channel_type`.
#[derive(Clone, Default)]
pub struct Channels(Vec<Arc<dyn Channel>>);

impl Channels {
    /// The explicit list.
    #[must_use]
    pub fn new(list: Vec<Arc<dyn Channel>>) -> Self {
        Self(list)
    }

    /// The list with one more.
    #[must_use]
    pub fn with(mut self, channel: Arc<dyn Channel>) -> Self {
        self.0.push(channel);
        self
    }

    /// The adapter for an address.
    #[must_use]
    pub fn at(&self, address: &Address) -> Option<&Arc<dyn Channel>> {
        self.named(&address.channel_type)
    }

    /// The adapter of that word.
    #[must_use]
    pub fn named(&self, word: &str) -> Option<&Arc<dyn Channel>> {
        self.0.iter().find(|channel| channel.channel_type() == word)
    }
}

impl Channels {
    /// Says something to the host's operator, wherever they sit. Best effort.
    pub async fn tell_operator(&self, text: &str) {
        for channel in &self.0 {
            channel.tell(Remark::ForOperator(text)).await;
        }
    }
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|channel| channel.channel_type())).finish()
    }
}

/// The port to one platform.
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// The word in `channel_type`.
    fn channel_type(&self) -> &'static str;

    /// Whether its rooms have threads; where they have none, a thread's id means nothing.
    fn threads(&self) -> bool;

    /// What can be done about a post of unknown fate.
    fn resolution(&self) -> Resolution;

    /// What it can show besides text; posts with anything else come as text.
    fn capabilities(&self) -> Capabilities;

    /// Asks whether a post is there that may have been sent before. Where nothing can be looked up
    /// nobody asks.
    async fn find(&self, _post: &Post) -> Result<Found, ChannelError> {
        Ok(Found::CannotTell)
    }

    /// Posts.
    async fn post(&self, post: &Post) -> Result<Posted, ChannelError>;

    /// Tells something of the host's own, as well as it can. Of what is not shown there, nothing
    /// comes.
    async fn tell(&self, _remark: Remark<'_>) {}

    /// Whether the host's operator sits there and hears what is said in its rooms.
    fn is_the_operators(&self) -> bool {
        false
    }
}
