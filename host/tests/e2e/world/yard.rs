//! The engine: each container is the real guest, run as a task.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use guest::{
    provider,
    steps::{Step, Steps},
};
use host::engine::{
    ContainerId, Engine, EngineError, EngineErrorKind, EngineEvent, LiveContainer, StartRequest,
};
use schemas::{ids::SessionId, session_dir::SessionDir, session_file::SessionFile};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bells::HouseBells,
    clock::PausedClock,
    doom::{Died, Plan, die},
    frozen::{Frozen, freezable},
};

pub(crate) struct Yard {
    clock: Arc<PausedClock>,
    bells: Arc<HouseBells>,
    tasks: TaskTracker,
    state: Arc<Mutex<State>>,
    started: AtomicU32,
    doubles: AtomicU32,
    /// Containers hang from their first moment.
    born_frozen: AtomicBool,
    /// At which step the next guest dies that comes to it.
    doom: Arc<Plan<Step>>,
}

#[derive(Default)]
struct State {
    containers: HashMap<ContainerId, Container>,
    host: Option<mpsc::Sender<EngineEvent>>,
    /// Why starts fail.
    refuses: Option<(EngineErrorKind, String)>,
    /// Nobody can reach the engine, and what it says is lost.
    away: bool,
    /// The next question what lives is answered by an error.
    forgetful: bool,
    /// What a question about the engine takes.
    pause: Duration,
}

#[derive(Clone)]
struct Container {
    session: SessionId,
    terminate: CancellationToken,
    kill: CancellationToken,
    frozen: Arc<Frozen>,
    running: watch::Receiver<bool>,
}

impl Yard {
    pub(crate) fn new(clock: Arc<PausedClock>, bells: Arc<HouseBells>) -> Self {
        Self {
            clock,
            bells,
            tasks: TaskTracker::new(),
            state: Arc::default(),
            started: AtomicU32::new(0),
            doubles: AtomicU32::new(0),
            born_frozen: AtomicBool::new(false),
            doom: Arc::new(Plan::new(None)),
        }
    }

    /// Containers that were started so far.
    pub(crate) fn started(&self) -> u32 {
        self.started.load(Ordering::Relaxed)
    }

    /// Containers that were started while their session had one.
    pub(crate) fn doubles(&self) -> u32 {
        self.doubles.load(Ordering::Relaxed)
    }

    /// Containers that run now.
    pub(crate) fn running(&self) -> usize {
        self.state.lock().unwrap().containers.values().filter(|one| *one.running.borrow()).count()
    }

    /// The only container that runs dies.
    pub(crate) async fn kill_the_one(&self) {
        let one = self.the_one();
        one.kill.cancel();
        ended(&one).await;
    }

    /// The only container that runs hangs: it lives, and does nothing.
    pub(crate) fn freeze_the_one(&self) {
        self.the_one().frozen.hangs(true);
    }

    /// The guest dies that comes to a step as the n-th from now on.
    pub(crate) fn guest_dies_at(&self, step: Step, nth: u32) {
        self.doom.set(step, nth);
    }

    /// Whether a guest died at the step that was named last.
    pub(crate) fn guest_died(&self) -> bool {
        !self.doom.is_open()
    }

    /// No guest dies at a step any more.
    pub(crate) fn guests_live(&self) {
        self.doom.forget();
    }

    /// One of the containers that run dies.
    pub(crate) async fn kill_one(&self, which: usize) {
        let one = self.one(which);
        one.kill.cancel();
        ended(&one).await;
    }

    /// One of the containers that run hangs.
    pub(crate) fn freeze_one(&self, which: usize) {
        self.one(which).frozen.hangs(true);
    }

    /// Whether containers hang from their first moment.
    pub(crate) fn freezes_at_birth(&self, yes: bool) {
        self.born_frozen.store(yes, Ordering::Relaxed);
    }

    /// The next question what lives is answered by an error, and nothing else is wrong.
    pub(crate) fn forgets_what_lives(&self) {
        self.state.lock().unwrap().forgetful = true;
    }

    /// Questions about the engine take this long.
    pub(crate) fn takes_its_time(&self, pause: Duration) {
        self.state.lock().unwrap().pause = pause;
    }

    /// Starts fail from now on.
    pub(crate) fn refuses(&self, kind: EngineErrorKind, why: &str) {
        self.state.lock().unwrap().refuses = Some((kind, why.to_owned()));
    }

    /// Nobody reaches the engine from now on; what runs goes on.
    pub(crate) async fn goes_away(&self) {
        let host = {
            let mut state = self.state.lock().unwrap();
            state.away = true;
            state.host.clone()
        };
        if let Some(host) = host {
            drop(host.send(lost()).await);
        }
    }

    /// Starts work again; a lost engine says that it is back.
    pub(crate) async fn recovers(&self) {
        let host = {
            let mut state = self.state.lock().unwrap();
            state.refuses = None;
            state.away = false;
            state.host.clone()
        };
        if let Some(host) = host {
            drop(host.send(EngineEvent::Back).await);
        }
    }

    /// Every container ends.
    pub(crate) async fn close(&self) {
        let all: Vec<Container> = self.state.lock().unwrap().containers.values().cloned().collect();
        for one in all {
            one.terminate.cancel();
            one.frozen.hangs(false);
            ended(&one).await;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn one(&self, which: usize) -> Container {
        let state = self.state.lock().unwrap();
        let running = state.containers.iter().filter(|(_, one)| *one.running.borrow());
        // In the order of their starts, so that a script can be played again.
        let mut running: Vec<_> = running.collect();
        running.sort_by_key(|(id, _)| (id.0.len(), id.0.clone()));
        running.get(which).expect("so many containers run").1.clone()
    }

    fn the_one(&self) -> Container {
        let state = self.state.lock().unwrap();
        let mut running = state.containers.values().filter(|one| *one.running.borrow());
        let one = running.next().expect("no container runs").clone();
        assert!(running.next().is_none(), "several containers run");
        one
    }

    fn launch(&self, request: &StartRequest) -> ContainerId {
        let n = self.started.fetch_add(1, Ordering::Relaxed);
        let id = ContainerId(format!("c{n}"));
        let (alive, running) = watch::channel(true);
        let container = Container {
            session: request.session.clone(),
            terminate: CancellationToken::new(),
            kill: CancellationToken::new(),
            frozen: Arc::default(),
            running,
        };
        let mut state = self.state.lock().unwrap();
        container.frozen.hangs(self.born_frozen.load(Ordering::Relaxed));
        let double = state
            .containers
            .values()
            .any(|one| one.session == request.session && *one.running.borrow());
        self.doubles.fetch_add(u32::from(double), Ordering::Relaxed);
        state.containers.insert(id.clone(), container.clone());
        drop(state);
        let life = self.life(SessionDir::at(&request.session_root), container.clone());
        let (session, container) = (request.session.clone(), id.clone());
        let hosts = self.state.clone();
        self.tasks.spawn(async move {
            let code = life.await;
            alive.send_replace(false);
            // Whichever host listens now; it may be another than at the start.
            let host = {
                let state = hosts.lock().unwrap();
                state.host.clone().filter(|_| !state.away)
            };
            if let Some(host) = host {
                let out_of_memory = false;
                let said = EngineEvent::Exited { session, container, code, out_of_memory };
                drop(host.send(said).await);
            }
        });
        id
    }

    fn reach(&self) -> Result<(), EngineError> {
        if !self.state.lock().unwrap().away {
            return Ok(());
        }
        let (kind, message) = (EngineErrorKind::Unreachable, "nobody answers".to_owned());
        Err(EngineError { kind, message, hint: None, source: None })
    }

    fn life(&self, dir: SessionDir, container: Container) -> impl Future<Output = i64> + use<> {
        let to_host = self.bells.host(&dir);
        let wake = self.bells.guest(&dir);
        let clock = self.clock.clone();
        let doom = self.doom.clone();
        let steps = Steps::watched(move |step| {
            if doom.is_now(step) {
                die();
            }
        });
        async move {
            if SessionFile::load(&dir).is_err() {
                return 78;
            }
            let desk = guest::tools::Desk::default();
            let around =
                provider::Surroundings { dir: dir.clone(), models: None, desk: desk.clone() };
            let ports = guest::Ports {
                clock,
                wake: Box::new(wake),
                // What only a real container holds is played by echo.
                providers: Box::new(move |_| provider::by_name("echo", &around)),
                on_commit: Box::new(move || to_host.notify_one()),
                steps,
                desk,
            };
            let guest = guest::run(dir, ports, container.terminate.clone());
            let guest = AssertUnwindSafe(guest).catch_unwind();
            tokio::select! { biased;
                () = container.kill.cancelled() => 137,
                ended = freezable(guest, &container.frozen) => match ended {
                    Ok(ended) => i64::from(ended.is_err()),
                    Err(death) if death.is::<Died>() => 137,
                    Err(bug) => resume_unwind(bug),
                },
            }
        }
    }
}

fn lost() -> EngineEvent {
    EngineEvent::Lost { reason: "nobody answers".to_owned(), hint: None }
}

async fn ended(container: &Container) {
    let mut running = container.running.clone();
    running.wait_for(|running| !running).await.expect("the container's task reports its end");
}

#[async_trait]
impl Engine for Yard {
    async fn describe(&self) -> Result<String, EngineError> {
        let pause = self.state.lock().unwrap().pause;
        drop(tokio::time::timeout(pause, std::future::pending::<()>()).await);
        Ok("guests as tasks".to_owned())
    }

    async fn start(&self, request: &StartRequest) -> Result<ContainerId, EngineError> {
        // A container takes a while to come up.
        let coming_up = Duration::from_millis(100);
        drop(tokio::time::timeout(coming_up, std::future::pending::<()>()).await);
        self.reach()?;
        let refusal = self.state.lock().unwrap().refuses.clone();
        if let Some((kind, message)) = refusal {
            return Err(EngineError { kind, message, hint: None, source: None });
        }
        Ok(self.launch(request))
    }

    async fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError> {
        self.reach()?;
        let found = self.state.lock().unwrap().containers.get(container).cloned();
        if let Some(one) = found {
            one.terminate.cancel();
            if tokio::time::timeout(grace, ended(&one)).await.is_err() {
                one.kill.cancel();
                ended(&one).await;
            }
        }
        Ok(())
    }

    async fn kill(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.reach()?;
        let found = self.state.lock().unwrap().containers.get(container).cloned();
        if let Some(one) = found {
            one.kill.cancel();
            ended(&one).await;
        }
        Ok(())
    }

    async fn remove(&self, container: &ContainerId, _root: &Path) -> Result<(), EngineError> {
        self.reach()?;
        self.state.lock().unwrap().containers.remove(container);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<LiveContainer>, EngineError> {
        self.reach()?;
        let mut state = self.state.lock().unwrap();
        if std::mem::take(&mut state.forgetful) {
            let (kind, message) = (EngineErrorKind::Transient, "500".to_owned());
            return Err(EngineError { kind, message, hint: None, source: None });
        }
        Ok(state
            .containers
            .iter()
            .map(|(id, one)| LiveContainer {
                session: one.session.clone(),
                container: id.clone(),
                running: *one.running.borrow(),
                current: true,
            })
            .collect())
    }

    async fn watch(&self, events: mpsc::Sender<EngineEvent>) {
        self.state.lock().unwrap().host = Some(events.clone());
        let first = if self.reach().is_ok() { EngineEvent::Back } else { lost() };
        drop(events.send(first).await);
        events.closed().await;
    }
}
