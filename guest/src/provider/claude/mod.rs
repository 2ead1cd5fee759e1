//! Claude Code, kept alive over many turns: lines of JSON both ways.
//!
//! Owns how a conversation is opened, and that one process serves all its turns. `launch` says how
//! it is started, `process` greets it, `talk` leads a turn; `line`, `told` and `outcome`, all PURE,
//! are the protocol.
//!
//! **Who asks before acting.** It runs in its default permission mode and asks on its input
//! (`can_use_tool`). Tried with 2.1.329: every tool with an effect asks, in and outside the folder
//! that it works in, and nothing is refused that the mode without questions would let through; only
//! what it takes for reading (`Read`, and commands like `ls`, `cat`, `sleep`, `git status`) does
//! not. So a hook before every tool, the other way, would buy nothing. All tools are written down
//! when the model wants them; those that ask wait for it.
//!
//! **What it takes from where.** Nothing from folders that the agent writes (`launch`). Its own
//! system prompt stays, ours is put behind it: its tools are explained there. It goes with the
//! first request, not with the arguments, which have a bound.
//!
//! **Its input is heard once.** What is said has an id made of the run's; the same id again, in a
//! later life too, is not heard again. So a turn waits for the end of its inputs, not for an answer.

use std::path::PathBuf;

use async_trait::async_trait;
use schemas::ids::RunId;
use tokio::time::timeout;

use super::{
    Class, Fault, Health, Launch, Opened, Provider, Sink, Surroundings, TurnEnd, child::random_uuid,
};
use crate::{limits, prompt::Turn};

mod bridge;
mod content;
mod launch;
mod line;
mod outcome;
mod process;
mod talk;
mod told;

pub use bridge::Tools;
use launch::Conversation;
use process::{NotStarted, Process};

/// The word in `session.json`.
pub const NAME: &str = "claude";

/// See the module's text.
#[derive(Debug)]
pub struct Claude {
    program: PathBuf,
    around: Surroundings,
    tools: Option<Tools>,
    live: Option<Live>,
    /// The conversation, also while nothing runs.
    native: Option<String>,
}

#[derive(Debug)]
struct Live {
    process: Process,
    launch: Launch,
    native: String,
}

impl Claude {
    /// One that is not started yet.
    #[must_use]
    pub fn new(around: Surroundings) -> Self {
        let program = launch::PROGRAM.into();
        Self { program, around, tools: None, live: None, native: None }
    }

    /// Another program than the `claude` of the `PATH`.
    #[must_use]
    pub fn with_program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    /// With tools of ours.
    #[must_use]
    pub fn with_tools(self, tools: Tools) -> Self {
        Self { tools: Some(tools), ..self }
    }

    /// The number of its process, while it has one.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.live.as_ref().map(|live| live.process.pid())
    }

    /// Makes what runs fit another launch, if that can be done.
    async fn adapt(&mut self, launch: &Launch) -> bool {
        let Some(live) = &mut self.live else { return false };
        if live.launch == *launch {
            return true;
        }
        let only_the_model =
            Launch { model: launch.model.clone(), ..live.launch.clone() } == *launch;
        let Some(model) = launch.model.as_deref().filter(|_| only_the_model) else { return false };
        let set = live.process.ask(|id| told::set_model(id, model));
        let taken = matches!(timeout(limits::CLAUDE_START, set).await, Ok(Ok(_)));
        if taken {
            live.launch.model.clone_from(&launch.model);
        }
        taken
    }

    async fn start(&mut self, launch: &Launch, id: Conversation<'_>) -> Result<(), NotStarted> {
        let around = (&self.around, self.tools.as_ref());
        let process = Process::start(&self.program, launch, around, id).await?;
        let (Conversation::New(native) | Conversation::Old(native)) = id;
        self.native = Some(native.to_owned());
        let (launch, native) = (launch.clone(), native.to_owned());
        self.live = Some(Live { process, launch, native });
        Ok(())
    }
}

#[async_trait]
impl Provider for Claude {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> Health {
        match &self.live {
            Some(live) if live.process.is_alive() => Health::Ready,
            Some(_) | None => Health::Down,
        }
    }

    async fn open(&mut self, launch: &Launch, resume: Option<&str>) -> Result<Opened, Fault> {
        if self.health() == Health::Ready && self.adapt(launch).await {
            return Ok(Opened::Warm);
        }
        self.close().await;
        if self.around.models.is_none() {
            // It would look for the model's own servers, which nobody reaches from here.
            return Err(Fault::new(Class::Missing, "there is no way to a model from here"));
        }
        let known = self.native.clone().or_else(|| resume.map(str::to_owned));
        if let Some(id) = known.filter(|id| is_uuid(id)) {
            match self.start(launch, Conversation::Old(&id)).await {
                Ok(()) => return Ok(Opened::Resumed),
                Err(NotStarted::NoConversation) => {
                    tracing::info!(id, "the conversation is gone; a new one begins");
                }
                Err(NotStarted::Fault(fault)) => return Err(fault),
            }
        }
        let id = random_uuid().map_err(|error| Fault::new(Class::Missing, error.to_string()))?;
        match self.start(launch, Conversation::New(&id)).await {
            Ok(()) => Ok(Opened::Fresh),
            Err(NotStarted::NoConversation) => {
                Err(Fault::new(Class::Garbled, "it looks for a conversation that is to be new"))
            }
            Err(NotStarted::Fault(fault)) => Err(fault),
        }
    }

    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd {
        // Whoever drops this future drops the process with it, and so ends all that it does.
        let Some(mut live) = self.live.take() else {
            return TurnEnd::Broke(Fault::new(Class::Exited, "it was not started"));
        };
        let content = content::content(turn, &self.around.dir);
        let talk = talk::Talk::new(&mut live.process, sink, &mut live.native);
        let over = talk.over(&input_id(&turn.run), &content).await;
        self.native = Some(live.native.clone());
        match over {
            Ok(end) => {
                self.live = Some(live);
                end
            }
            Err(fault) => TurnEnd::Broke(fault),
        }
    }

    async fn close(&mut self) {
        if let Some(live) = self.live.take() {
            live.process.close().await;
        }
    }
}

/// The 128 bits of a run's id, as the UUID of what is said in it.
fn input_id(run: &RunId) -> String {
    let bits = run.as_str().parse::<ulid::Ulid>().map_or(0, |id| id.0);
    let hex = format!("{bits:032x}");
    let part = |range| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

fn is_uuid(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_has_the_bits_of_its_run() {
        let run = RunId::parse("01arz3ndektsv4rrffq69g5fav").unwrap();
        let id = input_id(&run);
        assert_eq!(id, "01563e3a-b5d3-d676-4c61-efb99302bd5b");
        assert!(is_uuid(&id));
        for other in ["", "--resume", "01563e3a-b5d3-d676-4c61-efb99302bd5", "/etc/passwd"] {
            assert!(!is_uuid(other), "{other}");
        }
    }
}
