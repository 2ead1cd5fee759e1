//! The host's one loop: requests, the engine's news, sessions that would end, due times.
//!
//! Owns the map of live sessions' tasks and the ordered table of due times with its one timer.
//! Decides nothing about a message (that is `routing`) and writes no session file (that is the
//! session's task). The `impl` is split by who asks: `people`, `operator`, `news`.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use schemas::{ids::SessionId, message::Address, time::SharedClock};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info};

use crate::{
    approvals,
    broker::Broker,
    channels::{Channels, peer::Peers},
    delivery::{Owner, Traffic},
    engine::{Engine, EngineEvent},
    error::{HostError, Result},
    limits, occurrences,
    people::Who,
    questions,
    requests::{Request, Requests},
    routing::Room,
    sessions::{Context, bell::Bells, handle::FromSession, handle::SessionHandle, places::Places},
    steps::{Step, Steps},
    store::Store,
    text,
};

mod asked;
mod channels;
mod commands;
mod fan_out;
mod home;
mod news;
mod operator;
mod people;
mod rules;
mod tasks;
mod upkeep;

pub use home::{HomeLock, open_home};

/// What the host is given from outside; the tests' harness gives its own.
pub struct Ports {
    /// The time.
    pub clock: SharedClock,
    /// What runs containers.
    pub engine: Arc<dyn Engine>,
    /// Where posts go.
    pub channels: Channels,
    /// Wake-ups from guests.
    pub bells: Arc<dyn Bells>,
    /// How guests reach models.
    pub broker: Broker,
    /// Who is told of each step: nobody, but in tests.
    pub steps: Steps,
}

/// What the host is told by its configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything lies.
    pub home: PathBuf,
    /// Where sockets for guests lie.
    pub run_dir: PathBuf,
    /// The IANA name of the time zone that agents are shown.
    pub time_zone: String,
    /// Containers that may run at once.
    pub max_containers: usize,
    /// Days that is kept what agents say nothing about; `None` is forever.
    pub keep_days: Option<u32>,
    /// How long a container without work is kept.
    pub idle_after: Duration,
    /// The image of agents that bring none; `None` is the built-in one.
    pub image: Option<String>,
    /// Whether containers end with the host.
    pub ephemeral: bool,
}

/// How the host is told to end.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Take nothing new in, finish what is being written.
    pub closing: CancellationToken,
    /// End at once, as in a crash: what was not committed is not finished.
    pub abandon: CancellationToken,
}

/// Runs the host until it is told to end; then what is being written is finished, and containers
/// are left running. The caller holds the lock on the home.
///
/// # Errors
/// When the central database cannot be opened or read at the start.
pub async fn run(
    settings: Settings,
    ports: Ports,
    store: Store,
    requests: Requests,
    stop: Stop,
) -> Result<()> {
    let (to_daemon, from_sessions) = mpsc::channel(limits::DAEMON_QUEUE);
    let (engine_events, from_engine) = mpsc::channel(limits::DAEMON_QUEUE);
    let engine = ports.engine.clone();
    let peers = Peers::new(requests.own.clone(), ports.clock.clone());
    let context = Arc::new(Context {
        clock: ports.clock,
        store,
        engine: ports.engine,
        channels: ports.channels.with(Arc::new(peers)),
        traffic: Traffic::default(),
        owner: Owner::default(),
        bells: ports.bells,
        broker: ports.broker,
        steps: ports.steps,
        home: settings.home,
        run_dir: settings.run_dir,
        time_zone: settings.time_zone,
        idle_after: settings.idle_after,
        image: settings.image,
        places: Places::new(settings.max_containers),
        questions: questions::Board::default(),
        turns: approvals::Turns::default(),
        occurrences: occurrences::Board::default(),
        settling: tokio::sync::Mutex::default(),
        upkeep: crate::upkeep::state::State::keeping(settings.keep_days),
        tracker: TaskTracker::new(),
        closing: stop.closing,
        abandon: stop.abandon,
        daemon: to_daemon,
        asks: requests.own,
    });
    context.spawn(async move { engine.watch(engine_events).await });
    let daemon = Daemon {
        waiting: channels::Waiting::new(&context.traffic),
        context,
        sessions: HashMap::new(),
        warm: HashMap::new(),
        rooms: HashMap::new(),
        known_people: HashMap::new(),
        commands: VecDeque::new(),
        due: BTreeSet::new(),
        engine_trouble: None,
        engine_asked: false,
        asking: JoinSet::new(),
        ask_again: false,
        requests: requests.queue,
        from_sessions,
        from_engine,
    };
    daemon.live(settings.ephemeral).await
}

struct Daemon {
    context: Arc<Context>,
    /// The tasks of sessions that are not asleep.
    sessions: HashMap<SessionId, SessionHandle>,
    /// Under which key each of them is found, so that the next message asks no database.
    warm: HashMap<String, SessionId>,
    /// Rooms that were asked for, with their wirings; emptied by every change.
    rooms: HashMap<Address, Arc<Room>>,
    /// People who spoke, by the platform's id of them; emptied by every change.
    known_people: HashMap<String, Who>,
    /// The last commands of chats, so that a repeat is not obeyed again.
    commands: VecDeque<String>,
    /// When sleeping sessions, what waits for people, and tasks must be looked at; mirrors the
    /// central database.
    due: BTreeSet<(Timestamp, Due)>,
    /// Sleeping sessions whose posts wait for channels.
    waiting: channels::Waiting,
    /// Why the engine cannot be reached.
    engine_trouble: Option<HostError>,
    /// Whether it said, since this host began, what lives.
    engine_asked: bool,
    /// The question what lives, beside the loop: an engine may take half a minute to answer.
    asking: JoinSet<news::Listed>,
    /// Something happened since that question was asked.
    ask_again: bool,
    requests: mpsc::Receiver<Request>,
    from_sessions: mpsc::Receiver<FromSession>,
    from_engine: mpsc::Receiver<EngineEvent>,
}

/// What a time is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A sleeping session.
    Session(SessionId),
    /// What waits for people.
    Approvals,
    /// Everything that is looked after once a day.
    Upkeep,
    /// What the sessions that are awake hold.
    Measure,
    /// What is to be done at a time: the earliest of all tasks.
    Tasks,
}

/// Everything that can happen to the host.
enum Event {
    Request(Request),
    Session(FromSession),
    Engine(EngineEvent),
    Listed(news::Listed),
    ChannelBack,
    Due,
    Closing,
}

impl Daemon {
    /// From its first question to its end, or to where it is abandoned.
    async fn live(mut self, ephemeral: bool) -> Result<()> {
        let context = self.context.clone();
        let life = async move {
            self.begin().await?;
            self.serve().await;
            let context = self.end().await;
            if ephemeral {
                news::end_containers(&context).await;
            }
            Ok(())
        };
        tokio::select! { biased;
            () = context.abandon.cancelled() => {
                context.broker.abandon();
                Ok(())
            }
            ended = life => ended,
        }
    }

    /// Finds out what an earlier host left, before anything new is taken in.
    async fn begin(&mut self) -> Result<()> {
        let sessions = self.context.store.due().await?;
        self.due = sessions.into_iter().map(|(at, session)| (at, Due::Session(session))).collect();
        self.due.insert((self.context.clock.now(), Due::Approvals));
        self.due.insert((self.first_upkeep(), Due::Upkeep));
        self.due.insert((self.context.clock.now(), Due::Tasks));
        for answered in self.context.store.unfinished_approvals().await? {
            // What waited comes in before what is said from now on.
            if let Some(place) = answered.place() {
                self.context.turns.take(place);
            }
        }
        for open in self.context.store.questions(true).await? {
            self.context.questions.put(open);
        }
        // Until the engine was asked once, a start could meet a container that still lives.
        let first = tokio::time::timeout(limits::FIRST_ENGINE_WORD, self.from_engine.recv()).await;
        let live = match first {
            Ok(Some(EngineEvent::Back)) => {
                let listed = news::list(&self.context).await;
                self.note_listed(listed)
            }
            Ok(Some(EngineEvent::Lost { reason, hint })) => {
                error!(
                    reason,
                    hint, "the engine cannot be reached; messages are kept until it can"
                );
                self.engine_trouble = Some(text::engine_lost(reason, hint));
                None
            }
            Ok(Some(EngineEvent::Exited { .. }) | None) | Err(_) => {
                self.engine_trouble =
                    Some(text::engine_lost("the engine has not answered yet".to_owned(), None));
                None
            }
        };
        self.context.steps.reached(Step::Begun);
        self.adopt(live.unwrap_or_default()).await
    }

    async fn serve(&mut self) {
        loop {
            match self.next().await {
                Event::Request(Request::Shutdown(answer)) => {
                    self.context.closing.cancel();
                    // Whoever asked may be gone; the host ends all the same.
                    drop(answer.send(Ok(())));
                    return;
                }
                Event::Request(request) => self.on_request(request).await,
                Event::Session(said) => self.on_session(said),
                Event::Engine(said) => self.on_engine(said),
                Event::Listed(listed) => self.on_listed(listed).await,
                Event::ChannelBack => self.on_channel_back(),
                Event::Due => self.on_due().await,
                Event::Closing => return,
            }
        }
    }

    async fn next(&mut self) -> Event {
        let due = self.next_due();
        tokio::select! { biased;
            () = self.context.closing.cancelled() => Event::Closing,
            // A session that would end is answered first: it holds its task until then.
            Some(said) = self.from_sessions.recv() => Event::Session(said),
            // The engine's news decide what a message finds.
            Some(said) = self.from_engine.recv() => Event::Engine(said),
            Some(Ok(listed)) = self.asking.join_next() => Event::Listed(listed),
            Some(request) = self.requests.recv() => Event::Request(request),
            () = self.waiting.news() => Event::ChannelBack,
            () = tokio::time::sleep_until(due) => Event::Due,
        }
    }

    fn next_due(&self) -> Instant {
        let pause = self.due.first().map_or(limits::LONGEST_PAUSE, |(at, _)| {
            let left = at.duration_since(self.context.clock.now());
            // The timer counts time that passes; the wall clock may be set meanwhile.
            Duration::try_from(left).unwrap_or(Duration::ZERO).min(limits::task::CLOCK_GLANCE)
        });
        Instant::now() + pause
    }

    /// Joins every task. Containers go on without us.
    async fn end(mut self) -> Arc<Context> {
        info!("ending: what is being written is finished, containers go on");
        self.requests.close();
        while let Some(request) = self.requests.recv().await {
            request.refuse(&text::closing());
        }
        drop(self.from_engine);
        self.context.tracker.close();
        // Sessions may still say that they retire; with the receiver gone they just end.
        drop(self.from_sessions);
        self.context.tracker.wait().await;
        // With the sessions' tasks their sockets were closed.
        self.context.broker.close().await;
        self.context
    }
}
