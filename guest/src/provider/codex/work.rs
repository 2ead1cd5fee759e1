//! One turn: what the app server says, what a person says meanwhile, and the wish to stop.
//!
//! Owns the one loop that listens to them, and that what [`course`](super::course) says is done.
//! Words that came too late for a turn are answered by another one of the same question: nothing
//! that was said is lost.

use serde_json::{Value, json};
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use super::{
    super::{Class, Fault, FollowUp, Sink, TurnEnd},
    course::{Act, Course, Ending},
    launch,
    server::{Server, overdue},
    wire::{Line, text},
};
use crate::{limits, turn::ProviderEvent};

/// A turn at work.
pub(super) struct Work<'a> {
    server: &'a mut Server,
    sink: &'a Sink,
    course: Course,
    /// The request for the turn, until it is answered.
    begins: Option<u64>,
    /// Requests that put words into the turn, with the words.
    steers: Vec<(u64, String)>,
    /// Words that came too late for it.
    late: Vec<String>,
    /// Which words were said already.
    heard: Vec<String>,
    over: bool,
    stops: Stops,
    /// By when what is waited for must have come.
    by: Option<Instant>,
}

/// How far the wish to stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stops {
    No,
    /// Somebody wants it.
    Wanted,
    /// It was said, by the request of this number.
    Said(u64),
    /// The turn is over; its tools are being ended, by the request of this number.
    Cleans(u64),
    /// And that was done.
    Cleaned,
    /// They are being ended once more, by the request of this number.
    CleansAgain(u64),
}

impl<'a> Work<'a> {
    /// Asks for a turn.
    ///
    /// # Errors
    /// When nobody hears it.
    pub(super) fn begin(
        server: &'a mut Server,
        sink: &'a Sink,
        params: &Value,
    ) -> Result<Self, Fault> {
        server.forgives();
        let mut work = Self {
            course: Course::of(&server.thread),
            server,
            sink,
            begins: None,
            steers: Vec::new(),
            late: Vec::new(),
            heard: Vec::new(),
            over: false,
            stops: Stops::No,
            by: None,
        };
        work.ask_for(params)?;
        Ok(work)
    }

    /// Whether a tool has acted in it.
    pub(super) fn has_acted(&self) -> bool {
        self.course.has_acted()
    }

    /// Goes on until it is over. An error is the end of the process, too.
    pub(super) async fn until_over(&mut self) -> Result<TurnEnd, Fault> {
        loop {
            let steerable = self.course.begun().is_some() && !self.over && self.stops == Stops::No;
            let by = self.by.unwrap_or_else(Instant::now);
            select! {
                // The wish to stop first: a model that never stops talking must not drown it. What
                // it says comes before what it is told, so that it is told to the right turn.
                biased;
                () = self.sink.stopped(), if self.stops == Stops::No => self.stop()?,
                line = self.server.next() => {
                    if let Some(end) = self.on(line?).await? {
                        return Ok(end);
                    }
                }
                more = self.sink.follow_up(), if steerable => self.steer(more)?,
                () = sleep_until(by), if self.by.is_some() => {
                    if let Some(end) = self.too_late()? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    fn ask_for(&mut self, params: &Value) -> Result<(), Fault> {
        self.begins = Some(self.server.ask("turn/start", params)?);
        self.by = Some(Instant::now() + limits::CODEX_ANSWER);
        Ok(())
    }

    /// Interrupts the turn, once it has begun.
    fn stop(&mut self) -> Result<(), Fault> {
        self.stops = Stops::Wanted;
        self.by = Some(Instant::now() + limits::CODEX_ANSWER);
        let Some(turn) = self.course.begun().filter(|_| !self.over) else { return Ok(()) };
        let params = json!({ "threadId": self.server.thread, "turnId": turn });
        self.stops = Stops::Said(self.server.ask("turn/interrupt", &params)?);
        Ok(())
    }

    /// Puts words into the turn, once.
    fn steer(&mut self, more: FollowUp) -> Result<(), Fault> {
        let Some(turn) = self.course.begun() else { return Ok(()) };
        if self.heard.contains(&more.id) {
            return Ok(());
        }
        let params = json!({ "threadId": self.server.thread, "expectedTurnId": turn,
                             "clientUserMessageId": more.id, "input": [launch::words(&more.text)] });
        let asked = self.server.ask("turn/steer", &params)?;
        self.steers.push((asked, more.text));
        self.heard.push(more.id);
        Ok(())
    }

    async fn on(&mut self, line: Line) -> Result<Option<TurnEnd>, Fault> {
        let acts = match line {
            Line::Answer(id, result) => return self.answered(id, &result).await,
            Line::Refused(id, why) => return self.refused(id, &why).await,
            Line::Asks(id, told) => self.course.asked(&id, &told),
            Line::Tells(told) => self.course.hear(&told),
        };
        for act in acts {
            if let Some(end) = self.act(act).await? {
                return Ok(Some(end));
            }
        }
        if self.stops == Stops::Wanted {
            self.stop()?;
        }
        Ok(self.is_clean())
    }

    async fn act(&mut self, act: Act) -> Result<Option<TurnEnd>, Fault> {
        match act {
            Act::Say(event) => self.sink.say(event).await,
            Act::Gate { tool, yes, no } => {
                let id = tool.id.clone();
                let may = self.stops == Stops::No && self.sink.tool_starts(tool).await.is_ok();
                if may {
                    self.course.acts(&id);
                }
                self.server.tell(if may { yes } else { no })?;
            }
            Act::Late(tool) => {
                let id = tool.id.clone();
                if self.sink.tool_starts(tool).await.is_err() {
                    tracing::warn!(id, "a tool acted unasked, and that cannot be written down");
                }
                self.course.acts(&id);
            }
            Act::Tell(line) => self.server.tell(line)?,
            Act::Over(ending) => return self.ended(ending).await,
        }
        Ok(None)
    }

    async fn answered(&mut self, id: u64, result: &Value) -> Result<Option<TurnEnd>, Fault> {
        self.steers.retain(|(asked, _)| *asked != id);
        if self.stops == Stops::CleansAgain(id) {
            return Ok(Some(TurnEnd::Stopped));
        }
        if self.stops == Stops::Cleans(id) {
            self.stops = Stops::Cleaned;
        }
        if self.begins == Some(id) {
            self.begins = None;
            self.by = self.by.filter(|_| self.stops != Stops::No);
            self.course.is(text(result.get("turn").unwrap_or(&Value::Null), "id"));
        }
        self.rests().await
    }

    async fn refused(&mut self, id: u64, why: &str) -> Result<Option<TurnEnd>, Fault> {
        if self.begins == Some(id) {
            return Ok(Some(TurnEnd::Broke(Fault::of_words(&format!("turn/start: {why}")))));
        }
        if let Some(at) = self.steers.iter().position(|(asked, _)| *asked == id) {
            self.late.push(self.steers.swap_remove(at).1);
        }
        if self.stops == Stops::Said(id) {
            // The turn has just ended, or not quite begun: what it says next tells.
            tracing::debug!(why, "not stopped yet");
            self.stops = Stops::Wanted;
        }
        self.rests().await
    }

    async fn ended(&mut self, ending: Ending) -> Result<Option<TurnEnd>, Fault> {
        self.over = true;
        if self.stops != Stops::No {
            self.stops = Stops::Cleans(self.clean()?);
            return Ok(None);
        }
        match ending {
            Ending::Completed => {
                self.by = Some(Instant::now() + limits::CODEX_ANSWER);
                self.rests().await
            }
            Ending::Interrupted => {
                let fault = Fault::new(Class::Opaque, "it interrupted the turn by itself");
                Ok(Some(TurnEnd::Broke(fault)))
            }
            Ending::Failed(fault) => Ok(Some(TurnEnd::Broke(fault))),
        }
    }

    /// What is left to do: nothing, once the turn is over and all that was said into it is known to
    /// have been in time. What came too late is another turn.
    async fn rests(&mut self) -> Result<Option<TurnEnd>, Fault> {
        if self.stops != Stops::No {
            return Ok(self.is_clean());
        }
        if !self.over || !self.steers.is_empty() {
            return Ok(None);
        }
        if self.late.is_empty() {
            if let Some(answer) = self.course.answer() {
                self.sink.say(ProviderEvent::Final(answer)).await;
            }
            return Ok(Some(TurnEnd::Done));
        }
        let late: Vec<Value> = self.late.drain(..).map(|words| launch::words(&words)).collect();
        self.over = false;
        self.course.goes_on();
        self.ask_for(&json!({ "threadId": self.server.thread, "input": late }))?;
        Ok(None)
    }

    /// Ends every command that the conversation has started.
    fn clean(&mut self) -> Result<u64, Fault> {
        self.by = Some(Instant::now() + limits::CODEX_CLEAN);
        let params = json!({ "threadId": self.server.thread });
        self.server.ask("thread/backgroundTerminals/clean", &params)
    }

    /// A tool that had hardly begun is ended without a word, or slips through: then once more.
    fn too_late(&mut self) -> Result<Option<TurnEnd>, Fault> {
        match self.stops {
            Stops::Cleaned => self.stops = Stops::CleansAgain(self.clean()?),
            Stops::Cleans(_) | Stops::CleansAgain(_) => return Err(overdue("the stop")),
            Stops::No | Stops::Wanted | Stops::Said(_) => return Err(overdue("the turn")),
        }
        Ok(None)
    }

    /// A stopped turn is over once no tool of it acts any more.
    fn is_clean(&self) -> Option<TurnEnd> {
        let clean = self.stops == Stops::Cleaned && !self.course.is_acting();
        clean.then_some(TurnEnd::Stopped)
    }
}
