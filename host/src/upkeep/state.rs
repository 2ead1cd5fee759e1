//! What upkeep knows of itself while a host runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::quota::Large;

/// Shared by all sessions' tasks.
#[derive(Debug, Clone, Default)]
pub struct State {
    backups: Arc<AtomicUsize>,
    measures: Arc<AtomicBool>,
    /// Sessions whose folders hold much.
    pub large: Large,
    /// Days that is kept what agents say nothing about; `None` is forever.
    pub keep_days: Option<u32>,
}

/// Held while a backup is made.
#[derive(Debug)]
pub struct BackingUp(Arc<AtomicUsize>);

impl State {
    /// Of a host that keeps what agents say nothing about for so long.
    #[must_use]
    pub fn keeping(keep_days: Option<u32>) -> Self {
        Self { keep_days, ..Self::default() }
    }

    /// A backup begins.
    #[must_use]
    pub fn backing_up(&self) -> BackingUp {
        self.backups.fetch_add(1, Ordering::SeqCst);
        BackingUp(self.backups.clone())
    }

    /// Notes whether sessions are measured from time to time; answers whether they were.
    pub fn measures(&self, now: bool) -> bool {
        self.measures.swap(now, Ordering::SeqCst)
    }

    /// Whether files must stay because a backup may be about to read them.
    #[must_use]
    pub fn is_backing_up(&self) -> bool {
        self.backups.load(Ordering::SeqCst) > 0
    }
}

impl Drop for BackingUp {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
