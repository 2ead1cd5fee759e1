//! The bells of the binary: one inotify for the process, a watch for each session that is awake.
//!
//! Owns the mask: only *closed after writing*, so that our own reads ring nothing. A file that is
//! not there yet is waited for in its folder. A guest that floods its file costs bounded work: the
//! rings run together, and reading pauses when they come without end. What a watch misses, the
//! belt of the session's task finds.

use std::{
    collections::HashMap,
    io,
    os::fd::AsFd,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use schemas::session_dir::{OUTBOUND_DB, SessionDir};
use tokio::{net::unix::pipe::Receiver, sync::Notify};
use tracing::warn;

use super::bell::{Bell, Bells};
use crate::limits;

/// Hands out bells that inotify rings.
pub struct InotifyBells {
    shared: Arc<Shared>,
}

struct Shared {
    inotify: Inotify,
    // A std mutex: held for map operations, never across an await.
    watched: Mutex<HashMap<WatchDescriptor, Watched>>,
}

struct Watched {
    notify: Arc<Notify>,
    dir: SessionDir,
    /// Whether the folder is watched because the file is not there yet.
    folder: bool,
}

/// Takes the watch away when its bell is dropped.
struct Guard {
    shared: Arc<Shared>,
    notify: Arc<Notify>,
}

impl InotifyBells {
    /// Opens the inotify.
    ///
    /// # Errors
    /// When the system gives no inotify instance.
    pub fn open() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        Ok(Self { shared: Arc::new(Shared { inotify, watched: Mutex::default() }) })
    }

    /// Rings bells as the kernel reports writes. Never ends by itself; the belt goes on without.
    ///
    /// # Errors
    /// When the inotify cannot be read.
    pub async fn serve(&self) -> io::Result<()> {
        // It is no pipe, but reads like one: tokio's type for any descriptor needs `unsafe`.
        let descriptor = self.shared.inotify.as_fd().try_clone_to_owned()?;
        let readable = Receiver::from_owned_fd_unchecked(descriptor)?;
        let mut burst = 0_u32;
        loop {
            readable.readable().await?;
            let events = match self.shared.inotify.read_events() {
                Ok(events) => events,
                Err(nix::errno::Errno::EAGAIN) => {
                    // Too short for an event, so it takes none; it tells tokio that none is there.
                    let _none_left = readable.try_read(&mut [0]).is_err();
                    burst = 0;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    self.shared.ring_all();
                }
                let name = event.name.as_deref().and_then(|name| name.to_str());
                self.shared.ring(event.wd, name);
            }
            burst += 1;
            if burst >= limits::BELL_BURST {
                // A flood: whatever comes during the pause is one ring.
                tokio::time::sleep(limits::BELL_PAUSE).await;
                burst = 0;
            }
        }
    }
}

impl Bells for InotifyBells {
    fn watch(&self, dir: &SessionDir) -> Bell {
        let notify = Arc::new(Notify::new());
        self.shared.add(dir, &notify);
        let guard = Guard { shared: self.shared.clone(), notify: notify.clone() };
        Bell::new(notify, Box::new(guard))
    }

    fn wrote(&self, _dir: &SessionDir) {
        // The guest's own inotify sees it.
    }
}

impl Shared {
    fn add(&self, dir: &SessionDir, notify: &Arc<Notify>) {
        let mask = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_DONT_FOLLOW;
        let places: [(PathBuf, bool); 2] = [(dir.outbound_db(), false), (dir.out_dir(), true)];
        for (path, folder) in places {
            match self.inotify.add_watch(&path, mask) {
                Ok(descriptor) => {
                    let watched = Watched { notify: notify.clone(), dir: dir.clone(), folder };
                    self.watched().insert(descriptor, watched);
                    return;
                }
                Err(nix::errno::Errno::ENOENT) => {}
                Err(error) => {
                    warn!(path = %path.display(), %error, "cannot watch; the belt looks instead");
                    return;
                }
            }
        }
    }

    fn ring(&self, descriptor: WatchDescriptor, name: Option<&str>) {
        let mut watched = self.watched();
        let Some(found) = watched.get(&descriptor) else { return };
        if !found.folder {
            found.notify.notify_one();
            return;
        }
        if name != Some(OUTBOUND_DB) {
            return;
        }
        // The file is there now: from here on it is watched itself, and nothing else in `out/`.
        let (dir, notify) = (found.dir.clone(), found.notify.clone());
        watched.remove(&descriptor);
        drop(watched);
        self.forget(descriptor);
        self.add(&dir, &notify);
        // Rung last: the look that follows sees whatever was written between the two watches.
        notify.notify_one();
    }

    /// The kernel dropped events: nobody knows whose.
    fn ring_all(&self) {
        self.watched().values().for_each(|watched| watched.notify.notify_one());
    }

    fn forget(&self, descriptor: WatchDescriptor) {
        // A file that is gone took its watch along.
        let _gone = self.inotify.rm_watch(descriptor).is_err();
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<WatchDescriptor, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let gone: Vec<WatchDescriptor> = self
            .shared
            .watched()
            .extract_if(|_, watched| Arc::ptr_eq(&watched.notify, &self.notify))
            .map(|(descriptor, _)| descriptor)
            .collect();
        for descriptor in gone {
            self.shared.forget(descriptor);
        }
    }
}
