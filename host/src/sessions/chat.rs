//! Commands that people give in a chat, as the session's task does them.
//!
//! Owns the answer in the room. Whether somebody may give a command was decided before it came
//! here.

use schemas::message::Address;

use super::{handle::Chat, runner::Runner};
use crate::{requests::Answer, routing::ChatCommand, text};

impl Runner {
    /// Does a command, and says in the room what came of it.
    pub(super) fn chat(&mut self, chat: &Chat, answer: Answer<()>) {
        let said = match &chat.allowed {
            Err(words) => text::may_not(words),
            Ok(ChatCommand::Help) => text::chat_help(),
            Ok(
                ChatCommand::Status
                | ChatCommand::Stop
                | ChatCommand::Queue
                | ChatCommand::Clear
                | ChatCommand::Compact
                | ChatCommand::Model(_)
                | ChatCommand::Restart
                | ChatCommand::Cost,
            ) => text::not_yet(),
        };
        self.notice_at(chat.address.clone(), said);
        // Whoever asked may be gone; that is no failure.
        drop(answer.send(Ok(())));
    }

    /// Something of the host's own, said at an address. Best effort.
    pub(super) fn notice_at(&mut self, address: Address, said: String) {
        let Some(channel) = self.channels().at(&address).cloned() else { return };
        let session = self.facts.record.id.clone();
        self.tell(async move { channel.notice(&session, &address, &said).await });
    }
}
