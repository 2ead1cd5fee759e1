//! The harness: one install on the real engine, in a temporary home, cleared away at the end.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use futures_util::FutureExt;
use host::{
    engine::{
        ContainerId, Engine, EngineEvent, Resources, StartRequest,
        docker::{DockerEngine, DockerSettings},
        endpoint::Places,
        facts::HostIdentity,
    },
    limits,
};
use jiff::Timestamp;
use schemas::{
    host_side::{InboundWriter, ensure},
    ids::{AgentId, InstallId, SessionId},
    session_dir::SessionDir,
    session_file::SessionFile,
};
use tokio::sync::{Mutex, mpsc};

/// One install under test.
pub(crate) struct Yard {
    pub(crate) engine: DockerEngine,
    home: tempfile::TempDir,
    events: Mutex<mpsc::Receiver<EngineEvent>>,
}

impl Yard {
    /// Runs a test in a yard of its own on the usual engine.
    pub(crate) async fn run(test: impl AsyncFnOnce(&Self)) {
        Self::run_with(|_settings| {}, test).await;
    }

    /// The same with other settings.
    pub(crate) async fn run_with(
        change: impl FnOnce(&mut DockerSettings),
        test: impl AsyncFnOnce(&Self),
    ) {
        let home = tempfile::tempdir().unwrap();
        let mut settings = settings(home.path());
        change(&mut settings);
        let (sender, receiver) = mpsc::channel(64);
        let engine = DockerEngine::new(settings).unwrap();
        let yard = Self { engine, home, events: Mutex::new(receiver) };
        let outcome = tokio::select! {
            outcome = AssertUnwindSafe(test(&yard)).catch_unwind() => outcome,
            () = yard.engine.watch(sender) => panic!("watch ended by itself"),
        };
        yard.clear();
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }

    /// A session with folders in this yard; equal numbers are the same session.
    pub(crate) fn request(&self, number: u32) -> StartRequest {
        let session = SessionId::mint(at(number));
        // Equal numbers are one session, so its folder keeps the id that was minted first.
        let root = self.home.path().join(format!("s{number}"));
        let marker = self.home.path().join(format!("s{number}.id"));
        let session = match std::fs::read_to_string(&marker) {
            Ok(text) => SessionId::parse(&text).unwrap(),
            Err(_) => {
                std::fs::write(&marker, session.as_str()).unwrap();
                session
            }
        };
        let agent = AgentId::mint(at(0));
        furnish(&SessionDir::at(&root), &session, &agent);
        StartRequest {
            session,
            agent,
            session_root: root,
            agent_dir: self.home.path().join("agent"),
            agent_dir_writable: false,
            socket_dir: self.home.path().join(format!("k{number}")),
            image: None,
            resources: Resources {
                memory_bytes: limits::DEFAULT_MEMORY_BYTES,
                milli_cpus: limits::DEFAULT_MILLI_CPUS,
                pids: limits::DEFAULT_PIDS,
            },
            uid_index: number,
            gid_index: 0,
        }
    }

    /// The next event that the engine tells.
    pub(crate) async fn next_event(&self) -> EngineEvent {
        let mut events = self.events.lock().await;
        tokio::time::timeout(crate::waiting::PATIENCE, events.recv())
            .await
            .expect("no event came")
            .unwrap()
    }

    /// Starts a container after the events are subscribed to.
    pub(crate) async fn started(&self, request: &StartRequest) -> ContainerId {
        assert_eq!(self.next_event().await, EngineEvent::Back);
        self.engine.start(request).await.unwrap()
    }

    fn clear(&self) {
        // Through the client, not the adapter: a broken adapter must not leave containers behind.
        let filter = format!("label=lazaret.install={}", self.engine.install_id());
        let left = docker(&["ps", "--all", "--quiet", "--filter", &filter]);
        for id in left.lines() {
            docker(&["rm", "--force", "--volumes", id]);
        }
    }
}

/// What a guest must find, or it ends at once.
fn furnish(dir: &SessionDir, session: &SessionId, agent: &AgentId) {
    ensure(dir).unwrap();
    let file = SessionFile {
        agent_name: "yard".to_owned(),
        max_messages_per_prompt: limits::MESSAGES_PER_PROMPT,
        ..SessionFile::new(session.clone(), agent.clone(), "echo")
    };
    file.save(dir).unwrap();
    InboundWriter::new(dir.clone()).write(|tx| tx.set_routing(None)).unwrap();
}

/// An engine other than the usual one: the address of its socket.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says which engine")]
pub(crate) fn other_engine() -> Option<String> {
    std::env::var("LAZARET_TEST_ENGINE").ok().filter(|address| !address.is_empty())
}

/// Settings of a new install under `home`.
pub(crate) fn settings(home: &Path) -> DockerSettings {
    DockerSettings {
        places: Places { docker_host: other_engine(), ..Places::default() },
        install: InstallId::mint(at(1)),
        contract_version: 1,
        guest: guest_binary().to_owned(),
        engine_dir: home.join("engine"),
        runtime: None,
        host: HostIdentity {
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
        },
    }
}

/// What the engine's own client says; fails the test when it fails.
pub(crate) fn docker(args: &[&str]) -> String {
    let (ok, text) = try_docker(args);
    assert!(ok, "docker {args:?}: {text}");
    text.trim().to_owned()
}

/// The same for calls that may fail: whether it went well, and what it printed.
pub(crate) fn try_docker(args: &[&str]) -> (bool, String) {
    let mut command = Command::new("docker");
    if let Some(host) = other_engine() {
        command.args(["--host", &host]);
    }
    let output = command.args(args).env("DOCKER_BUILDKIT", "0").output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned());
    (output.status.success(), text.concat())
}

/// The host's process id of a container's first process.
pub(crate) fn pid(container: &ContainerId) -> u32 {
    docker(&["inspect", "--format", "{{.State.Pid}}", &container.0]).parse().unwrap()
}

/// The guest as a static binary, built once a run into a target folder of its own.
pub(crate) fn guest_binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = workspace();
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let folder = root.join("target/static");
        // A named target: without one the flags would break procedural macros.
        let status = Command::new(env!("CARGO"))
            .current_dir(&root)
            .args(["build", "--quiet", "--package", "guest", "--bin", "lazaret-guest"])
            .args(["--example", "dying"])
            .args(["--target", &target, "--target-dir"])
            .arg(&folder)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .status()
            .unwrap();
        assert!(status.success(), "the static guest does not build");
        folder.join(target).join("debug/lazaret-guest")
    })
}

/// The guest that dies when it is told to, beside the other.
pub(crate) fn dying_guest() -> PathBuf {
    guest_binary().with_file_name("examples").join("dying")
}

/// The host that is put to a test, built once a run.
pub(crate) fn host_on_trial() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = workspace();
        let status = Command::new(env!("CARGO"))
            .current_dir(&root)
            .args(["build", "--quiet", "--package", "host", "--example", "trial"])
            .status()
            .unwrap();
        assert!(status.success(), "the host on trial does not build");
        root.join("target/debug/examples/trial")
    })
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Ids carry a random part, so any moment does.
fn at(second: u32) -> Timestamp {
    Timestamp::from_second(i64::from(second)).unwrap()
}
