//! News that nobody asked for: containers that ended, the engine's coming and going, sessions
//! that would end, times that have come.
//!
//! Owns adoption: what an earlier host left running is taken over, what belongs to nobody is
//! removed.

use std::collections::HashMap;

use schemas::{ids::SessionId, session_dir::SessionDir};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{Daemon, Due};
use crate::{
    admin::Desk,
    approvals,
    engine::{EngineError, EngineErrorKind, EngineEvent, LiveContainer},
    error::{HostError, Result},
    limits, occurrences,
    requests::Request,
    sessions::{
        Boot, Context,
        handle::{Command, FromSession, SessionHandle},
    },
    text,
};

/// Takes the containers along, for a host that was only there for a demonstration.
pub(super) async fn end_containers(context: &Context) {
    let list = context.engine.list().await.unwrap_or_default();
    for live in list {
        let log_to = log_folder(context, &live).await;
        let killed = context.engine.kill(&live.container).await;
        if let Err(failure) = killed.and(context.engine.remove(&live.container, &log_to).await) {
            warn!(error = %HostError::from(failure).chain(), "cannot remove a container");
        }
    }
}

/// The folder that a container's last words are kept in: its session's, or, when that is not
/// known, one for all strays.
async fn log_folder(context: &Context, live: &LiveContainer) -> std::path::PathBuf {
    match context.store.session(live.session.clone()).await {
        Ok(record) => SessionDir::on_host(&context.home, &record.agent, &record.id).root().into(),
        Err(_) => context.home.join("strays"),
    }
}

/// What the engine knows, by session.
pub(super) type Live = HashMap<SessionId, LiveContainer>;

/// What the engine said lived at a moment.
#[derive(Debug)]
pub(super) struct Listed {
    asked: Instant,
    list: std::result::Result<Vec<LiveContainer>, EngineError>,
}

/// One for each session. Beside one that runs there may be a dead one whose removal was not heard;
/// it is only in the way of a start, which clears it.
fn by_session(list: Vec<LiveContainer>) -> Live {
    let mut live = Live::new();
    for one in list {
        let known = live.get(&one.session).is_some_and(|known| known.running);
        if !known {
            live.insert(one.session.clone(), one);
        }
    }
    live
}

/// Asks the engine what lives.
pub(super) async fn list(context: &Context) -> Listed {
    let asked = Instant::now();
    Listed { asked, list: context.engine.list().await }
}

impl Daemon {
    pub(super) fn note_listed(&mut self, listed: Listed) -> Option<Live> {
        match listed.list {
            Ok(list) => {
                self.engine_trouble = None;
                self.engine_asked = true;
                Some(by_session(list))
            }
            Err(failure) => {
                // An engine that cannot be reached says when it can; another trouble does not.
                let silent = failure.kind != EngineErrorKind::Unreachable;
                let failure = HostError::from(failure);
                error!(error = %failure.chain(), "cannot list containers");
                self.engine_trouble = Some(failure);
                if silent {
                    let context = self.context.clone();
                    self.asking.spawn(async move {
                        tokio::time::sleep(limits::RECONNECT_MAX).await;
                        list(&context).await
                    });
                }
                None
            }
        }
    }

    /// At the start: sessions that an earlier host left in the middle get their tasks, with their
    /// containers where those still live.
    pub(super) async fn adopt(&mut self, mut live: Live) -> Result<()> {
        for record in self.context.store.unclean_sessions().await? {
            let container = live.remove(&record.id);
            info!(session = %record.id, adopted = container.is_some(), "session left in the middle");
            let id = record.id.clone();
            let facts = match self.context.facts(record).await {
                Ok(facts) => facts,
                Err(failure) => {
                    // One that cannot be read must not keep all others from their host.
                    error!(session = %id, error = %failure.chain(), "a session cannot be taken up");
                    continue;
                }
            };
            self.start_task(Boot { facts, live: container, engine_asked: self.engine_asked });
        }
        self.remove_orphans(live).await;
        Ok(())
    }

    /// Containers of this install that belong to no session of ours.
    async fn remove_orphans(&self, orphans: Live) {
        for live in orphans.into_values() {
            warn!(session = %live.session, container = %live.container.0, "orphan removed");
            let engine = self.context.engine.clone();
            let log_to = log_folder(&self.context, &live).await;
            self.context.spawn(async move {
                let ended = engine.kill(&live.container).await;
                if let Err(failure) = ended.and(engine.remove(&live.container, &log_to).await) {
                    warn!(error = %HostError::from(failure).chain(), "cannot remove an orphan");
                }
            });
        }
    }

    pub(super) fn on_engine(&mut self, said: EngineEvent) {
        match said {
            EngineEvent::Exited { session, container, code, out_of_memory } => {
                let told = self
                    .sessions
                    .get(&session)
                    .map(|handle| handle.tell(Command::Exited { container, code, out_of_memory }));
                if matches!(told, Some(Err(_))) {
                    // The session itself finds out when its container takes up nothing more.
                    warn!(%session, "the end of a container could not be told");
                }
            }
            EngineEvent::Lost { reason, hint } => {
                error!(reason, hint, "the engine was lost; what runs goes on, messages are kept");
                self.engine_trouble = Some(text::engine_lost(reason, hint));
            }
            EngineEvent::Back => {
                info!("the engine is back");
                self.compare_with_engine();
            }
        }
    }

    fn compare_with_engine(&mut self) {
        self.ask_again = !self.asking.is_empty();
        if !self.ask_again {
            let context = self.context.clone();
            self.asking.spawn(async move { list(&context).await });
        }
    }

    /// Tells every session what the engine knows of it. Who has a container has a task, so what
    /// is left over belongs to nobody.
    pub(super) async fn on_listed(&mut self, listed: Listed) {
        let asked = listed.asked;
        if let Some(mut live) = self.note_listed(listed) {
            for (id, handle) in &self.sessions {
                if handle.tell(Command::EngineBack(live.remove(id), asked)).is_err() {
                    warn!(session = %id, "the engine's return could not be told");
                }
            }
            self.remove_orphans(live).await;
        }
        if std::mem::take(&mut self.ask_again) {
            self.compare_with_engine();
        }
    }

    pub(super) fn on_session(&mut self, said: FromSession) {
        match said {
            FromSession::Retire { session, due, waits_for, may_end } => {
                let empty = self.sessions.get(&session).is_none_or(SessionHandle::is_empty);
                if empty {
                    self.forget(&session);
                    self.note_waiting(&session, waits_for);
                    self.due.extend(due.map(|at| (at, Due::Session(session))));
                }
                // A task that is gone needs no answer.
                let _gone = may_end.send(empty).is_err();
            }
            FromSession::Ended { session } => {
                self.forget(&session);
                self.due_again(session);
            }
        }
    }

    fn forget(&mut self, session: &SessionId) {
        self.sessions.remove(session);
        self.warm.retain(|_, id| id != session);
    }

    pub(super) async fn on_due(&mut self) {
        let now = self.context.clock.now();
        while let Some((at, due)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.due.pop_first();
            match due {
                Due::Session(session) => self.wake_due(session).await,
                Due::Approvals => self.context.spawn(people_due(self.context.desk())),
                Due::Upkeep => self.look_after_everything(),
                Due::Measure => self.measure(),
                Due::Tasks => self.context.spawn(tasks_due(self.context.desk())),
            }
        }
    }

    pub(super) fn look_at_approvals(&mut self, at: jiff::Timestamp) {
        self.look_at(Due::Approvals, at);
    }

    pub(super) fn look_at_tasks(&mut self, at: jiff::Timestamp) {
        self.look_at(Due::Tasks, at);
    }

    /// One time is enough: each look says when the next one is.
    fn look_at(&mut self, what: Due, at: jiff::Timestamp) {
        let known = self.due.iter().find(|(_, due)| *due == what).map(|(at, _)| *at);
        self.due.retain(|(_, due)| *due != what);
        self.due.insert((known.map_or(at, |known| known.min(at)), what));
    }

    async fn wake_due(&mut self, session: SessionId) {
        match self.known_session(session.clone()).await {
            Ok(handle) => {
                let command = match self.channels_back_for(&session) {
                    back if back.is_empty() => Command::Due,
                    back => Command::ChannelBack(back),
                };
                if let Err(full) = handle.tell(command) {
                    full.refuse_busy();
                }
            }
            Err(failure) => {
                error!(%session, error = %failure.chain(), "a due session cannot be woken");
                self.due_again(session);
            }
        }
    }

    /// What is to be done there waits until it can be: a disk that is full has room again, and then
    /// nobody else would ask.
    fn due_again(&mut self, session: SessionId) {
        let now = self.context.clock.now();
        let soon = now.checked_add(limits::DUE_AGAIN).unwrap_or(now);
        self.due.insert((soon, Due::Session(session)));
    }
}

/// Beside the loop: reminders, ends, and whatever an earlier host or try left undone.
async fn people_due(desk: Desk) {
    let next = match approvals::look(&desk).await {
        Ok(next) => next,
        Err(failure) => {
            error!(error = %failure.chain(), "cannot look at what waits for people; trying again");
            desk.context.clock.now().checked_add(limits::DUE_AGAIN).ok()
        }
    };
    if let Some(at) = next {
        desk.daemon.tell(Request::LookAtApprovals(at)).await;
    }
}

/// Beside the loop: what is to be done now, and what people are still to hear of it.
async fn tasks_due(desk: Desk) {
    let next = match occurrences::look(&desk).await {
        Ok(next) => next,
        Err(failure) => {
            error!(error = %failure.chain(), "cannot look at the tasks; trying again");
            desk.context.clock.now().checked_add(limits::DUE_AGAIN).ok()
        }
    };
    if let Some(at) = next {
        desk.daemon.tell(Request::LookAtTasks(at)).await;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::engine::ContainerId;

    #[test]
    fn of_a_dead_and_a_living_container_the_living_one_counts() {
        let session = SessionId::mint(Timestamp::UNIX_EPOCH);
        let one = |name: &str, running| LiveContainer {
            session: session.clone(),
            container: ContainerId(name.to_owned()),
            running,
            current: true,
        };
        for list in
            [[one("dead", false), one("lives", true)], [one("lives", true), one("dead", false)]]
        {
            let live = by_session(list.to_vec());
            assert_eq!(live.get(&session).map(|one| one.container.0.as_str()), Some("lives"));
        }
    }
}
