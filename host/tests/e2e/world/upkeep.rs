//! Copies of a world's home, and homes that are made from them.

use std::path::PathBuf;

use host::{
    store::Store,
    upkeep::{
        Ask,
        backup::Manifest,
        central,
        copies::{self, Kind},
        restore,
    },
};
use tokio::sync::mpsc;

use super::{World, fast_disk};

impl World {
    /// How many copies of the central database there are.
    pub(crate) fn copies(&self) -> usize {
        copies::list(self.home.path()).len()
    }

    /// A copy of the central database, as one is made each day.
    pub(crate) fn copies_central(&self) -> PathBuf {
        copies::make(self.home.path(), Kind::Daily, self.now()).unwrap()
    }

    /// The host dies, and its central database is replaced by an older copy.
    pub(crate) async fn goes_back_to(&mut self, copy: &std::path::Path) {
        self.crash_host().await;
        central::replace(self.home.path(), copy, self.now()).await.unwrap();
        self.start_host().await;
    }

    /// A backup, made by the host that runs; its bytes.
    pub(crate) async fn backs_up(&self) -> Vec<u8> {
        let (sender, mut pieces) = mpsc::channel(4);
        self.ask(|answer| Ask::Backup(true, sender, answer).into()).await.unwrap();
        let mut archive = Vec::new();
        while let Some(piece) = pieces.recv().await {
            archive.extend_from_slice(&piece.unwrap());
        }
        archive
    }

    /// A backup, made while the platform has a post and says nothing about it.
    pub(crate) async fn backs_up_while_it_posts(&mut self) -> Vec<u8> {
        self.platform.looks_up(true);
        self.posts_into_nothing("andy", "one").await;
        self.backs_up().await
    }

    /// This home and its containers are gone; another is made of a backup, and its host starts.
    pub(crate) async fn moves_to(&mut self, archive: &[u8]) -> Manifest {
        self.crash_host().await;
        self.yard.close().await;
        self.home = tempfile::tempdir_in(fast_disk()).unwrap();
        let (home, now) = (self.home.path().to_owned(), self.now());
        let file = home.with_extension("tar");
        std::fs::write(&file, archive).unwrap();
        let done = tokio::task::spawn_blocking(move || {
            let done = restore::restore(&file, &home, now);
            std::fs::remove_file(&file).unwrap();
            done.unwrap()
        });
        let manifest = done.await.unwrap().manifest;
        self.start_host().await;
        manifest
    }

    /// The id of this installation.
    pub(crate) async fn install(&self) -> String {
        let store = Store::open(&self.home.path().join("central.db")).unwrap();
        store.install_id(self.now()).await.unwrap().to_string()
    }

    /// Folders of sessions that the central database does not know.
    pub(crate) async fn orphan_folders(&self) -> Vec<String> {
        let health = self.ask(|answer| Ask::Health(answer).into()).await.unwrap();
        host::upkeep::doctor::orphans(self.home.path(), &health)
    }
}
