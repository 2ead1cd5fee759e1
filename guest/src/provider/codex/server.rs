//! The app server's process, and the conversation that it holds.
//!
//! Owns the numbers of our requests and who waits how long for an answer. Knows the lines, and of
//! what they mean only what a beginning needs.

use std::path::PathBuf;

use serde_json::Value;
use tokio::time::timeout;

use super::{
    super::{
        Class, Fault, Launch, Opened,
        child::{Child, Program},
    },
    launch,
    wire::{self, Line, text},
};
use crate::limits;

/// A process that is ready for turns.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    asked: u64,
    /// Lines since the last turn began that were no messages.
    strays: usize,
    /// The conversation.
    pub(super) thread: String,
    /// What it was told about itself; `None` when nobody knows.
    pub(super) told: Option<String>,
    /// Where it works.
    pub(super) work_dir: PathBuf,
}

impl Server {
    /// Starts it, and goes on with a conversation, or begins one where that cannot be found.
    ///
    /// # Errors
    /// When it cannot be started, or does not speak as it should, in time.
    pub(super) async fn start(
        program: &Program,
        launch: &Launch,
        going_on: Option<&str>,
    ) -> Result<(Self, Opened), Fault> {
        let mut server = Self {
            child: Child::start(program)?,
            asked: 0,
            strays: 0,
            thread: String::new(),
            told: None,
            work_dir: launch.work_dir.clone(),
        };
        match timeout(limits::CODEX_OPEN, server.begin(launch, going_on)).await {
            Ok(opened) => Ok((server, opened?)),
            Err(_) => Err(Fault::new(Class::Silent, "it was started, and did not get ready")),
        }
    }

    async fn begin(&mut self, launch: &Launch, going_on: Option<&str>) -> Result<Opened, Fault> {
        self.needed("initialize", &launch::greeting()).await?;
        self.tell(wire::notice("initialized"))?;
        if let Some(thread) = going_on {
            let params = launch::conversation(launch, Some(thread));
            match self.answered("thread/resume", &params).await? {
                Ok(found) => return self.holds(&found).map(|()| Opened::Resumed),
                Err(why) => tracing::warn!(thread, why, "the conversation cannot go on"),
            }
        }
        let begun = self.needed("thread/start", &launch::conversation(launch, None)).await?;
        self.told = Some(launch.system_prompt.clone());
        self.holds(&begun).map(|()| Opened::Fresh)
    }

    fn holds(&mut self, conversation: &Value) -> Result<(), Fault> {
        let thread = conversation.get("thread").unwrap_or(&Value::Null);
        text(thread, "id").clone_into(&mut self.thread);
        if self.thread.is_empty() {
            return Err(Fault::new(Class::Garbled, "it began a conversation without an id"));
        }
        Ok(())
    }

    /// Whether it runs.
    pub(super) fn is_alive(&self) -> bool {
        self.child.is_alive()
    }

    /// Ends it in good order.
    pub(super) async fn close(self) {
        self.child.close().await;
    }

    /// Says a line.
    ///
    /// # Errors
    /// When it does not read what it is told.
    pub(super) fn tell(&self, line: String) -> Result<(), Fault> {
        self.child.tell(line)
    }

    /// Asks something; the answer comes with this number.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Result<u64, Fault> {
        self.asked += 1;
        self.tell(wire::request(self.asked, method, params))?;
        Ok(self.asked)
    }

    /// A turn begins: what was no message before counts no more.
    pub(super) fn forgives(&mut self) {
        self.strays = 0;
    }

    /// What it says next. Giving up waiting loses nothing.
    ///
    /// # Errors
    /// When it has ended, or too much of what it says is not of the protocol.
    pub(super) async fn next(&mut self) -> Result<Line, Fault> {
        loop {
            let line = self.child.line().await?;
            if let Some(line) = wire::read(&line) {
                return Ok(line);
            }
            let begins: String = line.chars().take(limits::TOOL_CHARS).collect();
            tracing::debug!(line = begins, "codex said what is no message");
            self.strays += 1;
            if self.strays > limits::GARBAGE_LINES {
                let what = format!("too much that it says is no message, the last: {begins}");
                return Err(Fault::new(Class::Garbled, what));
            }
        }
    }

    /// Asks something between two turns, and waits for the answer or the refusal. What it tells
    /// meanwhile belongs to no turn of ours.
    ///
    /// # Errors
    /// When it has ended, says what is not of the protocol, or does not answer in time.
    pub(super) async fn call(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<Result<Value, String>, Fault> {
        let answered = timeout(limits::CODEX_ANSWER, self.answered(method, params)).await;
        answered.unwrap_or_else(|_| Err(overdue(method)))
    }

    async fn needed(&mut self, method: &str, params: &Value) -> Result<Value, Fault> {
        let answered = self.answered(method, params).await?;
        answered.map_err(|why| Fault::of_words(&format!("{method}: {why}")))
    }

    async fn answered(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<Result<Value, String>, Fault> {
        let asked = self.ask(method, params)?;
        loop {
            match self.next().await? {
                Line::Answer(id, result) if id == asked => return Ok(Ok(result)),
                Line::Refused(id, why) if id == asked => return Ok(Err(why)),
                Line::Asks(id, _) => self.tell(wire::refusal(&id))?,
                Line::Answer(..) | Line::Refused(..) | Line::Tells(_) => {}
            }
        }
    }
}

/// It did not answer in time.
pub(super) fn overdue(method: &str) -> Fault {
    Fault::new(Class::Silent, format!("it did not answer {method}"))
}
