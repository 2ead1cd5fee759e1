//! The wake-up in a container: inotify on `inbound.db`, and a belt poll for what it misses.
//!
//! Owns the watch and its mask (closed after writing, nothing else: our own reads must not wake
//! us). The belt looks at size, mtime and inode only; its pause grows from 5 ms to 1 s with the
//! age of the last wake. Some mounts do not carry inotify, and it leaves only the belt there; once
//! the watch has told of a write, the mount does carry it and the belt loosens to 15 s, because
//! even one `stat` a second is too much for a machine with many idle guests.

use std::{
    fs, io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor},
};
use schemas::session_dir::SessionDir;
use tokio::{
    net::unix::pipe::Receiver,
    select,
    time::{Instant, sleep_until},
};

use crate::{limits, wake::Wake};

/// Watches one session's `inbound.db`. Must be made inside a runtime.
pub struct Watch {
    file: PathBuf,
    folder: PathBuf,
    inotify: Option<Armed>,
    watched: Option<Watched>,
    seen: Option<Stamp>,
    /// The watch has told of a write, and the belt has found none that it missed since.
    proven: bool,
    belt: Belt,
}

/// An inotify, and the same descriptor as something to read from. It is no pipe, but reads like
/// one: tokio's own type for any descriptor cannot be made without `unsafe`.
struct Armed {
    inotify: Inotify,
    events: Receiver,
}

/// The inode that is watched: the file's, or its folder's while there is no file.
#[derive(Debug, Clone, Copy)]
struct Watched {
    inode: u64,
    watch: WatchDescriptor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    mtime: (i64, i64),
}

#[derive(Debug)]
struct Belt {
    next: Instant,
    pause: Duration,
    /// A change that the belt itself found may have been followed by one of the same stamp.
    look_once_more: bool,
}

impl Watch {
    /// Watches the session's file, whether it is there already or not.
    #[must_use]
    pub fn new(dir: &SessionDir) -> Self {
        let inotify = Armed::open().inspect_err(|error| {
            tracing::warn!(%error, "no inotify, only the belt poll wakes this guest");
        });
        let mut watch = Self {
            file: dir.inbound_db(),
            folder: dir.in_dir(),
            inotify: inotify.ok(),
            watched: None,
            seen: None,
            proven: false,
            belt: Belt::tight(),
        };
        watch.seen = stamp(&watch.file);
        watch.arm();
        watch
    }

    /// Points the watch at the file, or at its folder while there is none.
    fn arm(&mut self) {
        let Some(inotify) = &self.inotify else { return };
        let inotify = &inotify.inotify;
        let there = [&self.file, &self.folder]
            .into_iter()
            .find_map(|path| Some((path, fs::metadata(path).ok()?.ino())));
        let Some((path, inode)) = there else { return };
        if self.watched.is_some_and(|watched| watched.inode == inode) {
            return;
        }
        let watch = match inotify.add_watch(path, AddWatchFlags::IN_CLOSE_WRITE) {
            Ok(watch) => watch,
            Err(error) => {
                tracing::warn!(%error, "cannot watch the inbox, the belt poll does it");
                return;
            }
        };
        let old = self.watched.replace(Watched { inode, watch });
        // A file that is gone took its watch along.
        if let Some(old) = old
            && let Err(error) = inotify.rm_watch(old.watch)
            && error != Errno::EINVAL
        {
            tracing::debug!(%error, "cannot remove an old watch");
        }
    }

    fn woken(&mut self) {
        self.seen = stamp(&self.file);
        self.belt = Belt::tight();
        self.arm();
    }

    /// The belt's look. The watch's own events come first, so what it finds was missed.
    fn poll(&mut self) -> bool {
        self.belt.next = Instant::now() + self.belt.pause;
        let longest = if self.proven { limits::BELT_MAX_PROVEN } else { limits::BELT_MAX };
        self.belt.pause = (self.belt.pause * 2).min(longest);
        let now = stamp(&self.file);
        if now != self.seen {
            self.proven = false;
            self.woken();
            self.belt.look_once_more = true;
            return true;
        }
        // Files have the time of the kernel's tick: two writes within one look the same.
        let once_more = self.belt.look_once_more && self.belt.pause > limits::BELT_MIN * 8;
        if once_more {
            self.belt.look_once_more = false;
        }
        once_more
    }
}

#[async_trait]
impl Wake for Watch {
    async fn changed(&mut self) {
        loop {
            let next = self.belt.next;
            select! {
                biased;
                () = event(self.inotify.as_ref()) => {
                    self.proven = true;
                    self.woken();
                    return;
                }
                () = sleep_until(next) => {
                    if self.poll() {
                        return;
                    }
                }
            }
        }
    }
}

impl Belt {
    fn tight() -> Self {
        let pause = limits::BELT_MIN;
        Self { next: Instant::now() + pause, pause: pause * 2, look_once_more: false }
    }
}

/// Resolves when there was an event; never without inotify.
async fn event(armed: Option<&Armed>) {
    let Some(Armed { events, .. }) = armed else { return std::future::pending().await };
    let mut what_happened = [0; 4096];
    loop {
        let read = match events.readable().await {
            Ok(()) => events.try_read(&mut what_happened),
            Err(error) => Err(error),
        };
        match read {
            // Which event it was does not matter: there is one mask.
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::warn!(%error, "cannot read inotify, the belt poll does it");
                return std::future::pending().await;
            }
        }
    }
}

impl Armed {
    fn open() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let events = Receiver::from_owned_fd_unchecked(inotify.as_fd().try_clone_to_owned()?)?;
        Ok(Self { inotify, events })
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Stamp { inode: meta.ino(), size: meta.size(), mtime: (meta.mtime(), meta.mtime_nsec()) })
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write};

    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(150);

    fn folder() -> (tempfile::TempDir, SessionDir) {
        let root = tempfile::tempdir().unwrap();
        let dir = SessionDir::at(root.path());
        fs::create_dir(dir.in_dir()).unwrap();
        (root, dir)
    }

    fn write(path: &Path) {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(b"x").unwrap();
    }

    async fn wakes(watch: &mut Watch, within: Duration) -> bool {
        timeout(within, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn a_write_wakes_once_and_a_read_does_not() {
        let (_root, dir) = folder();
        write(&dir.inbound_db());
        let mut watch = Watch::new(&dir);
        assert!(!wakes(&mut watch, SHORT).await);
        fs::read(dir.inbound_db()).unwrap();
        assert!(!wakes(&mut watch, SHORT).await);
        write(&dir.inbound_db());
        assert!(wakes(&mut watch, LONG).await);
        assert!(!wakes(&mut watch, SHORT).await);
    }

    #[tokio::test]
    async fn a_file_that_comes_later_or_is_replaced_is_watched() {
        let (_root, dir) = folder();
        let mut watch = Watch::new(&dir);
        write(&dir.inbound_db());
        assert!(wakes(&mut watch, LONG).await);
        let other = dir.in_dir().join("other");
        write(&other);
        fs::rename(&other, dir.inbound_db()).unwrap();
        assert!(wakes(&mut watch, LONG).await);
        let inode = fs::metadata(dir.inbound_db()).unwrap().ino();
        assert_eq!(watch.watched.map(|watched| watched.inode), Some(inode));
        write(&dir.inbound_db());
        assert!(wakes(&mut watch, LONG).await);
    }

    #[tokio::test]
    async fn the_belt_alone_wakes_too() {
        let (_root, dir) = folder();
        let mut watch = Watch::new(&dir);
        watch.inotify = None;
        write(&dir.inbound_db());
        assert!(wakes(&mut watch, LONG).await);
        // Once more, for a second write within the same tick; then it is quiet.
        assert!(wakes(&mut watch, LONG).await);
        assert!(!wakes(&mut watch, SHORT).await);
    }
}
