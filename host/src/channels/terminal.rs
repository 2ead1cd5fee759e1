//! The terminal channel: rooms whose people sit at `lazaret chat` or call `lazaret send`.
//!
//! Owns the live streams of its rooms. It keeps nothing: what was said lies in the session's
//! outbound rows, and a client that comes back asks for what it missed by number. So posting the
//! same row twice is harmless, and a post never waits for a reader.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use schemas::{
    admin::{RoomEvent, RoomMessage},
    ids::SessionId,
    message::Address,
};
use tokio::sync::broadcast;

use super::{Capabilities, Channel, ChannelError, Post, Posted, Remark, Resolution};
use crate::limits;

/// The word in `channel_type`.
pub const CHANNEL: &str = "terminal";

/// Who speaks there: whoever reached the host's socket is its operator, the kernel said so.
pub const OPERATOR: &str = "terminal:owner";

/// All terminal rooms of this host.
#[derive(Debug, Default)]
pub struct Terminal {
    // A std mutex: held for a map look-up, never across an await.
    streams: Mutex<HashMap<Address, broadcast::Sender<RoomEvent>>>,
}

impl Terminal {
    /// What happens at an address from now on. A reader that falls behind by
    /// [`limits::ROOM_STREAM`] events is told so, and asks for what it missed.
    pub fn subscribe(&self, address: &Address) -> broadcast::Receiver<RoomEvent> {
        let mut streams = self.streams();
        streams.retain(|_, stream| stream.receiver_count() > 0);
        streams
            .entry(address.clone())
            .or_insert_with(|| broadcast::channel(limits::ROOM_STREAM).0)
            .subscribe()
    }

    fn publish(&self, address: &Address, event: RoomEvent) {
        if let Some(stream) = self.streams().get(address) {
            // No reader is no error: the row lies in the session.
            let _unread = stream.send(event).is_err();
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<Address, broadcast::Sender<RoomEvent>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A post as the room's readers see it.
#[must_use]
pub fn room_message(post: &Post) -> RoomMessage {
    RoomMessage {
        session_id: post.session.clone(),
        message_id: post.message.clone(),
        seq: post.seq,
        in_reply_to: post.in_reply_to.clone(),
        thread: post.address.thread_id.clone(),
        text: post.body.clone().into_text(),
        files: post.files.clone(),
    }
}

#[async_trait]
impl Channel for Terminal {
    fn channel_type(&self) -> &'static str {
        CHANNEL
    }

    fn threads(&self) -> bool {
        true
    }

    fn resolution(&self) -> Resolution {
        Resolution::Idempotent
    }

    fn capabilities(&self) -> Capabilities {
        // Lines of text are all there is; what was said cannot be taken back from a screen.
        Capabilities::default()
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        self.publish(&post.address, RoomEvent::Message(room_message(post)));
        Ok(Posted { platform_message_id: post.message.to_string() })
    }

    fn is_the_operators(&self) -> bool {
        true
    }

    async fn tell(&self, remark: Remark<'_>) {
        match remark {
            Remark::Typing { session, address, on } => {
                self.publish(address, RoomEvent::Typing { session_id: session.clone(), on });
            }
            Remark::Notice { session, address, text } => {
                self.publish(address, notice(session, text));
            }
            Remark::ForOperator(text) => {
                for stream in self.streams().values() {
                    // Nobody is there; what it is about waits in a list.
                    let _unread = stream.send(notice(None, text)).is_err();
                }
            }
            // Everything that is said at a terminal is said to us.
            Remark::Follow(_) => {}
            Remark::OfRun { address, event } => self.publish(address, event.clone()),
        }
    }
}

fn notice(session: Option<&SessionId>, text: &str) -> RoomEvent {
    RoomEvent::Notice { session_id: session.cloned(), text: text.to_owned() }
}
