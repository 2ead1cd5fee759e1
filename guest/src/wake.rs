//! The port that says when to look into `inbound.db` again.
//!
//! Owns only the trait and its in-process form. The binary's form (inotify and a belt poll) is
//! `watch`.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

/// Tells that `inbound.db` may have changed.
#[async_trait]
pub trait Wake: Send {
    /// Resolves when it may have changed since the last time. May be dropped and called again at
    /// any await without losing a change.
    async fn changed(&mut self);
}

/// Rung by a host in the same process after each of its commits, with `notify_one`.
#[async_trait]
impl Wake for Arc<Notify> {
    async fn changed(&mut self) {
        self.notified().await;
    }
}
