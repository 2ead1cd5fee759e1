//! Wake-ups within one process: rung after each commit, where the binaries have inotify.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use host::sessions::bell::{Bell, Bells};
use schemas::session_dir::SessionDir;
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct HouseBells {
    to_host: Mutex<HashMap<PathBuf, Arc<Notify>>>,
    to_guest: Mutex<HashMap<PathBuf, Arc<Notify>>>,
}

impl HouseBells {
    /// What wakes the guest of a session.
    pub(crate) fn guest(&self, dir: &SessionDir) -> Arc<Notify> {
        self.to_guest.lock().unwrap().entry(dir.root().to_owned()).or_default().clone()
    }

    /// What wakes the host's task of a session.
    pub(crate) fn host(&self, dir: &SessionDir) -> Arc<Notify> {
        self.to_host.lock().unwrap().entry(dir.root().to_owned()).or_default().clone()
    }
}

impl Bells for HouseBells {
    fn watch(&self, dir: &SessionDir) -> Bell {
        Bell::new(self.host(dir), Box::new(()))
    }

    fn wrote(&self, dir: &SessionDir) {
        self.guest(dir).notify_one();
    }
}
