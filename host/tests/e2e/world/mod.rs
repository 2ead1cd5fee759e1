//! The harness: a real host and real guests over real `SQLite` files, in one process and on a
//! paused clock. Only the outside is faked: the engine runs guests as tasks, the platform can be
//! told to fail.
//!
//! Owns start and finish: it races the host against the conversation, and fails if a reply was
//! unread, a row undelivered, a second container started or an error logged that nobody expected.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use host::{
    channels::{Channels, terminal::Terminal},
    daemon::{self, Ports, Settings, Stop},
    error::{HostError, Result},
    limits,
    requests::{self, DaemonHandle, Request},
    steps::{Step, Steps},
};
use schemas::{
    admin::{Accepted, NewAgent, RoomEvent, RunInfo, SessionInfo},
    message::Address,
    session_dir::SessionDir,
};
use tokio::{sync::broadcast, time::Instant};
use tokio_util::task::TaskTracker;

mod bells;
mod books;
mod clock;
mod disk;
mod doom;
mod doors;
mod frozen;
mod log;
mod operator;
mod people;
mod platform;
mod platforms;
mod scripted;
mod talk;
mod upkeep;
mod yard;

pub(crate) use doors::{Fault, Word};
pub(crate) use platform::Platform;
pub(crate) use scripted::{Said, Scripted, outcome};
pub(crate) use yard::Yard;

/// Virtual time after which a state that should come will not.
const PATIENCE: Duration = Duration::from_secs(6 * 3_600);

/// One world: a home, an engine, a platform, and a host that can be crashed and started again.
pub(crate) struct World {
    /// Unmounted before its place is removed.
    disk: Option<disk::Disk>,
    home: tempfile::TempDir,
    clock: Arc<clock::PausedClock>,
    bells: Arc<bells::HouseBells>,
    pub(crate) yard: Arc<Yard>,
    pub(crate) platform: Arc<Platform>,
    pub(crate) doors: Arc<doors::Doors>,
    terminal: Arc<Terminal>,
    said: Arc<Said>,
    agents: Vec<NewAgent>,
    max_containers: usize,
    keep_days: Option<u32>,
    errors_expected: bool,
    host: Option<Host>,
    /// At which step the next host dies.
    next_death: Option<(Step, u32)>,
    lives: u32,
    /// Since when the host that runs has been there.
    up_since: Instant,
    ears: HashMap<Address, broadcast::Receiver<RoomEvent>>,
    log: log::Log,
}

struct Host {
    handle: DaemonHandle,
    stop: Stop,
    tasks: TaskTracker,
    doom: Arc<doom::Doom<Step>>,
    /// Why it ended by itself.
    failed: Arc<OnceLock<HostError>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(clock::PausedClock::start());
        let bells = Arc::new(bells::HouseBells::default());
        let terminal = Arc::new(Terminal::default());
        Self {
            disk: None,
            home: tempfile::tempdir_in(fast_disk()).unwrap(),
            yard: Arc::new(Yard::new(clock.clone(), bells.clone())),
            platform: Arc::new(Platform::new(terminal.clone())),
            doors: Arc::default(),
            clock,
            bells,
            terminal,
            said: Arc::default(),
            agents: Vec::new(),
            max_containers: limits::MAX_CONTAINERS,
            keep_days: None,
            errors_expected: false,
            host: None,
            next_death: None,
            lives: 0,
            up_since: Instant::now(),
            ears: HashMap::new(),
            log: log::Log::start(),
        }
    }

    /// An agent with a terminal room of its own.
    pub(crate) fn agent(self, name: &str) -> Self {
        self.agent_with(NewAgent { name: name.to_owned(), ..plain() })
    }

    /// An agent with settings of its own.
    pub(crate) fn agent_with(mut self, agent: NewAgent) -> Self {
        self.agents.push(agent);
        self
    }

    /// A cap on containers that run at once.
    pub(crate) fn at_most(mut self, containers: usize) -> Self {
        self.max_containers = containers;
        self
    }

    /// How many days is kept what agents say nothing about.
    pub(crate) fn keeps(mut self, days: u32) -> Self {
        self.keep_days = Some(days);
        self
    }

    /// This conversation is about a fault, and the operator's log will say so.
    pub(crate) fn with_errors(mut self) -> Self {
        self.errors_expected = true;
        self
    }

    /// Starts the host, holds the conversation, ends the host, and looks for what is left over.
    pub(crate) async fn run(mut self, conversation: impl AsyncFnOnce(&mut Self)) {
        self.start_host().await;
        for agent in std::mem::take(&mut self.agents) {
            self.create_agent(agent).await.unwrap();
        }
        conversation(&mut self).await;
        self.finish().await;
    }

    // What time and fate do.

    /// Time goes by.
    pub(crate) async fn passes(&self, time: Duration) {
        // The clock is paused: this is virtual time, and everything that is due in it happens.
        drop(tokio::time::timeout(time, std::future::pending::<()>()).await);
    }

    /// The host dies where it stands. Containers go on.
    pub(crate) async fn crash_host(&mut self) {
        let host = self.host.take().expect("the host is down already");
        host.stop.abandon.cancel();
        host.tasks.close();
        host.tasks.wait().await;
        // A step on a blocking thread dies with its process. Here it cannot, so it is waited for:
        // the paused clock does not go on before it is done.
        self.passes(Duration::from_millis(1)).await;
    }

    /// The host is asked to end, and does.
    pub(crate) async fn stop_host(&mut self) {
        let host = self.host.take().expect("the host is down already");
        host.stop.closing.cancel();
        host.tasks.close();
        host.tasks.wait().await;
    }

    /// A host starts on the same home.
    pub(crate) async fn start_host(&mut self) {
        self.doors.next_life();
        let store = self.central();
        let (handle, requests) = requests::queue();
        let (stop, tasks) = (Stop::default(), TaskTracker::new());
        let doom = Arc::new(doom::Doom::new(self.next_death.take(), stop.abandon.clone()));
        let watch = doom.clone();
        let mut channels = Scripted::platforms(&self.said);
        channels.push(self.platform.clone());
        let behind_doors = channels.into_iter().map(|channel| self.doors.before(channel));
        let ports = Ports {
            clock: self.clock.clone(),
            engine: self.yard.clone(),
            channels: Channels::new(behind_doors.collect()),
            bells: self.bells.clone(),
            broker: crate::models::broker(self.home.path()),
            steps: Steps::watched(move |step| watch.on(step)),
        };
        let settings = Settings {
            home: self.home.path().to_owned(),
            run_dir: self.home.path().join("run"),
            time_zone: "UTC".to_owned(),
            max_containers: self.max_containers,
            keep_days: self.keep_days,
            idle_after: limits::IDLE_TIMEOUT,
            image: None,
            ephemeral: false,
        };
        let daemon = daemon::run(settings, ports, store, requests, stop.clone());
        let failed = Arc::new(OnceLock::new());
        let ended = failed.clone();
        tasks.spawn(async move {
            if let Err(failure) = daemon.await {
                ended.set(failure).expect("it ends once");
            }
        });
        self.lives += 1;
        self.host = Some(Host { handle, stop, tasks, doom, failed });
        // The first answer says that what an earlier host left was looked at.
        let begun = self.ask(Request::Status).await;
        assert!(begun.is_ok() || self.host_died(), "{begun:?}");
        self.up_since = Instant::now();
    }

    // What an operator asks.

    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(requests::Answer<T>) -> Request,
    ) -> Result<T> {
        self.handle().ask(request).await
    }

    pub(crate) fn handle(&self) -> DaemonHandle {
        self.host.as_ref().expect("the host is down").handle.clone()
    }

    pub(crate) async fn create_agent(&self, agent: NewAgent) -> Result<schemas::admin::Agent> {
        self.ask(|answer| Request::CreateAgent(Box::new(agent), answer)).await
    }

    pub(crate) async fn sessions(&self) -> Vec<SessionInfo> {
        self.ask(Request::Sessions).await.unwrap()
    }

    pub(crate) async fn runs(&self, session: &str) -> Vec<RunInfo> {
        let session = session.to_owned();
        self.ask(|answer| Request::Runs(session, answer)).await.unwrap()
    }

    /// Waits until the only session of an agent is in a state. What took long so far is asked for
    /// less often.
    pub(crate) async fn until_state(&self, agent: &str, state: &str) -> SessionInfo {
        let (mut seen, begun) = (String::new(), Instant::now());
        while begun.elapsed() < PATIENCE {
            let session = self.sessions().await.into_iter().find(|one| one.agent == agent);
            if let Some(session) = session {
                if session.state == state {
                    return session;
                }
                seen = session.state;
            }
            self.passes((begun.elapsed() / 100).max(Duration::from_millis(50))).await;
        }
        panic!("{agent} never became {state}; it is {seen}");
    }

    /// The folder of a session.
    pub(crate) fn dir_of(&self, accepted: &Accepted) -> SessionDir {
        let sessions = self.home.path().join("sessions");
        for agent in std::fs::read_dir(sessions).unwrap() {
            let path = agent.unwrap().path().join(accepted.session_id.as_str());
            if path.exists() {
                return SessionDir::at(path);
            }
        }
        panic!("session {} has no folder", accepted.session_id);
    }

    /// The time in this world.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        use schemas::time::Clock as _;
        self.clock.now()
    }

    async fn finish(mut self) {
        if self.host.is_some() {
            self.stop_host().await;
        }
        self.yard.close().await;
        for (address, ear) in &mut self.ears {
            while let Ok(event) = ear.try_recv() {
                assert!(
                    !matches!(event, RoomEvent::Message(_)),
                    "unread in {}: {event:?}",
                    address.platform_id
                );
            }
        }
        self.said.expect_no_post();
        assert_eq!(self.yard.doubles(), 0, "a session had two containers");
        let errors = self.log.errors();
        assert!(self.errors_expected || errors.is_empty(), "errors were logged: {errors:#?}");
    }
}

/// The settings of an agent that nobody said anything about.
pub(crate) fn plain() -> NewAgent {
    NewAgent::named("")
}

pub(crate) fn address(agent: &str, thread: Option<&str>) -> Address {
    Address {
        channel_type: "terminal".to_owned(),
        platform_id: agent.to_owned(),
        thread_id: thread.map(str::to_owned),
    }
}

/// Commits are a tenth as dear in memory, and these tests are not about the disk.
fn fast_disk() -> PathBuf {
    let shm = PathBuf::from("/dev/shm");
    if shm.is_dir() { shm } else { std::env::temp_dir() }
}
