//! What an operator asks: agents, sessions, runs, status, and a session's own answers.
//!
//! Owns the arm of each request. What needs only the store is answered beside the loop.

use std::{collections::HashMap, sync::Arc};

use schemas::{
    admin::{Agent, NewAgent, SessionInfo, Status},
    ids::{MessageId, SessionId},
    message::Address,
};
use tracing::info;

use super::Daemon;
use crate::{
    admin,
    channels::Post,
    error::{ErrorKind, HostError, Result},
    limits, peers,
    people::Who,
    requests::{Answer, Request},
    sessions::{
        Context,
        handle::{Command, SessionHandle, View},
        key::session_for,
        lifecycle::State,
        session_info, standing,
    },
    upkeep::files::free_bytes,
};

impl Daemon {
    pub(super) async fn on_request(&mut self, request: Request) {
        // An asker that went away is no failure: every answer may be dropped.
        match request {
            Request::Send(agent, message, answer) => self.send(&agent, *message, answer).await,
            Request::Inbound(message, answer) => self.inbound(message.into_inner(), answer).await,
            Request::Replay(message, answer) => self.route_on(*message, answer).await,
            Request::CreateAgent(new, answer) => {
                drop(answer.send(self.create_agent(*new).await));
            }
            Request::Agents(answer) => drop(answer.send(self.context.store.agents().await)),
            Request::TerminalAddress(agent, thread, answer) => {
                drop(answer.send(self.terminal_address(&agent, thread).await));
            }
            Request::History(address, after, answer) => {
                let handle = self.listener_at(&address).await;
                match handle {
                    Ok(handle) => tell(&handle, Command::History(address, after, answer)),
                    Err(failure) => drop(answer.send(Err(failure))),
                }
            }
            Request::Sessions(answer) => self.list_sessions(answer),
            Request::ResetSession(id, answer) => match self.session_named(&id).await {
                Ok(handle) => tell(&handle, Command::Reset(answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Request::Messages(id, limit, answer) => match self.known_session(id).await {
                Ok(handle) => tell(&handle, Command::Messages(limit, answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Request::Retry(letter, answer) => {
                match self.known_session(letter.session.clone()).await {
                    Ok(handle) => tell(&handle, Command::Retry(letter, answer)),
                    Err(failure) => drop(answer.send(Err(failure))),
                }
            }
            Request::RestartSession(id, now, answer) => match self.known_session(id).await {
                Ok(handle) => tell(&handle, Command::Restart(now, answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Request::ArchiveSession(id, command, answer) => {
                drop(answer.send(self.archive(id, command).await));
            }
            Request::Runs(id, answer) => {
                let runs = match self.find_session(&id).await {
                    Ok(id) => self.context.store.runs_of(id, limits::LISTED_RUNS).await,
                    Err(failure) => Err(failure),
                };
                drop(answer.send(runs));
            }
            Request::File(session, message, name, answer) => {
                match self.known_session(session).await {
                    Ok(handle) => tell(&handle, Command::File(message, name, answer)),
                    Err(failure) => drop(answer.send(Err(failure))),
                }
            }
            Request::Tell(session, row, answer) => match self.known_session(session).await {
                Ok(handle) => tell(&handle, Command::Append(row, answer)),
                Err(failure) => drop(answer.send(Err(failure))),
            },
            Request::Peer(post, answer) => self.peer(*post, answer),
            Request::Admin(who, command, answer) => self.admin(who, *command, answer),
            Request::LookAtApprovals(at) => self.look_at_approvals(at),
            Request::LookAtTasks(at) => self.look_at_tasks(at),
            Request::Refresh(agents, answer) => self.refresh(agents, answer).await,
            Request::Upkeep(ask) => self.on_upkeep(*ask).await,
            Request::Status(answer) => self.status(answer),
            // The loop itself ends over this one.
            Request::Shutdown(answer) => drop(answer.send(Ok(()))),
        }
    }

    /// The session that hears what is said at an address, first among the room's.
    async fn listener_at(&mut self, address: &Address) -> Result<SessionHandle> {
        let room = self.room_at(address).await?;
        let first = room.as_deref().and_then(|room| room.wirings().next());
        let wanted = first
            .map(|wiring| session_for(wiring, address))
            .ok_or_else(|| HostError::new(ErrorKind::NotFound, "no agent listens there"))?;
        self.session(wanted).await
    }

    /// Files are read and the store is asked: beside the loop.
    fn peer(&self, post: Post, answer: Answer<MessageId>) {
        let desk = self.context.desk();
        self.context.spawn(async move {
            drop(answer.send(peers::deliver(&desk, post).await));
        });
    }

    /// A command may ask the store many times: beside the loop.
    fn admin(&self, who: Who, command: admin::Command, answer: Answer<admin::Done>) {
        let desk = self.context.desk();
        self.context.spawn(async move {
            drop(answer.send(admin::run(&desk, &who, command).await));
        });
    }

    async fn create_agent(&mut self, new: NewAgent) -> Result<Agent> {
        admin::check::agent(&new)?;
        let now = self.context.clock.now();
        let agent = self.context.store.create_agent(new, now).await?;
        self.forget_rules();
        let subject = format!("agents create {}", agent.name);
        self.context.store.audit(Who::Operator.word(), "did", subject, now).await?;
        info!(agent = agent.name, "agent created");
        Ok(agent)
    }

    /// The name of the agent that somebody means: by name, or by an unambiguous id prefix.
    pub(super) async fn agent_named(&self, wanted: &str) -> Result<String> {
        let agents = self.context.store.agents().await?;
        let mut by_id = agents.iter().filter(|agent| {
            wanted.len() >= limits::ID_PREFIX && agent.id.as_str().starts_with(wanted)
        });
        if let (Some(one), None) = (by_id.next(), by_id.next()) {
            return Ok(one.name.clone());
        }
        let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        Err(unknown("agent", wanted).hint(if names.is_empty() {
            "make one with: lazaret agents create <name>".to_owned()
        } else {
            nearest_hint(wanted, &names)
        }))
    }

    async fn find_session(&self, wanted: &str) -> Result<SessionId> {
        let sessions = self.context.store.sessions().await?;
        let mut found = sessions.iter().filter(|one| one.id.as_str().starts_with(wanted));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one.id.clone()),
            (Some(_), Some(_)) => Err(HostError::new(
                ErrorKind::Invalid,
                format!("several sessions begin with {wanted:?}"),
            )),
            (None, _) => {
                let ids: Vec<&str> = sessions.iter().map(|one| one.id.as_str()).collect();
                Err(unknown("session", wanted).hint(nearest_hint(wanted, &ids)))
            }
        }
    }

    async fn session_named(&mut self, wanted: &str) -> Result<SessionHandle> {
        let id = self.find_session(wanted).await?;
        self.known_session(id).await
    }

    /// A list of a thousand sessions asks the database thousands of times: beside the loop.
    fn list_sessions(&self, answer: Answer<Vec<SessionInfo>>) {
        let views: HashMap<SessionId, Arc<View>> =
            self.sessions.iter().map(|(id, handle)| (id.clone(), handle.view())).collect();
        let context = self.context.clone();
        self.context.spawn(async move {
            drop(answer.send(listed(&context, views).await));
        });
    }

    /// An engine in trouble may take its time to say how it is: beside the loop.
    fn status(&self, answer: Answer<Status>) {
        let views: HashMap<SessionId, State> =
            self.sessions.iter().map(|(id, one)| (id.clone(), one.view().state)).collect();
        let trouble = self.engine_trouble.as_ref().map(HostError::problem);
        let trouble = trouble.map(HostError::from_problem);
        let context = self.context.clone();
        self.context.spawn(async move {
            drop(answer.send(status(&context, trouble, &views).await));
        });
    }
}

async fn listed(
    context: &Context,
    views: HashMap<SessionId, Arc<View>>,
) -> Result<Vec<SessionInfo>> {
    let mut list = Vec::new();
    for record in context.store.sessions().await? {
        let view = views.get(&record.id);
        let facts = context.facts(record).await?;
        let mut info = session_info(&facts, view.map(|view| view.state));
        info.last_active = view.and_then(|view| view.last_active).or(info.last_active);
        info.notice = view.and_then(|view| view.notice.clone()).or(info.notice);
        info.notice = info.notice.or_else(|| context.upkeep.large.of(&info.id));
        list.push(info);
    }
    Ok(list)
}

/// The engine's name, or why it cannot be used. One that hangs must not hold up the answer.
async fn ask_engine(context: &Context, trouble: Option<HostError>) -> Result<String> {
    let asked = context.engine.describe();
    match (tokio::time::timeout(limits::ENGINE_GLANCE, asked).await, trouble) {
        (Ok(Ok(name)), None) => Ok(name),
        (Ok(Err(failure)), _) => Err(failure.into()),
        (Ok(Ok(_)) | Err(_), Some(noted)) => Err(noted),
        (Err(_), None) => Err(HostError::new(ErrorKind::Engine, "the engine does not answer")),
    }
}

async fn status(
    context: &Context,
    trouble: Option<HostError>,
    views: &HashMap<SessionId, State>,
) -> Result<Status> {
    let engine = ask_engine(context, trouble).await;
    let since = context.clock.now() - limits::admin::LATELY;
    let mut waiting = context.store.waiting(since).await?;
    waiting.large = context.upkeep.large.count();
    waiting.low_disk = low_disk(context).await;
    // Counted where they stand: a list of thousands of sessions is not held for their number.
    let live = views.clone();
    let state = move |id: &SessionId, set_aside| standing(live.get(id).copied(), set_aside);
    waiting.states = context.store.count_sessions(state).await?;
    let awake = waiting.states.get(State::Awake.word()).copied().unwrap_or_default();
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        home: context.home.display().to_string(),
        engine_ok: engine.is_ok(),
        engine_hint: engine.as_ref().err().and_then(|e| e.hint_text().map(str::to_owned)),
        engine: engine.unwrap_or_else(|failure| failure.chain()),
        agents: context.store.agents().await?.len() as u64,
        sessions: waiting.states.values().sum(),
        awake,
        waiting,
    })
}

/// What is free on the home's disk, when that is little.
async fn low_disk(context: &Context) -> Option<u64> {
    let home = context.home.clone();
    // A disk that hangs holds up its own thread.
    let free = tokio::task::spawn_blocking(move || free_bytes(&home)).await.ok()?.ok()?;
    (free < limits::upkeep::FREE_WARNING).then_some(free)
}

pub(super) fn tell(handle: &SessionHandle, command: Command) {
    if let Err(full) = handle.tell(command) {
        full.refuse_busy();
    }
}

fn unknown(what: &str, wanted: &str) -> HostError {
    HostError::new(ErrorKind::NotFound, format!("no {what} {wanted:?}"))
}

/// The known names that are nearest to what was asked for.
fn nearest_hint(wanted: &str, known: &[&str]) -> String {
    let mut near: Vec<(usize, &str)> =
        known.iter().map(|name| (strsim::damerau_levenshtein(wanted, name), *name)).collect();
    near.sort_unstable();
    let names: Vec<&str> = near.into_iter().take(3).map(|(_, name)| name).collect();
    if names.is_empty() {
        return "there is none yet".to_owned();
    }
    format!("did you mean {}?", names.join(", "))
}
