//! The liveness signal: the mtime of `out/.heartbeat`.
//!
//! Owns nothing but the touch. Whoever holds a claim calls it; an idle guest never does.

use std::fs::OpenOptions;

use jiff::Timestamp;
use schemas::session_dir::SessionDir;

/// Says *I live*, at this time. A touch that fails is only logged: a host that misses it asks
/// again in a minute, and a full disk must not end a turn.
pub(crate) fn touch(dir: &SessionDir, now: Timestamp) {
    let touched = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(dir.heartbeat())
        .and_then(|file| file.set_modified(now.into()));
    if let Err(error) = touched {
        tracing::warn!(%error, "cannot touch the heartbeat");
    }
}
