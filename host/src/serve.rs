//! From the configuration to a running host: the one place where the real ports are chosen.
//!
//! Owns the order of the start (lock, database, engine, socket) and joins what runs side by side.
//! Nothing here decides anything about messages.

use std::{path::Path, sync::Arc};

use schemas::{
    CONTRACT_VERSION,
    admin::Status,
    ids::InstallId,
    time::{Clock, SystemClock},
};
use tokio::task::JoinHandle;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{info, warn};

use crate::{
    channels::{Channels, terminal::Terminal},
    config::Config,
    daemon::{self, Ports, Settings, Stop, open_home},
    engine::{
        Engine,
        docker::{DockerEngine, DockerSettings},
        facts::HostIdentity,
        process::ProcessEngine,
    },
    error::{ErrorKind, HostError, Result},
    gateway::{self, Socket},
    limits,
    requests::{self, Request},
    sessions::inotify::InotifyBells,
    store::Store,
};

/// Runs the host until `stop` says otherwise; `ready` is told how it is once it takes messages.
///
/// # Errors
/// When the home is taken or cannot be used, when the guest program is missing, when the socket
/// cannot be made, or when the central database refuses.
pub async fn run(
    config: Config,
    stop: Stop,
    ready: impl FnOnce(&Status) + Send + 'static,
) -> Result<()> {
    // Files in `in/` are read by guests under other uids; what is private says so itself.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let _lock = open_home(&config.home)?;
    let store = Store::open(&config.home.join("central.db"))?;
    let install = store.install_id(SystemClock.now()).await?;
    let engine = engine(&config, install)?;
    let terminal = Arc::new(Terminal::default());
    let bells = Arc::new(InotifyBells::open().map_err(|error| {
        HostError::new(ErrorKind::Storage, "cannot watch files")
            .because(error)
            .hint("raise the limit: sysctl fs.inotify.max_user_instances")
    })?);
    let socket = Socket::bind(&config.socket())?;
    info!(home = %config.home.display(), socket = %config.socket().display(), "host listens");
    let (handle, requests) = requests::queue();
    let gateway = gateway::serve(socket, handle.clone(), terminal.clone(), stop.closing.clone());
    let ports = Ports {
        clock: Arc::new(SystemClock),
        engine,
        channels: Channels::new(vec![terminal]),
        bells: bells.clone(),
    };
    let daemon = daemon::run(settings(&config), ports, store, requests, stop);
    let bells = async move {
        if let Err(error) = bells.serve().await {
            warn!(%error, "the watch on guests' files broke off; the belt looks instead");
        }
    };
    let announce = async move {
        // The answer comes once the daemon has looked at what an earlier host left.
        if let Ok(status) = handle.ask(Request::Status).await {
            info!(engine = status.engine, engine_ok = status.engine_ok, "host ready");
            ready(&status);
        }
    };
    // Tasks, so that the runtime's threads do the work: what is polled in place is the main
    // thread's, and every message would cross over to it and back, three times on its way.
    let tasks = TaskTracker::new();
    let (gateway, daemon) = (tasks.spawn(gateway), tasks.spawn(daemon));
    let beside = [tasks.spawn(bells), tasks.spawn(announce)].map(AbortOnDropHandle::new);
    // The gateway ends first when it drains; the daemon's end is the host's.
    let ended = tokio::try_join!(joined(gateway), joined(daemon)).map(drop);
    drop(beside);
    ended
}

/// A task that is dropped with whoever waits for it; its panic is an error.
async fn joined(task: JoinHandle<Result<()>>) -> Result<()> {
    AbortOnDropHandle::new(task).await.map_err(|error| {
        HostError::new(ErrorKind::Internal, "a part of the host broke off").because(error)
    })?
}

fn settings(config: &Config) -> Settings {
    Settings {
        home: config.home.clone(),
        run_dir: config.run_dir.clone(),
        time_zone: config.time_zone.clone(),
        max_containers: limits::MAX_CONTAINERS,
        idle_after: config.idle_timeout,
        image: config.image.clone(),
        // Without an engine nobody keeps a guest for the next host.
        ephemeral: config.ephemeral || !config.isolated,
    }
}

fn engine(config: &Config, install: InstallId) -> Result<Arc<dyn Engine>> {
    let guest: &Path = config.guest()?;
    if !config.isolated {
        return Ok(Arc::new(ProcessEngine::new(guest.to_owned(), TaskTracker::new())));
    }
    Ok(Arc::new(DockerEngine::new(DockerSettings {
        places: config.engine.clone(),
        install,
        contract_version: CONTRACT_VERSION,
        guest: guest.to_owned(),
        engine_dir: config.run_dir.join("engine"),
        runtime: None,
        host: HostIdentity {
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
        },
    })?))
}
