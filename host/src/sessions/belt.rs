//! When to look at a guest's file although no bell was heard.
//!
//! Owns the pauses between glances. A glance reads a file's times and size, never the file.

use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use crate::limits;

/// The belt: a cheap glance that catches what the bell missed, rarer the longer nothing happens,
/// and rarer still where the bell was heard and has missed nothing since.
#[derive(Debug)]
pub(super) struct Belt {
    pause: Duration,
    longest: Duration,
    /// Whether the bell was heard.
    pub(super) proven: bool,
    next: Instant,
    seen: Option<(SystemTime, u64, u64)>,
}

impl Belt {
    /// What is idle after `idle_after` is noticed a quarter of it late at worst.
    pub(super) fn new(idle_after: Duration) -> Self {
        Self {
            pause: limits::BELT_FIRST,
            longest: limits::BELT_LONGEST_PROVEN.min(idle_after / 4).max(limits::BELT_LONGEST),
            proven: false,
            next: Instant::now() + limits::BELT_FIRST,
            seen: None,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether nothing happened for a while.
    pub(super) fn is_slow(&self) -> bool {
        self.pause >= limits::BELT_LONGEST
    }

    /// There is more of what is done in quiet moments.
    pub(super) fn soon(&mut self) {
        self.next = Instant::now() + limits::TIDY_PAUSE;
    }

    pub(super) fn rung(&mut self) {
        self.proven = true;
        self.pause = limits::BELT_FIRST;
        self.next = Instant::now() + self.pause;
    }

    pub(super) fn slower(&mut self) {
        let longest = if self.proven { self.longest } else { limits::BELT_LONGEST };
        self.pause = (self.pause * 2).min(longest);
        self.next = Instant::now() + self.pause;
    }

    /// Whether the file looks otherwise than at the last glance.
    pub(super) fn changed(&mut self, path: &Path) -> bool {
        let glance = std::fs::symlink_metadata(path)
            .ok()
            .and_then(|meta| Some((meta.modified().ok()?, meta.len(), meta.ino())));
        let changed = glance != self.seen;
        self.seen = glance;
        changed
    }
}
