//! Rules and sessions that changed: what was read of them is forgotten, and every live session that
//! they touch shows them to its guest.
//!
//! Owns who is told. A session that sleeps reads the rules at its next wake; one that begins while
//! this is handled read them after the change, because this loop begins all of them.

use schemas::ids::{AgentId, SessionId};
use tokio::sync::oneshot;
use tracing::debug;

use super::Daemon;
use crate::{
    error::{ErrorKind, HostError, Result},
    requests::Answer,
    sessions::handle::Command,
};

impl Daemon {
    pub(super) async fn refresh(&mut self, agents: Vec<AgentId>, answer: Answer<()>) {
        self.forget_rules();
        let touched = match self.context.store.session_ids_of(agents).await {
            Ok(touched) => touched,
            Err(failure) => return drop(answer.send(Err(failure))),
        };
        let mut shown = Vec::new();
        for id in touched {
            let Some(handle) = self.sessions.get(&id).filter(|handle| !handle.is_over()) else {
                continue;
            };
            let (tell, told) = oneshot::channel();
            if let Err(full) = handle.tell(Command::Refresh(tell)) {
                full.refuse_busy();
            }
            shown.push(told);
        }
        debug!(sessions = shown.len(), "rules changed");
        // A session may be at a commit: beside the loop.
        self.context.spawn(async move { drop(answer.send(all(shown).await)) });
    }
}

impl Daemon {
    /// The key is free before the session's task hears of it; one that never hears of it (the host
    /// dies here) finds it out from its row.
    pub(super) async fn archive(&mut self, id: SessionId, command: Option<String>) -> Result<()> {
        let handle = self.known_session(id.clone()).await?;
        let now = self.context.clock.now();
        self.context.store.archive_session(id.clone(), command, now).await?;
        // What waited there for its turn is over, and somebody may have to hear of it.
        self.look_at_tasks(now);
        self.warm.retain(|_, session| *session != id);
        handle.tell(Command::Archive).map_err(|_| {
            HostError::new(ErrorKind::Busy, "it is archived, but its container still works")
                .hint("end it with: lazaret sessions restart --now")
        })
    }
}

/// Waits for every session. One that ended meanwhile reads the rules at its next wake.
async fn all(shown: Vec<oneshot::Receiver<Result<()>>>) -> Result<()> {
    let mut failed = None;
    for told in shown {
        if let Ok(Err(failure)) = told.await
            && failure.kind != ErrorKind::HostDown
        {
            failed = Some(failure);
        }
    }
    match failed {
        None => Ok(()),
        Some(failure) => {
            let what = "it is saved, but a session that is awake does not show it yet";
            Err(HostError::new(failure.kind, what).because(failure).hint(
                "it is shown as soon as its folder can be written, at the latest at its next wake",
            ))
        }
    }
}
