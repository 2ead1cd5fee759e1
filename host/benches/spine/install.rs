//! One install on the engine, and its end: whatever happens, its containers go.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use host::engine::{
    docker::{DockerEngine, DockerSettings},
    endpoint::Places,
    facts::HostIdentity,
    spec::{LABEL_INSTALL, LABEL_SESSION},
};
use schemas::{CONTRACT_VERSION, ids::InstallId, ids::SessionId};

/// An adapter of our own on the engine, and the owner of all containers of its install.
pub(crate) struct Install {
    pub(crate) engine: DockerEngine,
    id: InstallId,
}

impl Install {
    /// Reads the guest; the engine is not asked yet.
    pub(crate) fn new(id: InstallId, guest: PathBuf, engine_dir: PathBuf) -> Self {
        let settings = DockerSettings {
            places: Places::default(),
            install: id.clone(),
            contract_version: CONTRACT_VERSION,
            guest,
            engine_dir,
            runtime: None,
            host: HostIdentity {
                uid: nix::unistd::geteuid().as_raw(),
                gid: nix::unistd::getegid().as_raw(),
            },
        };
        Self { engine: DockerEngine::new(settings).expect("the guest is built"), id }
    }

    /// The process that is PID 1 in a session's container, as the host numbers it.
    pub(crate) fn pid(&self, session: &SessionId) -> u32 {
        let id = self.id(session);
        docker(&["inspect", "--format", "{{.State.Pid}}", &id]).parse().expect("a number")
    }

    /// The container of a session.
    pub(crate) fn id(&self, session: &SessionId) -> String {
        let session = format!("label={LABEL_SESSION}={session}");
        let ids = self.containers(&["--no-trunc", "--filter", &session]);
        ids.into_iter().next().expect("the session has a container")
    }

    fn containers(&self, and: &[&str]) -> Vec<String> {
        let install = format!("label={LABEL_INSTALL}={}", self.id);
        let all = ["ps", "-aq", "--filter", install.as_str()];
        let list = docker(&[&all, and].concat());
        list.lines().map(str::to_owned).collect()
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        for id in self.containers(&[]) {
            docker(&["rm", "--force", "--volumes", &id]);
        }
    }
}

/// Processes in a container, as the engine counts them.
pub(crate) fn processes(container: &str) -> u32 {
    docker(&["stats", "--no-stream", "--format", "{{.PIDs}}", container]).parse().unwrap_or(0)
}

/// What the engine's own client answers; empty when it fails.
pub(crate) fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("docker's client is there");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The release folder, where this benchmark lies in `deps/`.
pub(crate) fn release() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().to_owned()
}

/// The product's guest, as `scripts/guest` leaves it.
pub(crate) fn guest() -> PathBuf {
    built(release().join("lazaret-guest"))
}

/// The guest of the bare path.
pub(crate) fn bare_guest() -> PathBuf {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    built(release().parent().unwrap().join(target).join("release/examples/bare"))
}

fn built(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} is missing: run scripts/bench", path.display());
    path
}

/// A folder on the disk that cargo builds on: a temporary folder may lie in memory, where a commit
/// costs nothing.
pub(crate) fn folder() -> tempfile::TempDir {
    let on = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(on).unwrap();
    tempfile::TempDir::with_prefix_in("spine-", on).unwrap()
}
