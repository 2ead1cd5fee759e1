//! One conversation over two platforms, in a real container.
//!
//! The host runs in the test's own process, with the real engine and played platforms.

use std::{path::Path, sync::Arc, time::Duration};

use host::{
    channels::{Bounded, Channels, terminal::Terminal},
    daemon::{self, Ports, Settings, Stop, open_home},
    engine::docker::DockerEngine,
    limits,
    requests::{self, DaemonHandle, Request},
    sessions::inotify::InotifyBells,
    steps::Steps,
    store::{NewRoom, Rules, Store},
};
use schemas::{
    admin::NewAgent,
    ids::AgentId,
    policy::{SessionMode, UnknownSenderPolicy},
    time::{Clock, SystemClock},
};
use tokio_util::task::TaskTracker;

use crate::{
    models,
    scripted::{Said, Scripted, outcome},
    waiting::PATIENCE,
    yard::{docker, settings},
};

/// A host in this process.
struct Inside {
    store: Store,
    said: Arc<Said>,
    handle: DaemonHandle,
    stop: Stop,
    tasks: TaskTracker,
    install: String,
}

impl Inside {
    async fn up(home: &Path) -> Self {
        let store = Store::open(&home.join("central.db")).unwrap();
        let mut docker = settings(home);
        docker.install = store.install_id(SystemClock.now()).await.unwrap();
        let install = docker.install.to_string();
        let said = Arc::<Said>::default();
        let mut channels = Scripted::platforms(&said);
        channels.push(Arc::new(Terminal::default()));
        let bells = Arc::new(InotifyBells::open().unwrap());
        let ports = Ports {
            clock: Arc::new(SystemClock),
            engine: Arc::new(DockerEngine::new(docker).unwrap()),
            channels: Channels::new(channels),
            bells: bells.clone(),
            broker: models::broker(home),
            steps: Steps::default(),
        };
        let settings = Settings {
            home: home.to_owned(),
            run_dir: home.join("run"),
            time_zone: "UTC".to_owned(),
            max_containers: limits::MAX_CONTAINERS,
            keep_days: None,
            idle_after: limits::IDLE_TIMEOUT,
            image: None,
            ephemeral: true,
        };
        let (handle, requests) = requests::queue();
        let (stop, tasks) = (Stop::default(), TaskTracker::new());
        let daemon = daemon::run(settings, ports, store.clone(), requests, stop.clone());
        tasks.spawn(async move { daemon.await.expect("the host ended with an error") });
        let closing = stop.closing.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                served = bells.serve() => served.expect("the watch on files"),
            }
        });
        handle.ask(Request::Status).await.unwrap();
        Self { store, said, handle, stop, tasks, install }
    }

    async fn agent(&self, name: &str) -> AgentId {
        let new = Box::new(NewAgent::named(name));
        self.handle.ask(|answer| Request::CreateAgent(new, answer)).await.unwrap().id
    }

    /// A public room that shares the agent's one session.
    async fn connect(&self, channel: &str, platform_id: &str, agent: &AgentId) {
        let now = SystemClock.now();
        let room = NewRoom {
            channel: channel.to_owned(),
            platform_id: platform_id.to_owned(),
            name: None,
            group: true,
            unknown_sender: UnknownSenderPolicy::Public,
        };
        let room = self.store.create_room(room, now).await.unwrap();
        let rules = Rules { mode: SessionMode::AgentShared, ..Rules::default() };
        self.store.create_wiring(room.id, agent.clone(), rules, now).await.unwrap();
    }

    async fn says(&self, line: &str) {
        let message = self.said.heard(line, SystemClock.now());
        let message = Box::new(Bounded::of(message));
        let taken = self.handle.ask(|answer| Request::Inbound(message, answer)).await.unwrap();
        assert_eq!(outcome(&taken), "woke");
    }

    async fn down(self) {
        self.stop.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.said.expect_no_post();
    }
}

/// The containers of an install end with the test, however it ends.
struct Containers(String);

impl Drop for Containers {
    fn drop(&mut self) {
        let filter = format!("label=lazaret.install={}", self.0);
        for id in docker(&["ps", "--all", "--quiet", "--filter", &filter]).lines() {
            docker(&["rm", "--force", "--volumes", id]);
        }
    }
}

#[tokio::test]
async fn twenty_messages_from_two_platforms_get_twenty_answers_each_in_its_own_thread() {
    // Sockets lie in it, and a socket's path must be short.
    let home = tempfile::Builder::new().prefix("lz").tempdir_in("/tmp").unwrap();
    let _lock = open_home(home.path()).unwrap();
    let host = Inside::up(home.path()).await;
    let containers = Containers(host.install.clone());
    let andy = host.agent("andy").await;
    host.connect("slack", "C1", &andy).await;
    host.connect("github", "shop", &andy).await;

    host.says("slack C1/busy alice: !slow 3000").await;
    let mut expected = vec!["slack C1/busy: You said: ".to_owned()];
    for n in 0..20 {
        let place = ["slack C1/t", "github shop/"][n % 2];
        let place = format!("{place}{}", n % 5);
        host.says(&format!("{place} alice: number {n}")).await;
        expected.push(format!("{place}: You said: number {n}"));
    }
    expected.sort_unstable();
    assert_eq!(host.said.next_posts(21, PATIENCE).await, expected);
    let filter = format!("label=lazaret.install={}", containers.0);
    let running = docker(&["ps", "--all", "--quiet", "--filter", &filter]);
    assert_eq!(running.lines().count(), 1, "one conversation, one container");
    tokio::time::timeout(Duration::from_secs(60), host.down()).await.expect("the host ends");
}
