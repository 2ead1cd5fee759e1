//! The program on a home, with agents as plain processes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::OnceLock,
    time::Duration,
};

use host::client::Client;
use schemas::admin::Status;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How long something is waited for that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

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
            .env("LAZARET_GUEST", guest())
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

/// Asks again and again until there is an answer; fails the test when none comes.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "never came: {what}");
    }
}

/// The guest, built once a run.
fn guest() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let status = Command::new(env!("CARGO"))
            .current_dir(root)
            .args(["build", "--quiet", "--package", "guest", "--bin", "lazaret-guest"])
            .status()
            .unwrap();
        assert!(status.success(), "the guest does not build");
        Path::new(env!("CARGO_BIN_EXE_lazaret")).with_file_name("lazaret-guest")
    })
}
