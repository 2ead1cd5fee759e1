//! What people say: from a request to the mailbox of each session that gets it.
//!
//! Owns loading the facts, carrying out `routing`'s decisions, and finding or starting the session's
//! task. What is said was checked and written out before it came here (`draft`).

use std::sync::Arc;

use schemas::{
    admin::Accepted,
    ids::{MessageId, SessionId},
    message::{Address, Kind, NewInbound},
};
use tracing::warn;

use super::{Daemon, Due};
use crate::{
    channels::terminal,
    draft::Draft,
    error::{ErrorKind, HostError, Result},
    requests::Answer,
    routing::{Decision, route},
    sessions::{
        Boot, Facts,
        handle::{Command, SessionHandle},
        spawn,
    },
    store::{NewSession, SessionRecord, WiringFact},
};

impl Daemon {
    /// Takes a message in; the answer is given by the session's task, once the row is durable.
    pub(super) async fn send(&mut self, agent: &str, draft: Draft, answer: Answer<Accepted>) {
        match self.accept(agent, draft).await {
            Ok((handle, row)) => {
                if let Err(full) = handle.tell(Command::Append(Box::new(row), answer)) {
                    full.refuse_busy();
                }
            }
            Err(failure) => drop(answer.send(Err(failure))),
        }
    }

    async fn accept(&mut self, agent: &str, draft: Draft) -> Result<(SessionHandle, NewInbound)> {
        let address = self.terminal_address(agent, draft.thread.clone()).await?;
        let row = self.row(draft, address.clone());
        let wirings = self.wirings_at(&address).await?;
        for decision in route(&address, &wirings) {
            match decision {
                // A terminal room is wired to the one agent that it is named after.
                Decision::Wake(session) => return Ok((self.session(session).await?, row)),
                Decision::Refuse(refusal) => {
                    warn!(room = address.platform_id, reason = refusal.word(), "nobody gets it");
                    let (now, store) = (self.context.clock.now(), self.context.store.clone());
                    let sender = terminal::CHANNEL.to_owned();
                    store.record_drop(address.clone(), sender, refusal.word(), now).await?;
                }
            }
        }
        Err(HostError::new(ErrorKind::NotFound, format!("no agent listens at {agent:?}")))
    }

    fn row(&self, draft: Draft, address: Address) -> NewInbound {
        let now = self.context.clock.now();
        let mut row = NewInbound::new(MessageId::mint(now), Kind::Chat, now, draft.content);
        row.digest = draft.digest;
        row.client_id = draft.client_id;
        // The socket's owner is who speaks here; the kernel says so, not the message.
        row.sender_id = Some(terminal::OPERATOR.to_owned());
        row.address = Some(address);
        row
    }

    /// The address of an agent's terminal room.
    pub(super) async fn terminal_address(
        &mut self,
        agent: &str,
        thread: Option<String>,
    ) -> Result<Address> {
        let place = Address {
            channel_type: terminal::CHANNEL.to_owned(),
            platform_id: agent.to_owned(),
            thread_id: None,
        };
        if self.wirings_at(&place).await?.is_empty() {
            let name = self.agent_named(agent).await?;
            return Ok(Address { platform_id: name, thread_id: thread, ..place });
        }
        Ok(Address { thread_id: thread, ..place })
    }

    /// The wirings of a place, from memory when nothing changed since they were read.
    pub(super) async fn wirings_at(&mut self, address: &Address) -> Result<Arc<Vec<WiringFact>>> {
        let place = Address { thread_id: None, ..address.clone() };
        if let Some(known) = self.wirings.get(&place) {
            return Ok(known.clone());
        }
        let found = self
            .context
            .store
            .wirings_at(place.channel_type.clone(), place.platform_id.clone())
            .await?;
        let found = Arc::new(found);
        // Only places that exist are remembered: names of strangers must not fill the memory.
        if !found.is_empty() {
            self.wirings.insert(place, found.clone());
        }
        Ok(found)
    }

    /// The task of the session under a key; the session and its task are made when missing.
    pub(super) async fn session(&mut self, wanted: NewSession) -> Result<SessionHandle> {
        if let Some(handle) = self.warm.get(&wanted.key).and_then(|session| self.task(session)) {
            return Ok(handle.clone());
        }
        let (key, now) = (wanted.key.clone(), self.context.clock.now());
        let record = self.context.store.session_for(wanted, now).await?;
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

    pub(super) async fn task_of(&mut self, record: SessionRecord) -> Result<SessionHandle> {
        if let Some(handle) = self.task(&record.id) {
            return Ok(handle.clone());
        }
        let facts = self.facts(record).await?;
        Ok(self.start_task(Boot { facts, live: None, engine_asked: self.engine_asked }))
    }

    /// A session's task. One that broke off by a bug of ours is as good as none: what it was about
    /// is durable, and a new one begins where it stood.
    fn task(&self, session: &SessionId) -> Option<&SessionHandle> {
        self.sessions.get(session).filter(|handle| !handle.is_over())
    }

    pub(super) async fn facts(&self, record: SessionRecord) -> Result<Facts> {
        self.context.facts(record).await
    }

    pub(super) fn start_task(&mut self, boot: Boot) -> SessionHandle {
        let id = boot.facts.record.id.clone();
        self.due.retain(|(_, due)| !matches!(due, Due::Session(session) if *session == id));
        let handle = spawn(&self.context, boot);
        self.sessions.insert(id, handle.clone());
        handle
    }
}
