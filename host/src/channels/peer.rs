//! The channel between agents: a post to another agent becomes a row in a session of its.
//!
//! Owns nothing. It asks the daemon, which knows who may write to whom; a message's id makes
//! posting it twice harmless.

use async_trait::async_trait;
use schemas::{
    admin::RoomEvent,
    ids::SessionId,
    message::{Address, PEER_CHANNEL},
};

use super::{Capabilities, Channel, ChannelError, Post, Posted, Resolution};
use crate::{
    error::{ErrorKind, HostError},
    requests::{DaemonHandle, Request},
};

/// What agents write to each other through.
#[derive(Debug)]
pub struct Peers {
    daemon: DaemonHandle,
}

impl Peers {
    /// Through this daemon.
    #[must_use]
    pub fn new(daemon: DaemonHandle) -> Self {
        Self { daemon }
    }
}

#[async_trait]
impl Channel for Peers {
    fn channel_type(&self) -> &'static str {
        PEER_CHANNEL
    }

    fn threads(&self) -> bool {
        true
    }

    fn resolution(&self) -> Resolution {
        Resolution::Idempotent
    }

    fn capabilities(&self) -> Capabilities {
        // Another agent reads words; what else was done is told in words.
        Capabilities::default()
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let letter = Box::new(post.clone());
        let row = self.daemon.ask(|answer| Request::Peer(letter, answer)).await;
        row.map(|id| Posted { platform_message_id: id.to_string() }).map_err(|e| meaning(&e))
    }

    async fn typing(&self, _session: &SessionId, _address: &Address, _on: bool) {
        // Nobody watches.
    }

    async fn notice(&self, _session: &SessionId, _address: &Address, _text: &str) {
        // The host's words are for people; the operator's log has them.
    }

    async fn say(&self, _address: &Address, _text: &str) {
        // As above.
    }

    async fn subscribe(&self, _thread: &Address) {
        // Whatever is written to an agent reaches it.
    }

    async fn run_finished(&self, _address: &Address, _finished: &RoomEvent) {
        // The ledger of runs has it.
    }
}

fn meaning(failure: &HostError) -> ChannelError {
    let why = failure.chain();
    match failure.kind {
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Denied
        | ErrorKind::Conflict
        | ErrorKind::TooLarge => ChannelError::Permanent(why),
        ErrorKind::Busy | ErrorKind::HostDown => ChannelError::Down(why),
        ErrorKind::Storage | ErrorKind::Engine | ErrorKind::Internal => ChannelError::Retry(why),
    }
}
