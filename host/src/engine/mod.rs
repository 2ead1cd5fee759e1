//! What runs containers, seen from the rest of the host.
//!
//! Owns the port ([`Engine`]) and its words. Nothing outside `docker/` knows Docker; the tests'
//! harness implements the same port with the real guest as a task.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use schemas::ids::{AgentId, SessionId};
use tokio::sync::mpsc;

pub mod facts;
pub mod refusal;

pub mod cpus;
pub mod spec;

pub mod mounts;

pub mod user;

pub mod ownership;

pub mod base_image;
pub mod endpoint;

pub mod docker;

#[cfg(test)]
mod fixtures;

pub mod process;

/// What a session's container is made from; all decisions are already taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRequest {
    /// The session that lives in it.
    pub session: SessionId,
    /// Whose session it is.
    pub agent: AgentId,
    /// The session's folder on the host.
    pub session_root: PathBuf,
    /// The agent's own folder on the host (memory and instructions).
    pub agent_dir: PathBuf,
    /// Whether this session may write the agent's folder; its wiring must be trusted with it.
    pub agent_dir_writable: bool,
    /// The directory whose sockets the guest may use, mounted read-only.
    pub socket_dir: PathBuf,
    /// Image reference; `None` is the built-in image that is imported from memory.
    pub image: Option<String>,
    /// Bounds on what it may use.
    pub resources: Resources,
    /// The session's number in this install, from which its uid is made.
    pub uid_index: u32,
    /// The agent's number in this install, from which its gid is made.
    pub gid_index: u32,
}

/// Bounds of one container. All are enforced, or the start is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Memory in bytes; swap is always off.
    pub memory_bytes: u64,
    /// CPUs in thousandths of one.
    pub milli_cpus: u32,
    /// Processes and threads.
    pub pids: u32,
}

/// A container that the engine knows under this install's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveContainer {
    /// The session in its label.
    pub session: SessionId,
    /// The engine's own id.
    pub container: ContainerId,
    /// Whether it runs now.
    pub running: bool,
    /// Whether it was started with this contract version and this guest binary.
    pub current: bool,
}

/// The engine's id of a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerId(pub String);

/// What the engine tells without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// A container of this install ended.
    Exited {
        /// Its session.
        session: SessionId,
        /// Which container: a later one of the same session is not meant.
        container: ContainerId,
        /// Exit code; 137 after a kill.
        code: i64,
        /// Whether the kernel ended it for its memory.
        out_of_memory: bool,
    },
    /// The engine cannot be reached; what runs goes on running, unseen.
    Lost {
        /// Why, for the operator.
        reason: String,
        /// What can be done about it, when that is known.
        hint: Option<String>,
    },
    /// The engine is reachable and every later event will come: the receiver lists what lives
    /// and compares. Sent once at the first subscription, once after each
    /// [`EngineEvent::Lost`], and alone when only a single call had failed.
    Back,
}

/// Why the engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What follows from it.
    pub kind: EngineErrorKind,
    /// One lower-case fragment without the cause.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// The cause, when there is one.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What follows from an [`EngineError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// The engine is away: wait for [`EngineEvent::Back`]; no try is burnt.
    Unreachable,
    /// It will not work until somebody changes something (image missing, mount refused).
    Permanent,
    /// It may work the next time.
    Transient,
}

/// The port to whatever runs containers.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Name and version for people, such as `docker 20.10.24 (api 1.41, runc)`.
    async fn describe(&self) -> Result<String, EngineError>;

    /// Creates and starts a session's container. A stopped leftover of the same session is
    /// removed first.
    async fn start(&self, request: &StartRequest) -> Result<ContainerId, EngineError>;

    /// Asks the container to end, and kills it when `grace` is over. Returns once it has ended;
    /// a container that is gone already is a success.
    async fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError>;

    /// Ends the container at once. A container that is gone already is a success.
    async fn kill(&self, container: &ContainerId) -> Result<(), EngineError>;

    /// Keeps the bounded last part of what it printed in the session's `log/container.log`, and
    /// removes the container. A container that is gone already is a success.
    async fn remove(&self, container: &ContainerId, session_root: &Path)
    -> Result<(), EngineError>;

    /// Every container with this install's label, running or not.
    async fn list(&self) -> Result<Vec<LiveContainer>, EngineError>;

    /// Sends what happens from now on, until the receiver is dropped. Subscribing comes before
    /// listing, so that nothing falls between the two: [`EngineEvent::Back`] says when. Never ends
    /// by itself: a lost engine is announced, and tried again with growing pauses. After a call
    /// that failed as [`EngineErrorKind::Unreachable`] there is always a later `Back`.
    async fn watch(&self, events: mpsc::Sender<EngineEvent>);
}
