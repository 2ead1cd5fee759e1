//! One home and its hosts, one after the other.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use host::{client::Client, error::Result};
use schemas::admin::Status;
use tokio::time::Instant;

/// The cap on containers.
pub(crate) const CONTAINERS: usize = 20;

/// One of so many posts fails while the program is the one on trial.
const FAILS: &str = "50";

pub(crate) struct House {
    folder: tempfile::TempDir,
    bin: PathBuf,
    child: Option<Child>,
    lives: u32,
}

impl House {
    pub(crate) fn new(bin: &Path) -> Self {
        // Sockets lie in it, and a socket's path must be short.
        let folder = tempfile::Builder::new().prefix("lzs").tempdir_in("/tmp").unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        let config = format!("max_containers = {CONTAINERS}\n");
        std::fs::write(folder.path().join("home/lazaret.toml"), config).unwrap();
        Self { folder, bin: bin.to_owned(), child: None, lives: 0 }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Starts a host and waits until it is ready; how long that took.
    pub(crate) async fn start(&mut self) -> Duration {
        self.lives += 1;
        let trial = self.lives.is_multiple_of(2);
        let mut command = if trial {
            let mut command = Command::new(self.bin.join("examples/trial"));
            command.args(["-", "0", FAILS, "--"]);
            command
        } else {
            Command::new(self.bin.join("lazaret"))
        };
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let begun = Instant::now();
        let child = command
            .arg("--home")
            .arg(self.home())
            .arg("up")
            .env("LAZARET_RUN_DIR", self.folder.path().join("run"))
            .env("LAZARET_GUEST", self.bin.join("lazaret-guest"))
            .env("LAZARET_LOG", "warn")
            .stderr(log)
            .spawn()
            .expect("scripts/soak builds the programs");
        self.child = Some(child);
        while !self.answers().await {
            assert!(begun.elapsed() < Duration::from_secs(120), "the host does not start");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        begun.elapsed()
    }

    async fn answers(&self) -> bool {
        let Ok(mut client) = self.client().await else { return false };
        client.get::<Status>("/v1/status").await.is_ok_and(|status| status.engine_ok)
    }

    /// The host is killed where it stands.
    pub(crate) fn dies(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().and_then(|()| child.wait()).unwrap();
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("host.log")
    }

    /// How many posts the channel failed, as far as a host lived to say so.
    pub(crate) fn failed_posts(&self) -> usize {
        let log = std::fs::read_to_string(self.log()).unwrap();
        log.lines().filter(|line| line.contains("on trial")).count()
    }

    /// Something is wrong: whoever looks for the cause needs what lies there.
    pub(crate) fn is_kept(&mut self) {
        self.folder.disable_cleanup(true);
        eprintln!("the home and its log stay at {}", self.folder.path().display());
    }

    pub(crate) async fn client(&self) -> Result<Client> {
        Client::connect(socket(&self.run())).await
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }
}

/// The folder that the host's socket lies in has a name of the host's making.
pub(crate) fn socket(run: &Path) -> PathBuf {
    let mut homes = std::fs::read_dir(run).into_iter().flatten().flatten();
    let home = homes.find(|home| home.file_name() != "engine");
    home.map_or_else(|| run.join("none"), |home| home.path().join("host.sock"))
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill().and_then(|()| child.wait()));
        }
        // Its containers go with it: one short life more, which takes them along.
        let mut last = Command::new(self.bin.join("lazaret"));
        last.arg("--home").arg(self.home()).args(["up", "--ephemeral"]);
        last.env("LAZARET_RUN_DIR", self.run());
        last.env("LAZARET_GUEST", self.bin.join("lazaret-guest"));
        last.env("LAZARET_LOG", "error");
        let Ok(mut last) = last.spawn() else { return };
        let mut down = Command::new(self.bin.join("lazaret"));
        down.arg("--home").arg(self.home()).arg("down").env("LAZARET_RUN_DIR", self.run());
        while last.try_wait().is_ok_and(|ended| ended.is_none()) {
            drop(down.output());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}
