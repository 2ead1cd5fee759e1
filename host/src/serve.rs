//! From the configuration to a running host: the one place where the real ports are chosen.
//!
//! Owns the order of the start (lock, database, engine, socket) and joins what runs side by side.
//! Nothing here decides anything about messages.

use std::{fmt, path::Path, sync::Arc};

use schemas::{
    admin::Status,
    ids::InstallId,
    sqlite::copying::quick_check,
    time::{Clock, SystemClock},
};
use tokio::task::JoinHandle;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{info, warn};

use crate::{
    broker::Broker,
    channels::{Channel, Channels, terminal::Terminal},
    config::Config,
    daemon::{self, Ports, Settings, Stop, open_home},
    engine::{Engine, docker::DockerEngine, process::ProcessEngine},
    error::{ErrorKind, HostError, Result},
    gateway::{self, Socket},
    limits::upkeep as limits,
    requests::{self, Request},
    secrets::Secrets,
    sessions::inotify::InotifyBells,
    steps::Steps,
    store::Store,
    text::upkeep as text,
    upkeep::copies,
};

/// Puts something between the host and a channel.
type Door = Box<dyn FnOnce(Arc<dyn Channel>) -> Arc<dyn Channel> + Send>;

/// What a test does to a host that is otherwise the real one. By default nothing, and the program
/// that people install knows no other.
pub struct Trial {
    /// Who is told of each step.
    pub steps: Steps,
    /// What stands between the host and its channel.
    pub door: Door,
}

impl Default for Trial {
    fn default() -> Self {
        Self { steps: Steps::default(), door: Box::new(|channel| channel) }
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// Runs the host until `stop` says otherwise; `ready` is told how it is once it takes messages.
///
/// # Errors
/// When the home is taken or cannot be used, when the guest program is missing, when the socket
/// cannot be made, or when the central database refuses.
pub async fn run(
    config: Config,
    trial: Trial,
    stop: Stop,
    ready: impl FnOnce(&Status) + Send + 'static,
) -> Result<()> {
    // Files in `in/` are read by guests under other uids; what is private says so itself.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let _lock = open_home(&config.home)?;
    let store = open_central(&config.home)?;
    let install = store.install_id(SystemClock.now()).await?;
    let secrets = Secrets::open(&config.home, config.keys.clone(), install.clone());
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
        channels: Channels::new(vec![(trial.door)(terminal)]),
        bells: bells.clone(),
        broker: Broker::new(Arc::new(SystemClock), config.models.clone(), secrets),
        steps: trial.steps,
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

/// Nothing is migrated without a copy, and nothing is built on a database that is damaged.
fn open_central(home: &Path) -> Result<Store> {
    let central = home.join(copies::CENTRAL);
    let small = central.metadata().is_ok_and(|found| found.len() <= limits::CHECKED_AT_START);
    copies::before_migration(home, SystemClock.now())?;
    let store = Store::open(&central).map_err(text::central_refused)?;
    if small {
        let wrong = quick_check(&central, limits::COMPLAINTS)?;
        if !wrong.is_empty() {
            return Err(text::central_damaged(&central, &wrong));
        }
    }
    Ok(store)
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
        max_containers: config.max_containers,
        keep_days: config.keep_days,
        idle_after: config.idle_timeout,
        image: config.image.clone(),
        // Without an engine nobody keeps a guest for the next host.
        ephemeral: config.ephemeral || !config.isolated,
    }
}

fn engine(config: &Config, install: InstallId) -> Result<Arc<dyn Engine>> {
    if !config.isolated {
        let guest = config.guest()?.to_owned();
        return Ok(Arc::new(ProcessEngine::new(guest, TaskTracker::new())));
    }
    Ok(Arc::new(DockerEngine::new(config.docker(install)?)?))
}
