//! Sleeping sessions whose posts wait for a channel.
//!
//! Owns waking them when it is back, one after the other: each has a due time anyway, at which it
//! would try by itself, so that forgetting who waits costs minutes and no message.

use std::collections::HashMap;

use schemas::ids::SessionId;
use tokio::sync::watch;

use super::{Daemon, Due};
use crate::{delivery::Traffic, limits::channel::WAKE_STEP};

/// Who waits for what.
pub(super) struct Waiting {
    sessions: HashMap<SessionId, Vec<String>>,
    news: watch::Receiver<u64>,
}

impl Waiting {
    pub(super) fn new(traffic: &Traffic) -> Self {
        Self { sessions: HashMap::new(), news: traffic.news() }
    }

    /// A channel is back.
    pub(super) async fn news(&mut self) {
        if self.news.changed().await.is_err() {
            // Nobody posts any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Daemon {
    /// A session falls asleep while posts of it wait for these channels.
    pub(super) fn note_waiting(&mut self, session: &SessionId, channels: Vec<String>) {
        if channels.is_empty() {
            self.waiting.sessions.remove(session);
        } else {
            self.waiting.sessions.insert(session.clone(), channels);
        }
    }

    /// Whoever waits for a channel that is back is woken, each a moment after the one before.
    pub(super) fn on_channel_back(&mut self) {
        let mut at = self.context.clock.now();
        for (session, channels) in &self.waiting.sessions {
            if channels.iter().any(|channel| !self.context.traffic.is_shut(channel)) {
                self.due.insert((at, Due::Session(session.clone())));
                at += WAKE_STEP;
            }
        }
    }

    /// The channels that a session waited for and that are back. It waits no longer: when it falls
    /// asleep again it says anew what for.
    pub(super) fn channels_back_for(&mut self, session: &SessionId) -> Vec<String> {
        let mut channels = self.waiting.sessions.remove(session).unwrap_or_default();
        channels.retain(|channel| !self.context.traffic.is_shut(channel));
        channels
    }
}
