//! What is known before a container is decided: the engine's abilities, who the host is, and what
//! belongs to the install. PURE: only words; `docker/connect.rs` fills them in.

use std::{collections::BTreeSet, fmt, path::PathBuf};

use schemas::ids::InstallId;

/// What an engine said about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// Whose API it is.
    pub kind: EngineKind,
    /// Its own version, for people.
    pub version: String,
    /// The API version that both sides speak.
    pub api: ApiVersion,
    /// Whether it runs without root, in a user namespace of its owner.
    pub rootless: bool,
    /// Whether a rootful engine shifts the users of its containers.
    pub remaps_users: bool,
    /// What it can enforce.
    pub enforces: BTreeSet<Control>,
    /// CPUs of its machine.
    pub cpus: u32,
    /// The same, where it can keep a container on some of them and they are numbered from 0.
    pub pinnable: Option<u32>,
    /// The most open files it can give to a container.
    pub nofile: u64,
    /// The most processes that it can allow to a user, if it has such a limit itself.
    pub nproc: Option<u64>,
    /// Names of its runtimes.
    pub runtimes: BTreeSet<String>,
    /// The runtime that is used when none is named.
    pub default_runtime: String,
    /// Whom this process runs as, which decides who owns a session's folder.
    pub host: HostIdentity,
}

/// Whose API an engine speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Docker Engine.
    Docker,
    /// Podman's Docker-compatible service.
    Podman,
}

/// A bound that an engine can enforce or not, depending on its kernel and its own rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// A limit on memory.
    Memory,
    /// A limit on swap, without which a memory limit only slows down.
    Swap,
    /// A limit on processes.
    Pids,
    /// A limit on CPU time.
    Cpu,
    /// System call filters.
    Seccomp,
}

impl Control {
    /// All of them: a container without one of them is not started.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Swap, Self::Pids, Self::Cpu, Self::Seccomp];
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "the memory limit",
            Self::Swap => "the swap limit",
            Self::Pids => "the limit on processes",
            Self::Cpu => "the CPU limit",
            Self::Seccomp => "the system call filter",
        })
    }
}

/// A version of the engine's API; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Before the point.
    pub major: usize,
    /// Behind it.
    pub minor: usize,
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Whom the host process runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostIdentity {
    /// Effective user id; 0 is root.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// What is the same for all containers of this install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallFacts {
    /// Whose containers they are.
    pub install: InstallId,
    /// The guest program on the host, a static binary.
    pub guest: PathBuf,
    /// Its SHA-256 in hex: a container with another guest is not current.
    pub guest_digest: String,
    /// The contract that host and guest speak.
    pub contract_version: u32,
    /// The image for agents that bring none, as `lazaret/base:<contract>-<digest>`.
    pub built_in_image: String,
    /// The adapter's own directory for the few files that every container gets.
    pub engine_dir: PathBuf,
    /// The runtime to ask for; `None` is the engine's default.
    pub runtime: Option<String>,
}

impl InstallFacts {
    /// The install's part of container names: the random end of its id.
    #[must_use]
    pub fn short_install(&self) -> &str {
        let id = self.install.as_str();
        id.get(id.len().saturating_sub(8)..).unwrap_or(id)
    }

    /// The hosts file of every container: without a network the engine writes none, and programs
    /// look up `localhost`.
    #[must_use]
    pub fn hosts_file(&self) -> PathBuf {
        self.engine_dir.join("hosts")
    }

    /// The system call filter as a file, for engines that take a path.
    #[must_use]
    pub fn seccomp_file(&self) -> PathBuf {
        self.engine_dir.join("seccomp.json")
    }
}
