//! The port on a Docker Engine API: Docker or Podman, over a Unix socket.
//!
//! Owns the connection, which is made when it is first needed and made anew after a loss. The
//! decisions are taken in `spec.rs`; here they are only carried out. Only this folder imports
//! bollard. It spawns nothing, and reads no environment.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use schemas::ids::InstallId;
use tokio::sync::{Mutex, Notify, mpsc};

use self::connect::Connection;
use super::{
    ContainerId, Engine, EngineError, EngineErrorKind, EngineEvent, LiveContainer, StartRequest,
    base_image::BaseImage,
    endpoint::Places,
    facts::{EngineKind, HostIdentity, InstallFacts},
    ownership, spec, user,
};

mod connect;
mod context;
mod events;
mod fault;
mod image;
mod install;
mod logs;
mod run;
mod seen;
mod translate;
mod walls;

/// What the adapter is made from.
#[derive(Debug, Clone)]
pub struct DockerSettings {
    /// Where the engine may listen.
    pub places: Places,
    /// Whose containers these are.
    pub install: InstallId,
    /// The contract that this host speaks.
    pub contract_version: u32,
    /// The guest program on the host.
    pub guest: PathBuf,
    /// A directory of our own for files that every container gets; made when missing.
    pub engine_dir: PathBuf,
    /// The runtime to ask for; `None` is the engine's default.
    pub runtime: Option<String>,
    /// Whom this process runs as.
    pub host: HostIdentity,
}

/// The adapter.
pub struct DockerEngine {
    places: Places,
    host: HostIdentity,
    install: InstallFacts,
    base: BaseImage,
    /// The socket that answered first: later connections go there and nowhere else, so that a
    /// host never changes its engine while it runs.
    socket: OnceLock<PathBuf>,
    connection: Mutex<Option<Arc<Connection>>>,
    /// One import at a time.
    import: Mutex<()>,
    /// Rung by a call that found the engine away, so that `watch` looks and answers with `Back`.
    doubted: Notify,
}

impl DockerEngine {
    /// Reads the guest binary and makes the adapter; the engine is not asked yet.
    ///
    /// # Errors
    /// When the guest binary cannot be read.
    pub fn new(settings: DockerSettings) -> Result<Self, EngineError> {
        let (install, base) = install::facts(&settings)?;
        Ok(Self {
            places: settings.places,
            host: settings.host,
            install,
            base,
            socket: OnceLock::new(),
            connection: Mutex::new(None),
            import: Mutex::new(()),
            doubted: Notify::new(),
        })
    }

    /// Whose containers these are.
    #[must_use]
    pub fn install_id(&self) -> &InstallId {
        &self.install.install
    }

    /// The connection, made now if there is none.
    async fn connection(&self) -> Result<Arc<Connection>, EngineError> {
        let mut slot = self.connection.lock().await;
        if let Some(connection) = slot.as_ref() {
            return Ok(Arc::clone(connection));
        }
        let pinned = self.socket.get().map(PathBuf::as_path);
        let made = connect::connect(&self.places, pinned, self.host).await?;
        let made = Arc::new(made);
        self.socket.get_or_init(|| made.socket.clone());
        *slot = Some(Arc::clone(&made));
        Ok(made)
    }

    /// A connection made now: the engine behind the socket may have been replaced.
    async fn fresh_connection(&self) -> Result<Arc<Connection>, EngineError> {
        self.forget().await;
        self.connection().await
    }

    async fn forget(&self) {
        *self.connection.lock().await = None;
    }

    /// Notes what an error says about the connection, and hands it on.
    async fn noted<T>(&self, outcome: Result<T, EngineError>) -> Result<T, EngineError> {
        if matches!(&outcome, Err(error) if error.kind == EngineErrorKind::Unreachable) {
            self.forget().await;
            self.doubted.notify_one();
        }
        outcome
    }

    async fn try_start(&self, request: &StartRequest) -> Result<ContainerId, EngineError> {
        let connection = self.connection().await?;
        let facts = &connection.facts;
        let taken = match facts.pinnable {
            Some(_) => run::taken_cpus(&connection).await?,
            None => Vec::new(),
        };
        let spec =
            spec::container_spec(request, facts, &self.install, &taken).map_err(fault::refused)?;
        let plan = user::user_plan(request, facts).map_err(fault::refused)?;
        ownership::apply_ownership(request, &plan.ownership).map_err(fault::folders)?;
        install::write_files(&self.install).map_err(fault::own_files)?;
        run::start(self, &connection, &spec, &request.session_root).await
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn describe(&self) -> Result<String, EngineError> {
        let connection = self.noted(self.connection().await).await?;
        let facts = &connection.facts;
        let name = match facts.kind {
            EngineKind::Docker => "docker",
            EngineKind::Podman => "podman",
        };
        let rootless = if facts.rootless { ", rootless" } else { "" };
        let runtime = self.install.runtime.as_ref().unwrap_or(&facts.default_runtime);
        Ok(format!("{name} {} (api {}, {runtime}{rootless})", facts.version, facts.api))
    }

    async fn start(&self, request: &StartRequest) -> Result<ContainerId, EngineError> {
        self.noted(self.try_start(request).await).await
    }

    async fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError> {
        let outcome = match self.connection().await {
            Ok(connection) => run::stop(&connection, container, grace).await,
            Err(error) => Err(error),
        };
        self.noted(outcome).await
    }

    async fn kill(&self, container: &ContainerId) -> Result<(), EngineError> {
        let outcome = match self.connection().await {
            Ok(connection) => run::kill(&connection, container).await,
            Err(error) => Err(error),
        };
        self.noted(outcome).await
    }

    async fn remove(
        &self,
        container: &ContainerId,
        session_root: &Path,
    ) -> Result<(), EngineError> {
        let outcome = match self.connection().await {
            Ok(connection) => run::remove(&connection, container, session_root).await,
            Err(error) => Err(error),
        };
        self.noted(outcome).await
    }

    async fn list(&self) -> Result<Vec<LiveContainer>, EngineError> {
        let outcome = match self.connection().await {
            Ok(connection) => run::list(&connection, &self.install).await,
            Err(error) => Err(error),
        };
        self.noted(outcome).await
    }

    async fn watch(&self, events: mpsc::Sender<EngineEvent>) {
        events::watch(self, &events).await;
    }
}
