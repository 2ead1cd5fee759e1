//! Commands that people give in a chat, as the session's task does them.
//!
//! Owns the doing and the answer in the room. Whether somebody may give a command was decided
//! before it came here.

use schemas::message::Address;
use tokio::time::Instant;
use tracing::warn;

use super::{container::WorkDone, handle::Chat, runner::Runner};
use crate::{
    channels::Remark,
    error::Result,
    limits,
    requests::{Answer, Request},
    routing::ChatCommand,
    steps::Step,
    text::{self, channels as channel_words, chat as words},
};

impl Runner {
    /// Does a command, and says in the room what came of it.
    pub(super) async fn chat(&mut self, chat: &Chat, answer: Answer<()>) {
        let at = chat.address.clone();
        if chat.allowed == Ok(ChatCommand::Clear) {
            return self.clear(at, chat.id.clone(), answer);
        }
        let said = match &chat.allowed {
            // Of what strangers try nothing is kept: they must not fill the disk.
            Err(words) => Ok(text::may_not(words)),
            Ok(command) => {
                let said = self.obey(command, chat).await;
                self.context.steps.reached(Step::CommandDone);
                self.was_obeyed(chat.id.clone()).await;
                said
            }
        };
        match said {
            Ok(said) => self.notice_at(at, said),
            Err(failure) => self.notice_at(at, words::did_not_work(&failure)),
        }
        // Whoever asked may be gone; that is no failure.
        drop(answer.send(Ok(())));
    }

    async fn was_obeyed(&self, command: String) {
        let now = self.context.clock.now();
        if let Err(failure) = self.context.store.note_obeyed(command, now).await {
            warn!(error = %failure.chain(), "cannot write down that a command was obeyed");
        }
        self.context.steps.reached(Step::CommandObeyed);
    }

    /// What is said about it.
    async fn obey(&mut self, command: &ChatCommand, chat: &Chat) -> Result<String> {
        Ok(match command {
            ChatCommand::Help => text::chat_help(),
            ChatCommand::Status => {
                let at_work = (self.numbers_at_work(), self.at_work_for());
                let name = &self.facts.agent.agent.name;
                words::status(name, self.state, (&at_work.0, at_work.1), &self.waiting())
            }
            ChatCommand::Queue => words::queue(self.numbers_at_work().len(), &self.waiting()),
            ChatCommand::Stop => self.stop_run(&chat.id).await?,
            ChatCommand::Retry => match self.retry_here(&chat.address, &chat.id).await? {
                0 => channel_words::NOTHING_TO_RETRY.to_owned(),
                count => channel_words::retrying(count),
            },
            // It waits for the daemon, which this task must not.
            ChatCommand::Clear => words::CLEARED.to_owned(),
            ChatCommand::Compact => words::COMPACT.to_owned(),
            ChatCommand::Model(None) => words::model(self.facts.told().model.as_deref()),
            ChatCommand::Model(Some(name)) => self.choose_model(name, &chat.id).await?,
            ChatCommand::Restart => {
                let busy = !self.working.is_empty();
                self.restart(false).await;
                words::restart(busy).to_owned()
            }
            ChatCommand::Cost => {
                let id = self.facts.record.id.clone();
                let counted = self.context.store.count_runs(id.clone()).await?;
                words::cost(&counted, &self.context.store.spent(id).await?)
            }
        })
    }

    /// The numbers of what the guest works on.
    fn numbers_at_work(&self) -> Vec<i64> {
        let works = self.open.iter().filter(|row| row.trigger && self.working.contains(&row.id));
        works.map(|row| row.seq).collect()
    }

    /// The numbers of what nobody works on yet.
    fn waiting(&self) -> Vec<i64> {
        let waits = self.open.iter().filter(|row| row.trigger && !self.working.contains(&row.id));
        waits.map(|row| row.seq).collect()
    }

    /// From the next turn on; the projection shows it to a guest that runs.
    async fn choose_model(&mut self, name: &str, command: &str) -> Result<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
        if name.len() > limits::action::MODEL_BYTES || !name.chars().all(plain) {
            return Ok(words::NO_MODEL.to_owned());
        }
        let model = Some(name.to_owned()).filter(|name| name != words::DEFAULT_MODEL);
        let (id, now) = (self.facts.record.id.clone(), self.context.clock.now());
        self.context.store.choose_model(id, model, command.to_owned(), now).await?;
        self.refresh().await?;
        Ok(words::model(self.facts.told().model.as_deref()))
    }

    /// The key is free at once; what is at work is finished, as far as there is time.
    fn clear(&mut self, at: Address, command: String, answer: Answer<()>) {
        if !self.working.is_empty() {
            self.restart_by = Some(Instant::now() + limits::admin::DRAIN);
        }
        let (id, daemon) = (self.facts.record.id.clone(), self.context.asks.clone());
        let channel = self.channels().at(&at).cloned();
        let (session, steps) = (id.clone(), self.context.steps.clone());
        self.beside(async move {
            let archive = |answer| Request::ArchiveSession(id, Some(command), answer);
            let said = match daemon.ask(archive).await {
                Ok(()) => words::CLEARED.to_owned(),
                Err(failure) => words::did_not_work(&failure),
            };
            steps.reached(Step::CommandObeyed);
            // Whoever asked may be gone; that is no failure.
            drop(answer.send(Ok(())));
            if let Some(channel) = channel {
                let remark = Remark::Notice { session: Some(&session), address: &at, text: &said };
                channel.tell(remark).await;
            }
            WorkDone::Nothing
        });
    }

    /// Something of the host's own, said at an address. Best effort.
    pub(super) fn notice_at(&mut self, address: Address, said: String) {
        let Some(channel) = self.channels().at(&address).cloned() else { return };
        let session = self.facts.record.id.clone();
        self.silence.spoke(&address);
        self.tell(async move {
            let remark = Remark::Notice { session: Some(&session), address: &address, text: &said };
            channel.tell(remark).await;
        });
    }
}
