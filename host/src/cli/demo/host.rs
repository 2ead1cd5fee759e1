//! The demo's host: a process of its own on a home that goes with it.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::Stdio,
};

use schemas::{
    ids::fresh_ulid,
    time::{Clock, SystemClock},
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{
    client::Client,
    config::Config,
    error::{ErrorKind, HostError, Result},
    limits,
};

/// The process and what is its own. Dropped without `end`, the process is killed and its home
/// deleted; what it left running is not.
pub(super) struct Host {
    child: Child,
    config: Config,
    log: PathBuf,
}

impl Drop for Host {
    fn drop(&mut self) {
        // It writes no more once it is dead, which takes a moment.
        let _dead_already = self.child.start_kill().is_err();
        for _ in 0..50 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(limits::PROCESS_POLL);
        }
        for folder in [&self.config.run_dir, &self.config.home] {
            let _gone_already = fs::remove_dir_all(folder).is_err();
        }
    }
}

impl Host {
    /// Starts it, and returns once it answers.
    pub(super) async fn start(ours: &Config, isolated: bool) -> Result<Self> {
        let home = ours.scratch.join(format!("lazaret-demo-{}", fresh_ulid(SystemClock.now())));
        let failed = |error: std::io::Error| {
            HostError::new(ErrorKind::Storage, "cannot make the demo's home").because(error)
        };
        DirBuilder::new().mode(0o700).create(&home).map_err(failed)?;
        let log = home.join("host.log");
        let to_log = File::create(&log).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("--home").arg(&home).args(["up", "--ephemeral"]);
        // Found by our settings, which are not those of the demo's home.
        command.env("LAZARET_GUEST", ours.guest()?);
        if !isolated {
            command.arg("--no-isolation");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(to_log).kill_on_drop(true);
        let child = command.spawn().map_err(|error| {
            HostError::new(ErrorKind::Internal, "cannot start a host").because(error)
        })?;
        let config = Config::load(Some(&home))?;
        let mut host = Self { child, config, log };
        match host.answers().await {
            Ok(()) => Ok(host),
            Err(error) => {
                let said = host.last_words();
                host.end().await?;
                Err(error.hint(said))
            }
        }
    }

    /// A connection to it.
    pub(super) async fn client(&self) -> Result<Client> {
        Client::connect(self.config.socket()).await
    }

    /// Asks it to end, kills it if it does not, and deletes what was its own.
    pub(super) async fn end(mut self) -> Result<()> {
        if let Ok(mut client) = self.client().await {
            // It may be ending already.
            let _not_asked = client.post::<()>("/v1/shutdown", &()).await.is_err();
        }
        let ended = timeout(limits::DEMO_END, self.child.wait()).await;
        if ended.is_err() {
            self.child.kill().await.map_err(|error| {
                HostError::new(ErrorKind::Internal, "cannot stop the host").because(error)
            })?;
        }
        let _none_was_made = fs::remove_dir_all(&self.config.run_dir).is_err();
        fs::remove_dir_all(&self.config.home).map_err(|error| {
            let what = format!("cannot delete {}", self.config.home.display());
            HostError::new(ErrorKind::Storage, what).because(error)
        })
    }

    async fn answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + limits::DEMO_START;
        while Instant::now() < deadline {
            if self.client().await.is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let what = format!("the host ended at its start ({status})");
                return Err(HostError::new(ErrorKind::Internal, what));
            }
            sleep(limits::PROCESS_POLL).await;
        }
        Err(HostError::new(ErrorKind::HostDown, "the host does not answer"))
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(limits::DEMO_LOG_LINES);
        let last = lines.get(first..).unwrap_or_default();
        format!("its log ends so:\n{}", last.join("\n"))
    }
}
