//! The end of a message's way in: every row that comes of it is waited for, then it is answered.
//!
//! Owns what happens beside the daemon's loop: waiting for the sessions' commits, counting drops,
//! asking people. A platform that gets an error brings the message again, and what was done already
//! is then a repeat; so an error is the answer when any part of it is not durable.

use std::sync::Arc;

use schemas::{admin::Accepted, ids::AgentId};
use tokio::sync::oneshot;
use tracing::{debug, error, info};

use crate::{
    approvals::hold,
    channels::{Inbound, Remark},
    error::{ErrorKind, HostError, Result},
    limits,
    requests::{Answer, Became, Taken},
    routing::{Ask, Refusal},
    sessions::Context,
};

/// A message that was handed over.
pub(super) struct FanOut {
    pub(super) context: Arc<Context>,
    pub(super) message: Inbound,
    pub(super) pending: Vec<(AgentId, Pending)>,
    pub(super) drops: Vec<Refusal>,
    pub(super) ask: Option<Ask>,
    pub(super) subscribe: bool,
}

/// What is waited for, for one agent.
pub(super) enum Pending {
    Woke(oneshot::Receiver<Result<Accepted>>),
    Kept(oneshot::Receiver<Result<Accepted>>),
    Command(Accepted, oneshot::Receiver<Result<()>>),
    Failed(HostError),
}

impl FanOut {
    pub(super) async fn finish(mut self, answer: Answer<Taken>) {
        let taken = self.settle().await;
        if let Err(failure) = &taken {
            let (room, id) = (&self.message.address.platform_id, &self.message.id);
            error!(room, message_id = id, error = %failure.chain(), "a message was not taken");
        }
        // Whoever brought it may be gone; that is no failure.
        drop(answer.send(taken));
        if self.subscribe {
            self.subscribe().await;
        }
    }

    /// Waits for all, also when one fails: what is under way then is done all the same.
    async fn settle(&mut self) -> Result<Taken> {
        let mut taken = Taken::default();
        let mut failed = None;
        for (agent, pending) in std::mem::take(&mut self.pending) {
            match pending.settled().await {
                Ok(became) => taken.agents.push((agent, became)),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        self.ask().await?;
        self.count_drops().await?;
        taken.drops.clone_from(&self.drops);
        failed.map_or(Ok(taken), Err)
    }

    /// What a person is asked; the message waits for the answer.
    async fn ask(&self) -> Result<()> {
        let desk = self.context.desk();
        match &self.ask {
            Some(Ask::ConnectRoom) => hold::connect_room(&desk, &self.message).await,
            Some(Ask::AdmitSender(agents)) => {
                hold::admit_sender(&desk, &self.message, agents).await
            }
            None => Ok(()),
        }
    }

    async fn count_drops(&self) -> Result<()> {
        if self.drops.is_empty() {
            return Ok(());
        }
        let reasons: Vec<&'static str> = self.drops.iter().map(|why| why.word()).collect();
        let (address, sender) = (&self.message.address, self.message.sender.id());
        info!(room = address.platform_id, sender, ?reasons, "a message was not heard");
        let now = self.context.clock.now();
        let store = self.context.store.clone();
        store.record_drops(address.clone(), sender.to_owned(), reasons, now).await
    }

    async fn subscribe(&self) {
        let Some(channel) = self.context.channels.at(&self.message.address) else { return };
        let asked = channel.tell(Remark::Follow(&self.message.address));
        if tokio::time::timeout(limits::channel::NOTICE_TIME, asked).await.is_err() {
            debug!(room = self.message.address.platform_id, "a thread was not subscribed in time");
        }
    }
}

impl Pending {
    async fn settled(self) -> Result<Became> {
        match self {
            Self::Woke(row) => answered(row).await.map(Became::Woke),
            Self::Kept(row) => answered(row).await.map(Became::Kept),
            Self::Command(accepted, done) => {
                answered(done).await.map(|()| Became::Command(accepted))
            }
            Self::Failed(failure) => Err(failure),
        }
    }
}

async fn answered<T>(answer: oneshot::Receiver<Result<T>>) -> Result<T> {
    answer.await.unwrap_or_else(|_| {
        Err(HostError::new(ErrorKind::Internal, "the session's task broke off").hint("try again"))
    })
}

/// What a terminal is told, which knows one agent.
pub(super) fn first_taken(taken: &Taken) -> Result<Accepted> {
    let first = taken.agents.first().map(|(_, became)| became.accepted().clone());
    first.ok_or_else(|| {
        let why: Vec<&str> = taken.drops.iter().map(|why| why.word()).collect();
        HostError::new(ErrorKind::NotFound, format!("no agent took it: {}", why.join(", ")))
            .hint("lazaret wirings list shows who listens where")
    })
}
