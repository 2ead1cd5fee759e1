//! The program on a home, with agents as plain processes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
};

use host::client::Client;
use schemas::admin::Status;

use crate::{guest::guest_binary, waiting::eventually};

/// One host; it is killed when it is dropped.
pub(crate) struct Host {
    child: Child,
    run: tempfile::TempDir,
}

impl Host {
    /// Starts a host, and waits until it answers.
    pub(crate) async fn start(home: &Path) -> Self {
        let run = tempfile::Builder::new().prefix("lzr").tempdir_in("/tmp").unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_lazaret"))
            .arg("--home")
            .arg(home)
            .args(["up", "--no-isolation"])
            .env("LAZARET_RUN_DIR", run.path())
            .env("LAZARET_GUEST", guest_binary())
            .env("LAZARET_LOG", "error")
            .spawn()
            .unwrap();
        let host = Self { child, run };
        eventually("the host answers", async || {
            let mut client = Client::connect(host.socket()?).await.ok()?;
            client.get::<Status>("/v1/status").await.ok()
        })
        .await;
        host
    }

    /// A connection to it.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.socket().expect("it answered")).await.unwrap()
    }

    /// The folder that the host's socket lies in has a name of the host's making.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        let mut homes = std::fs::read_dir(self.run.path()).ok()?;
        Some(homes.next()?.ok()?.path().join("host.sock"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Asked first, so that its agents end with it.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
        drop(self.child.wait());
    }
}
