//! A host of its own: the release binary as a process on a temporary home.
//!
//! Owns the process, the home and the containers; dropping it ends all three.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use host::{
    client::{Client, EventStream, Since},
    config::Config,
    engine::{ContainerId, Engine},
    store::Store,
};
use schemas::{
    admin::{Accepted, NewAgent, RoomEvent, SendMessage, SessionInfo},
    ids::SessionId,
    policy::SessionMode,
    time::{Clock, SystemClock},
};
use tokio::time::{sleep, timeout};

use crate::install::{Install, folder, guest};

/// How long anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A host under test.
pub(crate) struct Lab {
    // In the order in which they must end.
    host: Host,
    pub(crate) install: Install,
    _run_dir: RunDir,
    home: tempfile::TempDir,
    pub(crate) client: Client,
}

struct Host(Child);
struct RunDir(PathBuf);

/// One round trip, as its client saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trip {
    /// From before the request was written until the reply was read.
    pub(crate) whole: Duration,
    /// The part of it until the message was accepted.
    pub(crate) accepted: Duration,
}

impl Lab {
    /// A host on an empty home.
    pub(crate) async fn new() -> Self {
        Self::prepared(async |_, _| {}).await
    }

    /// A host that finds what `prepare` put into its home.
    pub(crate) async fn prepared(prepare: impl AsyncFnOnce(&Store, &Path)) -> Self {
        let home = folder();
        let config = Config::load(Some(home.path())).unwrap();
        let run_dir = RunDir(config.run_dir.clone());
        let install = {
            let store = Store::open(&config.home.join("central.db")).unwrap();
            prepare(&store, &config.home).await;
            store.install_id(SystemClock.now()).await.unwrap()
        };
        let install = Install::new(install, guest(), config.run_dir.join("engine"));
        let host = Host::start(home.path());
        let began = Instant::now();
        let client = loop {
            match Client::connect(config.socket()).await {
                Ok(client) => break client,
                Err(_) if began.elapsed() < PATIENCE => sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("the host does not answer: {}", error.chain()),
            }
        };
        Self { host, install, _run_dir: run_dir, home, client }
    }

    /// The host's process.
    pub(crate) fn pid(&self) -> u32 {
        self.host.0.id()
    }

    /// Where it keeps everything.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Says something and answers what is replied.
    pub(crate) async fn hear(
        &mut self,
        agent: &str,
        text: &str,
        events: &mut EventStream,
    ) -> String {
        let message = SendMessage { text: text.to_owned(), ..SendMessage::default() };
        let accepted = self.client.send(agent, &message).await.unwrap();
        let reply = async {
            loop {
                let event = events.next().await.unwrap().expect("the stream goes on");
                if let RoomEvent::Message(message) = event
                    && message.in_reply_to.as_ref() == Some(&accepted.message_id)
                {
                    return message.text;
                }
            }
        };
        timeout(PATIENCE, reply).await.expect("a reply comes")
    }

    /// Makes an agent that echoes.
    pub(crate) async fn agent(&mut self, name: &str, mode: SessionMode) {
        self.agent_like(&new_agent(name, mode)).await;
    }

    /// Makes an agent.
    pub(crate) async fn agent_like(&mut self, new: &NewAgent) {
        let _agent: schemas::admin::Agent = self.client.post("/v1/agents", new).await.unwrap();
    }

    /// What happens in an agent's room from now on.
    pub(crate) async fn stream(&self, agent: &str, thread: Option<String>) -> EventStream {
        self.client.stream(agent, &Since { thread, ..Since::default() }).await.unwrap()
    }

    /// Says something and waits for the reply.
    pub(crate) async fn trip(
        &mut self,
        agent: &str,
        thread: Option<String>,
        events: &mut EventStream,
    ) -> (Trip, Accepted) {
        let message = SendMessage { text: "ahoy".to_owned(), thread, ..SendMessage::default() };
        let began = Instant::now();
        let accepted = self.client.send(agent, &message).await.unwrap();
        let until_accepted = began.elapsed();
        let reply = async {
            loop {
                let event = events.next().await.unwrap().expect("the stream goes on");
                if let RoomEvent::Message(message) = event
                    && message.in_reply_to.as_ref() == Some(&accepted.message_id)
                {
                    return;
                }
            }
        };
        timeout(PATIENCE, reply).await.expect("a reply comes");
        (Trip { whole: began.elapsed(), accepted: until_accepted }, accepted)
    }

    /// Ends the session's container behind the host's back, and waits until the host has seen it.
    pub(crate) async fn put_to_sleep(&mut self, session: &SessionId) {
        let container = self.container(session).await.expect("it is awake");
        self.install.engine.stop(&container, Duration::from_secs(10)).await.unwrap();
        let began = Instant::now();
        while self.state(session).await != "asleep" || self.container(session).await.is_some() {
            assert!(began.elapsed() < PATIENCE, "the host does not see the container's end");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn state(&mut self, session: &SessionId) -> String {
        let all: Vec<SessionInfo> = self.client.get("/v1/sessions").await.unwrap();
        all.into_iter().find(|one| one.id == *session).expect("the session is listed").state
    }

    async fn container(&self, session: &SessionId) -> Option<ContainerId> {
        let all = self.install.engine.list().await.unwrap();
        all.into_iter().find(|live| live.session == *session).map(|live| live.container)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A home that stays behind tells why the host misbehaved; its log is small.
        let log = std::fs::read_to_string(self.home.path().join("host.log")).unwrap_or_default();
        let odd = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        log.lines().filter(odd).take(10).for_each(|line| eprintln!("  the host says: {line}"));
        // The host first: it would start anew what is taken away under it.
        self.host.end();
    }
}

impl Host {
    fn start(home: &Path) -> Self {
        let log = File::create(home.join("host.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command.arg("--home").arg(home).arg("up").env("LAZARET_GUEST", guest());
        // A group of its own: Ctrl-C is for us, and we end it in our order.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        Self(command.spawn().unwrap())
    }

    fn end(&mut self) {
        // It may be gone already.
        let _gone = self.0.kill().is_err();
        let _reaped = self.0.wait().is_ok();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _never_made = std::fs::remove_dir_all(&self.0).is_err();
    }
}

/// What an agent that echoes is made from.
pub(crate) fn new_agent(name: &str, session_mode: SessionMode) -> NewAgent {
    NewAgent { session_mode, ..NewAgent::named(name) }
}
