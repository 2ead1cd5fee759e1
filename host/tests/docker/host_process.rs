//! The harness for the whole line: the program itself as a child process, on a home of its own.
//!
//! Owns the child, its home and the containers of its install: all of them are gone at the end,
//! also when the test panics, and then the end of the host's log is shown. It knows no message.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Output},
};

use host::{client::Client, error::Result, steps::Step};
use schemas::{
    admin::{Agent, NewAgent, RunInfo, SessionInfo, Status},
    ids::{AgentId, SessionId},
    session_dir::SessionDir,
};

use crate::{
    waiting::eventually,
    yard::{docker, guest_binary, host_on_trial, other_engine, try_docker},
};

/// Lines of the host's log that a failed test shows.
const SHOWN_LOG: usize = 60;

/// One host.
pub(crate) struct HostProcess {
    folder: tempfile::TempDir,
    engine: Option<String>,
    pub(crate) child: Option<Child>,
    /// At which step of its life it dies, and at which time that it comes to it.
    pub(crate) dies_at: Option<(Step, u32)>,
    pub(crate) guest: PathBuf,
}

impl HostProcess {
    /// A host that runs, on the usual engine.
    pub(crate) async fn up() -> Self {
        let mut host = Self::on(other_engine());
        host.start().await;
        host
    }

    /// A host that does not run yet, on an engine at an address.
    pub(crate) fn on(engine: Option<String>) -> Self {
        // Sockets lie in it, and a socket's path must be short.
        let folder = tempfile::Builder::new().prefix("lz").tempdir_in("/tmp").unwrap();
        let guest = guest_binary().to_owned();
        Self { folder, engine, child: None, dies_at: None, guest }
    }

    /// Starts the host, and waits until it answers.
    pub(crate) async fn start(&mut self) {
        let pid = self.launch();
        let this = &*self;
        let status = eventually("the host answers", async || {
            let mut client = Client::connect(this.socket()?).await.ok()?;
            client.get::<Status>("/v1/status").await.ok()
        })
        .await;
        assert_eq!(status.pid, pid);
    }

    /// Starts the host; its process id.
    pub(crate) fn launch(&mut self) -> u32 {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = match self.dies_at.take() {
            Some((step, nth)) => self.on_trial(step, nth),
            None => self.command(&["up"]),
        };
        let child = command.stderr(log).spawn().unwrap();
        self.child.insert(child).id()
    }

    /// The host's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// The program, as a person calls it on this home; waits for its end.
    pub(crate) async fn lazaret(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// A connection to the host, where there is one.
    pub(crate) async fn try_client(&self) -> Result<Client> {
        let socket = self.socket().expect("a host has made its socket");
        Client::connect(socket).await
    }

    /// A connection to the host.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.socket().expect("the host has made its socket")).await.unwrap()
    }

    /// Makes an agent with the usual bounds and the built-in image.
    pub(crate) async fn agent(&self, name: &str) -> Agent {
        self.agent_like(new_agent(name)).await
    }

    /// Makes an agent.
    pub(crate) async fn agent_like(&self, new: NewAgent) -> Agent {
        self.client().await.post("/v1/agents", &new).await.unwrap()
    }

    /// How the host is.
    pub(crate) async fn status(&self) -> Status {
        self.client().await.get("/v1/status").await.unwrap()
    }

    /// An agent's id.
    pub(crate) async fn agent_named(&self, name: &str) -> AgentId {
        let agents: Vec<Agent> = self.client().await.get("/v1/agents").await.unwrap();
        agents.into_iter().find(|agent| agent.name == name).expect("it was made").id
    }

    /// An agent's one session.
    pub(crate) async fn session(&self, agent: &str) -> SessionInfo {
        let sessions: Vec<SessionInfo> = self.client().await.get("/v1/sessions").await.unwrap();
        sessions.into_iter().find(|session| session.agent == agent).expect("it has a session")
    }

    /// Waits until an agent's session is in a state.
    pub(crate) async fn until_state(&self, agent: &str, state: &str) -> SessionInfo {
        eventually(&format!("the session of {agent} is {state}"), async || {
            let session = self.session(agent).await;
            (session.state == state).then_some(session)
        })
        .await
    }

    /// The runs of a session, newest first.
    pub(crate) async fn runs(&self, session: &SessionId) -> Vec<RunInfo> {
        self.client().await.get(&format!("/v1/sessions/{session}/runs")).await.unwrap()
    }

    /// The folder of a session.
    pub(crate) fn session_dir(&self, agent: &AgentId, session: &SessionId) -> SessionDir {
        SessionDir::on_host(&self.home(), agent, session)
    }

    /// Ids of the containers of this install that exist now.
    pub(crate) fn containers(&self) -> Vec<String> {
        let filter = format!("label=lazaret.install={}", self.install());
        lines(&docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter]))
    }

    /// The container of a session.
    pub(crate) fn container(&self, session: &SessionId) -> String {
        let filter = format!("label=lazaret.session={session}");
        let found = lines(&docker(&["ps", "--quiet", "--no-trunc", "--filter", &filter]));
        assert_eq!(found.len(), 1, "containers of {session}");
        found[0].clone()
    }

    /// The id that this install's containers carry; the host must have started once.
    pub(crate) fn install(&self) -> String {
        self.known_install().expect("the host has started once")
    }

    fn known_install(&self) -> Option<String> {
        let path = self.home().join("central.db");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let central = rusqlite::Connection::open_with_flags(path, flags).ok()?;
        central.query_row("SELECT value FROM meta WHERE key = 'install'", [], |row| row.get(0)).ok()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// What the host logged so far.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Containers that this home's hosts have started so far.
    pub(crate) fn started_containers(&self) -> usize {
        self.log_text().matches("container started").count()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("host.log")
    }

    /// The folder that the host's socket lies in has a name of the host's making.
    fn socket(&self) -> Option<PathBuf> {
        let mut homes = std::fs::read_dir(self.folder.path().join("run")).ok()?;
        Some(homes.next()?.ok()?.path().join("host.sock"))
    }

    fn command(&self, args: &[&str]) -> Command {
        self.dressed(Command::new(env!("CARGO_BIN_EXE_lazaret")), args)
    }

    fn on_trial(&self, step: Step, nth: u32) -> Command {
        let mut command = Command::new(host_on_trial());
        command.args([format!("{step:?}"), nth.to_string(), "0".to_owned(), "--".to_owned()]);
        self.dressed(command, &["up"])
    }

    fn dressed(&self, mut command: Command, args: &[&str]) -> Command {
        command.arg("--home").arg(self.home()).args(args);
        command
            .env("LAZARET_RUN_DIR", self.folder.path().join("run"))
            .env("LAZARET_GUEST", &self.guest)
            .env("LAZARET_LOG", "debug,hyper=info,bollard=info")
            .env("LAZARET_LOG_FORMAT", "pretty");
        if let Some(engine) = &self.engine {
            command.env("LAZARET_ENGINE", engine);
        }
        command
    }

    #[expect(clippy::print_stderr, reason = "shown by the test runner when the test failed")]
    fn show_log(&self) {
        let log = self.log_text();
        let from = log.lines().count().saturating_sub(SHOWN_LOG);
        for line in log.lines().skip(from) {
            eprintln!("host: {line}");
        }
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        if let Some(mut child) = self.child.take() {
            drop(child.kill().and_then(|()| child.wait()));
        }
        let Some(install) = self.known_install() else { return };
        let filter = format!("label=lazaret.install={install}");
        let (_, left) = try_docker(&["ps", "--all", "--quiet", "--filter", &filter]);
        for container in left.lines() {
            try_docker(&["rm", "--force", "--volumes", container]);
        }
    }
}

/// An agent with the usual bounds and the built-in image.
pub(crate) fn new_agent(name: &str) -> NewAgent {
    NewAgent::named(name)
}

/// What a command inside a container printed; it must have gone well.
pub(crate) fn inside(container: &str, command: &[&str]) -> String {
    docker(&[&["exec", container], command].concat())
}

/// The same for a command that goes on.
pub(crate) fn begin_inside(container: &str, command: &[&str]) {
    docker(&[&["exec", "--detach", container], command].concat());
}

/// Removes an image's name when the test ends.
pub(crate) struct Tag(pub(crate) String);

impl Tag {
    /// A second name for an image.
    pub(crate) fn of(image: &str, name: &str) -> Self {
        docker(&["tag", image, name]);
        Self(name.to_owned())
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        try_docker(&["rmi", &self.0]);
    }
}

/// A name for an image that no other run uses.
pub(crate) fn name_of_our_own(word: &str) -> String {
    format!("localhost/lazaret-test/{word}:{}", std::process::id())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}
