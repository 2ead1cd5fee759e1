//! The wake-up from guest to host, as a port.
//!
//! Owns the idea that a ring means *look*, never *this happened*: rings may be lost, doubled or
//! made up by a hostile guest, and the belt poll catches what was lost.

use std::sync::Arc;

use schemas::session_dir::SessionDir;
use tokio::sync::Notify;

/// Hands out bells: inotify in the binary, an in-process notify in the tests' harness.
pub trait Bells: Send + Sync + 'static {
    /// A bell that rings when the session's `outbound.db` was written and closed. It stops when
    /// it is dropped.
    fn watch(&self, dir: &SessionDir) -> Bell;

    /// The session's `inbound.db` was written and closed. Wakes a guest that cannot watch files.
    fn wrote(&self, dir: &SessionDir);
}

/// Rings when the guest may have written.
pub struct Bell {
    notify: Arc<Notify>,
    _watch: Box<dyn Send + Sync>,
}

impl Bell {
    /// A bell on `notify`, which `watch` keeps connected.
    #[must_use]
    pub fn new(notify: Arc<Notify>, watch: Box<dyn Send + Sync>) -> Self {
        Self { notify, _watch: watch }
    }

    /// Resolves at the next ring; one that came before counts.
    pub async fn rung(&self) {
        self.notify.notified().await;
    }
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bell")
    }
}
