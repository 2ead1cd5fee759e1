//! One turn with Claude Code, from what is said to it to the end that is about just that.
//!
//! Owns which lines count for the turn: everything that was said has an id, and an end counts when
//! it is about one of them. A turn is over when nothing that was said waits any more, since what
//! comes too late for a turn gets one of its own.

use std::collections::HashMap;

use schemas::usage::Usage;
use tokio::select;

use super::{
    line::{Ask, Ended, InputState, Said},
    outcome::outcome,
    process::Process,
    told,
};
use crate::{
    provider::{Fault, FollowUp, Sink, Tool, TurnEnd},
    turn::ProviderEvent,
};

/// A turn as far as it has come.
pub(super) struct Talk<'t> {
    process: &'t mut Process,
    sink: &'t Sink,
    /// What it knows as this conversation; told whenever it changes.
    native: &'t mut String,
    /// What was said, and how far it has come.
    inputs: HashMap<String, InputState>,
    /// The tools of this turn, and whether it stands in the file that they act.
    tools: HashMap<String, bool>,
    /// What was answered so far, one for each end.
    answers: Vec<String>,
    used: Usage,
    error: Option<String>,
    stopping: bool,
}

impl<'t> Talk<'t> {
    pub(super) fn new(process: &'t mut Process, sink: &'t Sink, native: &'t mut String) -> Self {
        Self {
            process,
            sink,
            native,
            inputs: HashMap::new(),
            tools: HashMap::new(),
            answers: Vec::new(),
            used: nothing(),
            error: None,
            stopping: false,
        }
    }

    /// Says it, and goes on until it is answered. An error is the end of the process; what could
    /// not be answered by one that lives is [`TurnEnd::Broke`].
    pub(super) async fn over(
        mut self,
        id: &str,
        content: &serde_json::Value,
    ) -> Result<TurnEnd, Fault> {
        self.process.forget_garbage();
        self.sink.say(ProviderEvent::Session(self.native.clone())).await;
        self.say(id, content)?;
        let sink = self.sink;
        loop {
            let said = select! {
                // A stop before everything, then what it says: what it has ended need not be told
                // more.
                biased;
                () = sink.stopped(), if !self.stopping => {
                    self.stop()?;
                    continue;
                }
                said = self.process.next() => said?,
                more = sink.follow_up(), if !self.stopping => {
                    self.follow_up(&more)?;
                    continue;
                }
            };
            if let Some(end) = self.take(said).await? {
                return Ok(end);
            }
        }
    }

    fn say(&mut self, id: &str, content: &serde_json::Value) -> Result<(), Fault> {
        self.inputs.insert(id.to_owned(), InputState::Queued);
        self.process.tell(told::says(id, content))
    }

    fn follow_up(&mut self, more: &FollowUp) -> Result<(), Fault> {
        // The same once more is not heard, and gets no end.
        if self.inputs.contains_key(&more.id) {
            Ok(())
        } else {
            self.say(&more.id, &more.text.as_str().into())
        }
    }

    /// What has not begun is taken back; what has is interrupted, now or as soon as it begins.
    fn stop(&mut self) -> Result<(), Fault> {
        self.stopping = true;
        let waits = |state: &InputState| *state == InputState::Queued;
        let queued: Vec<String> = self
            .inputs
            .iter()
            .filter(|(_, state)| waits(state))
            .map(|(id, _)| id.clone())
            .collect();
        for id in queued {
            self.process.request(|request| told::take_back(request, &id))?;
        }
        self.process.request(told::interrupt)
    }

    async fn take(&mut self, said: Said) -> Result<Option<TurnEnd>, Fault> {
        match said {
            Said::Session(native) => {
                if native != *self.native {
                    self.native.clone_from(&native);
                    self.sink.say(ProviderEvent::Session(native)).await;
                }
            }
            // What comes before this turn's own beginning is the rest of another.
            Said::Text(_) | Said::Thinking(_) if !self.is_at_work() => {}
            Said::Text(text) => self.sink.say(ProviderEvent::Text(text)).await,
            Said::Thinking(text) => self.sink.say(ProviderEvent::Thinking(text)).await,
            Said::Progress(id, line) => {
                self.sink.say(ProviderEvent::ToolProgress(id, line)).await;
            }
            Said::Message { uses, error } => {
                self.error = error.or_else(|| self.error.take());
                for tool in uses {
                    self.record(tool).await;
                }
            }
            Said::ToolsEnded(ids) => {
                for id in ids {
                    self.sink.tool_ended(&id).await;
                }
            }
            Said::Asks(request, Ask::MayUse(tool, input)) => {
                let answer = if self.record(tool).await {
                    told::may_act(&request, &input)
                } else {
                    told::may_not(&request, "It could not be written down that this tool acts.")
                };
                self.process.tell(answer)?;
            }
            Said::Input { id, state } => return self.heard(&id, state),
            Said::Ended(ended) => return self.ended(&ended).await,
            Said::Asks(_, Ask::Mcp(_) | Ask::Unknown(_))
            | Said::Answers(..)
            | Said::Nothing
            | Said::Garbage => {}
        }
        Ok(None)
    }

    /// Whether it stands in the file that this tool acts. One that asks nobody acts meanwhile.
    async fn record(&mut self, tool: Tool) -> bool {
        if let Some(recorded) = self.tools.get(&tool.id) {
            return *recorded;
        }
        let id = tool.id.clone();
        let recorded = self.sink.tool_starts(tool).await.is_ok();
        self.tools.insert(id, recorded);
        recorded
    }

    fn heard(&mut self, id: &str, state: InputState) -> Result<Option<TurnEnd>, Fault> {
        let Some(known) = self.inputs.get_mut(id) else { return Ok(None) };
        match state {
            InputState::Queued => {}
            InputState::Started => {
                *known = InputState::Started;
                if self.stopping {
                    self.process.request(told::interrupt)?;
                }
            }
            // It was begun and its end comes, or is here; or it was heard in an earlier life, or
            // taken back, and no end comes.
            InputState::Over if *known == InputState::Started => {}
            InputState::Over => {
                *known = InputState::Over;
                if !self.waits() && !self.is_at_work() {
                    return Ok(Some(self.end()));
                }
            }
        }
        Ok(None)
    }

    async fn ended(&mut self, ended: &Ended) -> Result<Option<TurnEnd>, Fault> {
        let ours = ended.inputs.iter().any(|id| self.inputs.contains_key(id));
        if !ours && (!ended.inputs.is_empty() || !self.is_at_work()) {
            tracing::debug!("the end of something that was said before this turn");
            return Ok(None);
        }
        self.used = self.used.plus(ended.used.unwrap_or_else(nothing));
        self.sink.say(ProviderEvent::Used(self.used)).await;
        for (id, state) in &mut self.inputs {
            if *state == InputState::Started || ended.inputs.contains(id) {
                *state = InputState::Over;
            }
        }
        match outcome(ended, self.error.take().as_deref()) {
            Ok(answer) if !answer.trim().is_empty() => self.answers.push(answer),
            Ok(_) => {}
            Err(_) if self.stopping => {}
            // What waits would be begun with, and nobody would listen: then its process ends, too.
            Err(fault) if self.waits() => return Err(fault),
            Err(fault) => return Ok(Some(TurnEnd::Broke(fault))),
        }
        if !self.answers.is_empty() {
            self.sink.say(ProviderEvent::Final(self.answers.join("\n\n"))).await;
        }
        Ok((!self.waits()).then(|| self.end()))
    }

    fn end(&self) -> TurnEnd {
        if self.stopping { TurnEnd::Stopped } else { TurnEnd::Done }
    }

    fn waits(&self) -> bool {
        self.inputs.values().any(|state| *state == InputState::Queued)
    }

    fn is_at_work(&self) -> bool {
        self.inputs.values().any(|state| *state == InputState::Started)
    }
}

/// Nothing was used, which costs nothing.
fn nothing() -> Usage {
    Usage { cost_usd: Some(0.0), ..Default::default() }
}
