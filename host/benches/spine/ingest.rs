//! Messages per second into 200 sessions, one fsynced commit each, beside a bare loop of the same
//! commits.
//!
//! The host runs in this process, asked as its gateway asks it; its engine starts nothing, so that
//! the figure is the way in and not the agents'. The floor is one thread that opens, inserts and
//! closes, session after session, with the same durability.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use host::{
    channels::{Channels, terminal::Terminal},
    daemon::{self, Ports, Settings, Stop},
    draft::Draft,
    engine::{ContainerId, Engine, EngineError, EngineEvent, LiveContainer, StartRequest},
    limits,
    requests::{self, DaemonHandle, Request},
    sessions::bell::{Bell, Bells},
    steps::Steps,
    store::Store,
};
use schemas::{
    admin::SendMessage,
    host_side::{InboundWriter, ensure},
    policy::SessionMode,
    session_dir::SessionDir,
    time::SystemClock,
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{
    Pace, bare::message, figure::Figures, install::folder, lab::new_agent, models, sample::Samples,
};

const AGENT: &str = "ingest";
const SESSIONS: usize = 200;
const SENDERS: usize = 8;

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let home = folder();
    let daemon_home = home.path().to_owned();
    let (answer, answered) = tokio::sync::oneshot::channel();
    let messages = pace.of(6_000, 1_600);
    // The host's own runtime: as many threads as the product has, none of them ours.
    let host = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(limits::WORKERS)
            .max_blocking_threads(limits::BLOCKING_THREADS)
            .enable_all()
            .build()
            .unwrap();
        let _gone = answer.send(runtime.block_on(ingest(&daemon_home, messages))).is_err();
    });
    let (per_second, one_at_a_time) = answered.await.expect("the host in process ran");
    host.join().unwrap();
    let floor = Floor::new(home.path());
    let before = floor.run(messages / 4);
    let after = floor.run(messages / 4);
    figures.note("ingest_per_s", per_second);
    figures.note("ingest_p50_ms", one_at_a_time.ms(50));
    figures.note("floor_per_s", f64::midpoint(before.0, after.0));
    figures.note("  ingest / floor", per_second / f64::midpoint(before.0, after.0));
    figures.note("  ingest p99 ms", one_at_a_time.ms(99));
    figures.note("  floor p50 ms", after.1.ms(50));
    figures.note("  ingest p50 / floor p50", one_at_a_time.ms(50) / after.1.ms(50));
}

/// Runs a host; answers messages per second with 8 senders, and the times of single messages.
async fn ingest(home: &Path, messages: usize) -> (f64, Samples) {
    daemon::open_home(home).map(drop).unwrap();
    let store = Store::open(&home.join("central.db")).unwrap();
    let (daemon, requests) = requests::queue();
    let stop = Stop::default();
    let ports = Ports {
        clock: Arc::new(SystemClock),
        engine: Arc::new(NoEngine),
        channels: Channels::new(vec![Arc::new(Terminal::default())]),
        bells: Arc::new(NoBells),
        broker: models::broker(home),
        steps: Steps::default(),
    };
    let host = daemon::run(settings(home), ports, store, requests, stop.clone());
    let measured = async {
        let agent = Box::new(new_agent(AGENT, SessionMode::PerThread));
        daemon.ask(|answer| Request::CreateAgent(agent, answer)).await.unwrap();
        for session in 0..SESSIONS {
            send(&daemon, session).await;
        }
        // Their starts settle.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut singles = Samples::default();
        for n in 0..messages / 6 {
            singles.push(send(&daemon, n % SESSIONS).await);
        }
        let began = Instant::now();
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let daemon = daemon.clone();
            // Sessions of its own, so that no two messages share a commit.
            senders.spawn(async move {
                for n in 0..messages / SENDERS {
                    send(&daemon, (n * SENDERS + sender) % SESSIONS).await;
                }
            });
        }
        senders.join_all().await;
        let per_second = messages as f64 / began.elapsed().as_secs_f64();
        stop.closing.cancel();
        (per_second, singles)
    };
    let (ended, measured) = tokio::join!(host, measured);
    ended.unwrap();
    measured
}

/// One message; answers when it is durable.
async fn send(daemon: &DaemonHandle, session: usize) -> Duration {
    let text = "ahoy".to_owned();
    let thread = Some(format!("t{session}"));
    let message = SendMessage { text, thread, ..SendMessage::default() };
    let message = Box::new(Draft::of(message).unwrap());
    let began = Instant::now();
    daemon.ask(|answer| Request::Send(AGENT.to_owned(), message, answer)).await.unwrap();
    began.elapsed()
}

fn settings(home: &Path) -> Settings {
    Settings {
        home: home.to_owned(),
        run_dir: home.join("run"),
        time_zone: "UTC".to_owned(),
        max_containers: SESSIONS,
        keep_days: None,
        idle_after: limits::IDLE_TIMEOUT,
        image: None,
        ephemeral: false,
    }
}

/// The same commits without a host.
struct Floor(Vec<InboundWriter>);

impl Floor {
    fn new(home: &Path) -> Self {
        let prepared = |n| {
            let dir = SessionDir::at(home.join(format!("floor/{n}")));
            ensure(&dir).unwrap();
            let writer = InboundWriter::new(dir);
            writer.write(|tx| tx.set_routing(None)).unwrap();
            writer
        };
        Self((0..SESSIONS).map(prepared).collect())
    }

    fn run(&self, messages: usize) -> (f64, Samples) {
        let mut singles = Samples::default();
        let began = Instant::now();
        for n in 0..messages {
            let row = message();
            let one = Instant::now();
            self.0[n % SESSIONS].write(|tx| tx.append(&row)).unwrap();
            singles.push(one.elapsed());
        }
        (messages as f64 / began.elapsed().as_secs_f64(), singles)
    }
}

/// An engine whose containers do nothing.
struct NoEngine;

#[async_trait]
impl Engine for NoEngine {
    async fn describe(&self) -> Result<String, EngineError> {
        Ok("none".to_owned())
    }

    async fn start(&self, request: &StartRequest) -> Result<ContainerId, EngineError> {
        Ok(ContainerId(request.session.to_string()))
    }

    async fn stop(&self, _: &ContainerId, _: Duration) -> Result<(), EngineError> {
        Ok(())
    }

    async fn kill(&self, _: &ContainerId) -> Result<(), EngineError> {
        Ok(())
    }

    async fn remove(&self, _: &ContainerId, _: &Path) -> Result<(), EngineError> {
        Ok(())
    }

    async fn list(&self) -> Result<Vec<LiveContainer>, EngineError> {
        Ok(Vec::new())
    }

    async fn watch(&self, events: mpsc::Sender<EngineEvent>) {
        let _nobody_listens = events.send(EngineEvent::Back).await.is_err();
        events.closed().await;
    }
}

/// Bells that nobody rings.
struct NoBells;

impl Bells for NoBells {
    fn watch(&self, _: &SessionDir) -> Bell {
        Bell::new(Arc::new(Notify::new()), Box::new(()))
    }

    fn wrote(&self, _: &SessionDir) {}
}
