//! The harness for the program itself: `lazaret up` as a child process, with guests as plain
//! processes, so that no engine is needed.
//!
//! Owns the child and its home, which may lie on a small disk. Both are gone at the end, also when
//! the test panics, and then the end of the host's log is shown.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use host::client::Client;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use schemas::{
    admin::{SessionInfo, Status},
    session_dir::SessionDir,
};
use serde_json::Value;

use crate::{
    disk::Disk,
    guest::guest_binary,
    waiting::{PATIENCE, eventually},
};

/// Lines of the host's log that a failed test shows.
const SHOWN_LOG: usize = 60;

/// One host.
pub(crate) struct LiveHost {
    folder: tempfile::TempDir,
    pub(crate) disk: Option<Disk>,
    child: Option<Child>,
}

impl LiveHost {
    /// A home of its own, on the usual disk; nothing runs yet.
    pub(crate) fn new() -> Self {
        // Sockets lie in it, and a socket's path must be short.
        let folder = tempfile::Builder::new().prefix("lz").tempdir_in("/tmp").unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder, disk: None, child: None }
    }

    /// The same on a disk of so many KiB.
    pub(crate) fn on_disk_of(kib: u32) -> Self {
        let mut host = Self::new();
        host.disk = Some(Disk::over(&host.home(), kib));
        host
    }

    /// The same, running if it did not, with an agent.
    pub(crate) async fn with_agent(mut self, name: &str) -> Self {
        if self.child.is_none() {
            self.start(&["up", "--no-isolation"]).await;
        }
        let made = self.lazaret(&["agents", "create", name]).await;
        assert!(made.status.success(), "{}", stderr(&made));
        self
    }

    /// Starts the host, and waits until it answers.
    pub(crate) async fn start(&mut self, args: &[&str]) -> Status {
        self.start_as(self.inside(args)).await
    }

    /// The same by a command of the test's own.
    pub(crate) async fn start_as(&mut self, mut up: Command) -> Status {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let child = up.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        self.child = Some(child);
        let this = &*self;
        eventually("the host answers", async || this.status().await).await
    }

    /// How the host is, when it answers.
    pub(crate) async fn status(&self) -> Option<Status> {
        self.client().await?.get("/v1/status").await.ok()
    }

    pub(crate) async fn client(&self) -> Option<Client> {
        let mut homes = std::fs::read_dir(self.folder.path().join("run")).ok()?;
        Client::connect(homes.next()?.ok()?.path().join("host.sock")).await.ok()
    }

    /// Asks the host to end by a signal, and waits until it has.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        signal(&child, Signal::SIGTERM);
        eventually("the host ends", async || child.try_wait().unwrap()).await
    }

    /// The program, as a person calls it on this home from anywhere; waits for its end.
    pub(crate) async fn lazaret(&self, args: &[&str]) -> Output {
        finished(self.client_command(args)).await
    }

    /// The same where the home's disk is seen: for `up`.
    pub(crate) async fn lazaret_inside(&self, args: &[&str]) -> Output {
        finished(self.inside(args)).await
    }

    /// The same, going on beside the test.
    pub(crate) fn begin(&self, args: &[&str]) -> tokio::task::JoinHandle<Output> {
        let mut command = self.client_command(args);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    }

    fn client_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        self.equip(&mut command, args);
        command
    }

    /// The program in the disk's namespace.
    pub(crate) fn inside(&self, args: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_lazaret");
        let mut command =
            self.disk.as_ref().map_or_else(|| Command::new(program), |disk| disk.command(program));
        self.equip(&mut command, args);
        command
    }

    fn equip(&self, command: &mut Command, args: &[&str]) {
        command
            .arg("--home")
            .arg(self.home())
            .args(args)
            .env("HOME", self.folder.path())
            .env("LAZARET_RUN_DIR", self.folder.path().join("run"))
            .env("LAZARET_GUEST", guest_binary())
            .env("LAZARET_LOG", "debug,hyper=info")
            .env_remove("LAZARET_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("LAZARET_ENGINE")
            .env_remove("DOCKER_HOST")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
    }

    /// The home as the host names it.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path on the home's disk as the test may open it.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        self.disk.as_ref().map_or_else(|| path.to_owned(), |disk| disk.seen(path))
    }

    /// The folder of an agent's one session, as the host names it.
    pub(crate) async fn session_dir(&self, agent: &str) -> SessionDir {
        let mut client = self.client().await.unwrap();
        let sessions: Vec<SessionInfo> = client.get("/v1/sessions").await.unwrap();
        let session = sessions.into_iter().find(|one| one.agent == agent).unwrap();
        let agents: Vec<schemas::admin::Agent> = client.get("/v1/agents").await.unwrap();
        let agent = agents.into_iter().find(|one| one.name == agent).unwrap();
        SessionDir::on_host(&self.home(), &agent.id, &session.id)
    }

    /// What the host logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The same, line by line.
    pub(crate) fn log_lines(&self) -> Vec<Value> {
        let lines = self.log();
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Waits until the host has logged something with these words.
    pub(crate) async fn logs(&self, words: &str) -> Value {
        eventually(&format!("the log says {words:?}"), async || {
            let lines = self.log_lines();
            lines.into_iter().find(|line| line.to_string().contains(words))
        })
        .await
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("host.log")
    }

    #[expect(clippy::print_stderr, reason = "shown by the test runner when the test failed")]
    fn show_log(&self) {
        let log = self.log();
        let from = log.lines().count().saturating_sub(SHOWN_LOG);
        for line in log.lines().skip(from) {
            eprintln!("host: {line}");
        }
    }
}

impl Drop for LiveHost {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        let Some(mut child) = self.child.take() else { return };
        // Asked, it takes its guests along; killed, it leaves them.
        signal(&child, Signal::SIGTERM);
        let deadline = std::time::Instant::now() + PATIENCE;
        while matches!(child.try_wait(), Ok(None)) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        drop(child.kill().and_then(|()| child.wait()));
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let _gone_already = kill(pid, signal).is_err();
}

/// Waits for a program to end.
pub(crate) async fn finished(mut command: Command) -> Output {
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    tokio::time::timeout(PATIENCE, ended).await.expect("the program did not end").unwrap()
}

/// What a program said to people.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a program answered.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
