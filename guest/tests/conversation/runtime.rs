//! A runtime that plays what a test tells it to: the outside of a provider.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use guest::{
    Provider,
    prompt::Turn,
    provider::{Class, Fault, Health, Launch, Opened, Sink, Tool, TurnEnd},
    turn::ProviderEvent,
};

/// What it does in one turn.
pub(crate) enum Play {
    /// Answers.
    Says(&'static str),
    /// Says half of it and breaks off.
    Breaks(Class),
    /// The same after a tool has acted.
    ActsAndBreaks(Class),
    /// Says half of it, then nothing until it is asked to stop, and stops.
    Waits,
    /// The same, and does not listen.
    IsDeaf,
}

/// What all runtimes of a test did, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
}

/// See the module's text.
pub(crate) struct Runtime {
    pub(crate) name: &'static str,
    pub(crate) plays: Arc<Mutex<VecDeque<Play>>>,
    pub(crate) log: Log,
    /// Whether it finds a conversation that it is asked for.
    pub(crate) remembers: bool,
    /// Its own id of the conversation, once it runs.
    pub(crate) conversation: Option<String>,
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.log.note(format!("{} gone", self.name));
    }
}

#[async_trait]
impl Provider for Runtime {
    fn name(&self) -> &'static str {
        self.name
    }

    fn health(&self) -> Health {
        if self.conversation.is_some() { Health::Ready } else { Health::Down }
    }

    async fn open(&mut self, launch: &Launch, resume: Option<&str>) -> Result<Opened, Fault> {
        let model = launch.model.as_deref().unwrap_or("-");
        self.log.note(format!("{} {model} resumes {}", self.name, resume.unwrap_or("-")));
        if self.conversation.is_some() {
            return Ok(Opened::Warm);
        }
        match resume.filter(|_| self.remembers) {
            Some(id) => {
                self.conversation = Some(id.to_owned());
                Ok(Opened::Resumed)
            }
            None => {
                self.conversation = Some(format!("{}-own", self.name));
                Ok(Opened::Fresh)
            }
        }
    }

    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd {
        if !turn.before.is_empty() {
            self.log.note(format!("{} is told: {}", self.name, turn.before));
        }
        let id = self.conversation.clone().unwrap();
        sink.say(ProviderEvent::Session(id)).await;
        let play = self.plays.lock().unwrap().pop_front().unwrap();
        let half = || sink.say(ProviderEvent::Text("half of it".to_owned()));
        let broke = |class| TurnEnd::Broke(Fault::new(class, "the secret cause"));
        match play {
            Play::Says(text) => {
                sink.say(ProviderEvent::Text(text.to_owned())).await;
                sink.say(ProviderEvent::Final(text.to_owned())).await;
                TurnEnd::Done
            }
            Play::Breaks(class) => {
                half().await;
                broke(class)
            }
            Play::ActsAndBreaks(class) => {
                let tool = Tool {
                    id: "1".to_owned(),
                    name: "act".to_owned(),
                    summary: "acts".to_owned(),
                    timeout: None,
                };
                sink.tool_starts(tool).await.unwrap();
                sink.tool_ended("1").await;
                broke(class)
            }
            Play::Waits => {
                half().await;
                sink.stopped().await;
                self.log.note(format!("{} stops", self.name));
                TurnEnd::Stopped
            }
            Play::IsDeaf => {
                half().await;
                std::future::pending().await
            }
        }
    }

    async fn close(&mut self) {
        self.log.note(format!("{} closed", self.name));
    }
}
