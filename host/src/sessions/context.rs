//! What every session's task shares, and what one task knows of its session.
//!
//! Owns no state that changes: ports, limits' semaphore, and facts read when the task began.

use std::{path::PathBuf, sync::Arc};

use schemas::{
    ids::RoomId,
    message::{Address, Destination},
    policy::SessionMode,
    session_dir::SessionDir,
    time::SharedClock,
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bell::Bells,
    handle::FromSession,
    places::{Of, Places},
    prompt::{About, Told, told},
};
use crate::{
    admin::Desk,
    approvals,
    broker::Broker,
    channels::Channels,
    delivery::{Owner, Traffic, permit::Reach},
    engine::{Engine, Resources, StartRequest},
    error::Result,
    occurrences, questions,
    requests::DaemonHandle,
    steps::Steps,
    store::{AgentRecord, SessionRecord, Store, Voice, WiringFact},
    upkeep,
};

/// Shared by all sessions' tasks.
pub struct Context {
    /// The time.
    pub clock: SharedClock,
    /// The central database.
    pub store: Store,
    /// What runs containers.
    pub engine: Arc<dyn Engine>,
    /// Where posts go.
    pub channels: Channels,
    /// What is known of the channels: may they be posted to, and when.
    pub traffic: Traffic,
    /// Who tells the owner of what was given up.
    pub owner: Owner,
    /// Wake-ups from guests.
    pub bells: Arc<dyn Bells>,
    /// How guests reach models.
    pub broker: Broker,
    /// Who is told of each step.
    pub steps: Steps,
    /// The host's home.
    pub home: PathBuf,
    /// Where sockets for guests lie.
    pub run_dir: PathBuf,
    /// The IANA name of the time zone that agents are shown.
    pub time_zone: String,
    /// How long a container without work is kept.
    pub idle_after: std::time::Duration,
    /// The image of agents that bring none.
    pub image: Option<String>,
    /// Who may have a container.
    pub places: Places,
    /// The questions that wait for people.
    pub questions: questions::Board,
    /// Where messages that waited for a yes are coming in just now.
    pub turns: approvals::Turns,
    /// Occurrences of tasks that are being handed to their sessions.
    pub occurrences: occurrences::Board,
    /// Held while the answer to an approval or a question is acted upon: one at a time, so that
    /// none is acted upon twice.
    pub settling: tokio::sync::Mutex<()>,
    /// What upkeep is at.
    pub upkeep: upkeep::state::State,
    /// Every task of this host.
    pub tracker: TaskTracker,
    /// Set when the host ends: finish what is being written, leave containers running.
    pub closing: CancellationToken,
    /// Set when the host is to end at once, as in a crash.
    pub abandon: CancellationToken,
    /// To the daemon.
    pub daemon: mpsc::Sender<FromSession>,
    /// How this host's own tasks ask it.
    pub asks: DaemonHandle,
}

impl Context {
    /// What is to be known of a session, in the database's words.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn facts(&self, record: SessionRecord) -> Result<Facts> {
        let agent = self.store.agent(record.agent.clone()).await?;
        let wirings = self.store.wirings_of(record.agent.clone()).await?;
        let destinations = self.store.destinations_of(record.agent.clone()).await?;
        let voices = self.store.voices_of(record.agent.clone()).await?;
        let back = self.store.ways_back(record.id.clone()).await?;
        Ok(Facts { record, agent, wirings, destinations, voices, back })
    }

    /// What a command of the operator's works with, wherever it came from.
    #[must_use]
    pub fn desk(self: &Arc<Self>) -> Desk {
        Desk { context: self.clone(), daemon: self.asks.clone() }
    }

    /// Runs a task of this host: its end is awaited when the host closes, and it is dropped where
    /// it stands when the host is abandoned.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let abandon = self.abandon.clone();
        self.tracker.spawn(async move {
            tokio::select! { biased;
                () = abandon.cancelled() => {}
                () = task => {}
            }
        });
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("home", &self.home).finish_non_exhaustive()
    }
}

/// What a task knows of its session.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The session's row.
    pub record: SessionRecord,
    /// Its agent.
    pub agent: AgentRecord,
    /// The agent's wirings, the primary one first.
    pub wirings: Vec<WiringFact>,
    /// The agent's address book.
    pub destinations: Vec<Destination>,
    /// What the agent is told in each of its rooms.
    pub voices: Vec<Voice>,
    /// Sessions of other agents that wrote to this one.
    pub back: Vec<Address>,
}

impl Facts {
    /// The session's folder.
    #[must_use]
    pub fn dir(&self, context: &Context) -> SessionDir {
        SessionDir::on_host(&context.home, &self.record.agent, &self.record.id)
    }

    /// Where the session may send.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let own: Vec<Address> = self.own_wirings().map(|wiring| wiring.place.clone()).collect();
        let default = own
            .first()
            .map(|place| Address { thread_id: self.record.thread.clone(), ..place.clone() });
        if self.record.thread.is_some() {
            return Reach {
                thread: default.clone(),
                default,
                destinations: self.destinations.clone(),
                back: self.back.clone(),
                ..Reach::default()
            };
        }
        Reach {
            rooms: own,
            default,
            destinations: self.destinations.clone(),
            back: self.back.clone(),
            thread: None,
        }
    }

    /// What its agent is told, and how it works.
    #[must_use]
    pub fn told(&self) -> Told {
        let own: Vec<&RoomId> = self.own_wirings().map(|wiring| &wiring.room).collect();
        let voices: Vec<&Voice> =
            self.voices.iter().filter(|voice| own.contains(&&voice.room)).collect();
        told(&About {
            agent: &self.agent.agent,
            voices: &voices,
            thread: self.record.thread.as_deref(),
            model: self.record.model.as_deref(),
            book: &self.destinations,
        })
    }

    /// The wirings whose messages come to this session. One over many rooms has those that are
    /// wired so; one that belongs to no room has none.
    fn own_wirings(&self) -> impl Iterator<Item = &WiringFact> {
        let record = &self.record;
        self.wirings.iter().filter(|wiring| match (&record.room, record.mode) {
            (Some(room), _) => *room == wiring.room,
            (None, SessionMode::AgentShared) => wiring.mode == SessionMode::AgentShared,
            (None, SessionMode::Shared | SessionMode::PerThread) => false,
        })
    }

    /// Whose container it would be.
    #[must_use]
    pub fn place(&self) -> Of {
        let agent = &self.agent.agent;
        Of { agent: agent.id.clone(), at_most: agent.max_containers }
    }

    /// What the engine is asked for.
    #[must_use]
    pub fn start_request(&self, context: &Context) -> StartRequest {
        let agent = &self.agent.agent;
        StartRequest {
            session: self.record.id.clone(),
            agent: agent.id.clone(),
            session_root: self.dir(context).root().to_owned(),
            agent_dir: context.home.join("agents").join(&agent.folder),
            agent_dir_writable: self.trusted(),
            socket_dir: context.run_dir.join(format!("s{}", self.record.uid_index)),
            image: agent.image.clone().or_else(|| context.image.clone()),
            resources: Resources {
                memory_bytes: agent.memory_bytes,
                milli_cpus: agent.milli_cpus,
                pids: agent.pids,
            },
            uid_index: self.record.uid_index,
            gid_index: self.agent.gid_index,
        }
    }

    /// Whether every room that reaches this session is trusted with the agent's folder.
    fn trusted(&self) -> bool {
        let mut own = self.own_wirings().peekable();
        own.peek().is_some() && own.all(|wiring| wiring.trusted)
    }
}
