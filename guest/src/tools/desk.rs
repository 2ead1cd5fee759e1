//! Where tools find the turn that is at work.
//!
//! Owns that a tool acts within a turn or not at all: outside of one there is nobody who could
//! write down what it does.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jiff::tz::TimeZone;
use schemas::session_dir::SessionDir;

use crate::provider::Sink;

/// One for each guest; clones are the same desk.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    seat: Arc<Mutex<Option<Arc<Seat>>>>,
    socket: Arc<OnceLock<PathBuf>>,
}

/// The turn at work, as its tools see it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) sink: Sink,
    pub(crate) dir: SessionDir,
    /// Where relative paths begin.
    pub(crate) work: PathBuf,
    pub(crate) zone: TimeZone,
    /// The number that it begins with; what was said before has a lower one.
    pub(crate) begins: i64,
}

/// Whoever drops it leaves the desk.
#[derive(Debug)]
pub(crate) struct Seated(Desk);

impl Desk {
    /// The socket at which `lazaret-guest tools --socket` finds this desk, where there is one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.socket.get().map(PathBuf::as_path)
    }

    pub(super) fn is_reached_at(&self, socket: PathBuf) {
        if self.socket.set(socket).is_err() {
            tracing::warn!("the tools have a socket already");
        }
    }

    /// A turn begins; it is at work until what this answers is dropped.
    #[must_use]
    pub(crate) fn sit(&self, seat: Seat) -> Seated {
        *self.lock() = Some(Arc::new(seat));
        Seated(self.clone())
    }

    pub(super) fn seat(&self) -> Option<Arc<Seat>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Seat>>> {
        // What is kept is whole whoever panicked.
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
