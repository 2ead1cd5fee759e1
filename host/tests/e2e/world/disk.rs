//! A disk of a world's own, which can be full: a tmpfs over its home, whose size is set to what
//! lies on it.
//!
//! It is mounted where nobody but this process and its children see it, so the process must have
//! been taken apart from the machine's mounts: `simulation/apart.rs` does that.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use host::store::Store;
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::statvfs::statvfs,
};

use super::World;

/// Room for everything that a script leaves.
const LARGE: u64 = 256 << 20;

pub(super) struct Disk {
    place: PathBuf,
    full: AtomicBool,
}

impl Disk {
    fn over(place: &Path) -> Self {
        let size = format!("size={LARGE},mode=700");
        mount(Some("none"), place, Some("tmpfs"), MsFlags::empty(), Some(size.as_str())).unwrap();
        Self { place: place.to_owned(), full: AtomicBool::new(false) }
    }

    fn resize(&self, bytes: u64) -> nix::Result<()> {
        let size = format!("size={bytes}");
        let (none, again) = (None::<&str>, MsFlags::MS_REMOUNT);
        mount(none, &self.place, none, again, Some(size.as_str()))
    }

    fn shrinks_to(&self, free_pages: u64) -> bool {
        let on_it = statvfs(&self.place).unwrap();
        let used = on_it.blocks() - on_it.blocks_free();
        self.resize((used + free_pages) * on_it.fragment_size()).is_ok()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What is on it goes with it; its place is removed by whoever made it.
        umount2(&self.place, MntFlags::MNT_DETACH).ok();
    }
}

impl World {
    /// Its home is a disk of its own.
    pub(crate) fn on_a_disk_of_its_own(mut self) -> Self {
        self.disk = Some(Disk::over(self.home.path()));
        self
    }

    /// From now on so many pages fit on the disk, and no more.
    pub(crate) fn disk_fills(&self, pages: u64) {
        let disk = self.disk.as_ref().expect("a disk of its own");
        disk.full.store(true, Ordering::Relaxed);
        // Somebody may have written more meanwhile than it is to hold.
        while !disk.shrinks_to(pages) {}
    }

    /// Somebody makes room.
    pub(crate) fn disk_has_room(&self) {
        if let Some(disk) = self.disk.as_ref().filter(|disk| disk.full.load(Ordering::Relaxed)) {
            disk.resize(LARGE).unwrap();
            disk.full.store(false, Ordering::Relaxed);
        }
    }

    /// Whether nothing fits on it.
    pub(crate) fn disk_is_full(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.full.load(Ordering::Relaxed))
    }

    /// The central database. Where the disk is too full to open it, somebody makes room first.
    pub(super) fn central(&self) -> Store {
        let path = self.home.path().join("central.db");
        match Store::open(&path) {
            Ok(store) => store,
            Err(failure) => {
                assert!(self.disk_is_full() && says_full(&failure.chain()), "{failure:?}");
                self.disk_has_room();
                Store::open(&path).unwrap()
            }
        }
    }

    /// What was refused because nothing fits says so.
    pub(crate) fn is_refused_for_want_of_room(&self, failure: &host::error::HostError) -> bool {
        self.disk_is_full() && says_full(&failure.chain())
    }
}

/// Whether it failed because nothing fits on a disk.
pub(super) fn says_full(chain: &str) -> bool {
    ["full", "No space left"].iter().any(|word| chain.contains(word))
}
