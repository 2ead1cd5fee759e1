//! Commands that people give in a chat, on their way to the session that does them.
//!
//! Owns that each is obeyed once. Whether somebody may give it was decided before it came here.

use std::collections::VecDeque;

use schemas::admin::Accepted;
use tokio::sync::oneshot;

use super::{Daemon, fan_out::Pending, people::row};
use crate::{
    channels::Inbound,
    error::{ErrorKind, HostError},
    limits,
    people::Who,
    routing::ChatCommand,
    sessions::handle::{Chat, Command},
    store::NewSession,
};

impl Daemon {
    /// A command is obeyed once, however often its platform repeats it, and whichever host hears it:
    /// what is under way stands in memory, what was done in the central database.
    pub(super) async fn command(
        &mut self,
        message: &Inbound,
        session: NewSession,
        allowed: Result<ChatCommand, &'static str>,
        who: Who,
    ) -> Pending {
        let (answer, answered) = oneshot::channel();
        let failed = |failure| Pending::Failed(failure);
        let id = match row(message, &session, false) {
            Ok(row) => row.id,
            Err(failure) => return failed(failure),
        };
        let handle = match self.session(session.clone()).await {
            Ok(handle) => handle,
            Err(failure) => return failed(failure),
        };
        let Some(session_id) = self.warm.get(&session.key).cloned() else {
            return failed(HostError::new(ErrorKind::Internal, "a session without its key"));
        };
        // A client that tries again has a key of its own, and its message a new id.
        let heard =
            format!("{}:{}", message.client_id.as_ref().unwrap_or(&message.id), session.agent);
        let known = match self.commands.contains(&heard) {
            true => Ok(true),
            false => self.context.store.was_obeyed(heard.clone()).await,
        };
        let replayed = match known {
            Ok(known) => known,
            Err(failure) => return failed(failure),
        };
        let accepted = Accepted {
            message_id: id.clone(),
            session_id,
            seq: None,
            replayed,
            refused_attachments: Vec::new(),
        };
        if replayed {
            drop(answer.send(Ok(())));
        } else {
            remember(&mut self.commands, heard.clone());
            let chat = Chat { id: heard, address: message.address.clone(), allowed, who };
            if let Err(full) = handle.tell(Command::Chat(Box::new(chat), answer)) {
                full.refuse_busy();
            }
        }
        Pending::Command(accepted, answered)
    }
}

fn remember(commands: &mut VecDeque<String>, heard: String) {
    if commands.len() >= limits::route::REMEMBERED_COMMANDS {
        commands.pop_front();
    }
    commands.push_back(heard);
}
