//! The tasks of sessions: found, or begun when there is none.
//!
//! Owns that a session has one task, and that a message finds it by its key without asking the
//! database.

use schemas::ids::SessionId;

use super::{Daemon, Due};
use crate::{
    error::Result,
    sessions::{Boot, handle::SessionHandle, spawn},
    steps::Step,
    store::{NewSession, SessionRecord},
};

impl Daemon {
    /// The task of the session under a key; the session and its task are made when missing.
    pub(super) async fn session(&mut self, wanted: NewSession) -> Result<SessionHandle> {
        if let Some(handle) = self.warm.get(&wanted.key).and_then(|session| self.task(session)) {
            return Ok(handle.clone());
        }
        let (key, now) = (wanted.key.clone(), self.context.clock.now());
        let record = self.context.store.session_for(wanted, now).await?;
        self.context.steps.reached(Step::SessionFound);
        let id = record.id.clone();
        let handle = self.task_of(record).await?;
        self.warm.insert(key, id);
        Ok(handle)
    }

    /// The task of a session that exists.
    pub(super) async fn known_session(&mut self, id: SessionId) -> Result<SessionHandle> {
        if let Some(handle) = self.task(&id) {
            return Ok(handle.clone());
        }
        let record = self.context.store.session(id).await?;
        self.task_of(record).await
    }

    async fn task_of(&mut self, record: SessionRecord) -> Result<SessionHandle> {
        if let Some(handle) = self.task(&record.id) {
            return Ok(handle.clone());
        }
        let facts = self.context.facts(record).await?;
        Ok(self.start_task(Boot { facts, live: None, engine_asked: self.engine_asked }))
    }

    /// A session's task. One that broke off by a bug of ours is as good as none: what it was about
    /// is durable, and a new one begins where it stood.
    fn task(&self, session: &SessionId) -> Option<&SessionHandle> {
        self.sessions.get(session).filter(|handle| !handle.is_over())
    }

    pub(super) fn start_task(&mut self, boot: Boot) -> SessionHandle {
        let id = boot.facts.record.id.clone();
        self.due.retain(|(_, due)| !matches!(due, Due::Session(session) if *session == id));
        self.measure_soon();
        let handle = spawn(&self.context, boot);
        self.sessions.insert(id, handle.clone());
        handle
    }
}
