//! One process of Claude Code: started, greeted, and listened to.
//!
//! Owns the handshake, the numbering of control requests, and what is answered beside a turn: our
//! tools, and requests that nobody knows. What it says of a turn goes to whoever listens.

use std::path::Path;

use nix::unistd::geteuid;
use serde_json::Value;
use tokio::{select, time::timeout};

use super::{
    bridge::{Bridge, Tools},
    launch::{Conversation, program},
    line::{Ask, Said, read},
    told,
};
use crate::{
    limits,
    provider::{Class, Fault, Launch, Surroundings, child::Child},
};

/// A process that has answered.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    bridge: Option<Bridge>,
    asked: u64,
    garbage: usize,
}

/// What it says while it starts, when there is no such conversation.
const NO_CONVERSATION: &str = "No conversation found";

/// Why there is no process.
pub(super) enum NotStarted {
    /// The conversation that it should go on with is gone.
    NoConversation,
    /// Anything else.
    Fault(Fault),
}

impl Process {
    /// Starts one, and waits until it answers.
    pub(super) async fn start(
        path: &Path,
        launch: &Launch,
        around: (&Surroundings, Option<&Tools>),
        conversation: Conversation<'_>,
    ) -> Result<Self, NotStarted> {
        let (around, tools) = around;
        let root = geteuid().is_root();
        let what = program(path.to_owned(), launch, around, conversation, root);
        let child = Child::start(&what).map_err(NotStarted::Fault)?;
        let bridge = tools.map(Bridge::new);
        let mut process = Self { child, bridge, asked: 0, garbage: 0 };
        let (prompt, with_tools) = (&launch.system_prompt, process.bridge.is_some());
        let greeted = process.ask(|id| told::initialize(id, prompt, with_tools));
        match timeout(limits::CLAUDE_START, greeted).await {
            Ok(Ok(_)) => Ok(process),
            Ok(Err(fault)) if fault.detail.contains(NO_CONVERSATION) => {
                Err(NotStarted::NoConversation)
            }
            Ok(Err(fault)) => Err(NotStarted::Fault(fault)),
            Err(_) => {
                let words = process.child.complaints();
                let silent = format!("it did not answer after its start: {words}");
                Err(NotStarted::Fault(Fault::new(Class::Silent, silent)))
            }
        }
    }

    /// Whether it runs.
    pub(super) fn is_alive(&self) -> bool {
        self.child.is_alive()
    }

    /// Its number.
    pub(super) fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Ends it in good order.
    pub(super) async fn close(self) {
        self.child.close().await;
    }

    /// Says a line to it.
    pub(super) fn tell(&self, line: String) -> Result<(), Fault> {
        self.child.tell(line)
    }

    /// Asks it something; nobody waits for the answer.
    pub(super) fn request(&mut self, line: impl FnOnce(&str) -> String) -> Result<(), Fault> {
        let id = self.next_id();
        self.tell(line(&id))
    }

    /// Asks it something, and waits for the answer. For ever, if need be.
    pub(super) async fn ask(&mut self, line: impl FnOnce(&str) -> String) -> Result<Value, Fault> {
        let id = self.next_id();
        self.tell(line(&id))?;
        loop {
            let said = self.next().await?;
            if let Said::Ended(ended) = &said
                && ended.is_error
            {
                // Before its end it says what is wrong, if it can.
                let words =
                    [&ended.errors[..], std::slice::from_ref(&ended.result)].concat().join("; ");
                return Err(Fault::of_words(&words));
            }
            if let Said::Answers(to, answer) = said
                && to == id
            {
                return answer.map_err(|why| Fault::new(Class::Opaque, why));
            }
        }
    }

    /// The next thing that it says of a turn. Giving up waiting loses nothing.
    ///
    /// # Errors
    /// When it has ended, or says what it should not.
    pub(super) async fn next(&mut self) -> Result<Said, Fault> {
        loop {
            let line = select! {
                // What our tools answer was asked before.
                biased;
                answer = of_tools(&mut self.bridge) => {
                    self.tell(answer)?;
                    continue;
                }
                line = self.child.line() => line?,
            };
            match read(&line) {
                Said::Asks(request, Ask::Mcp(message)) => self.pass(request, &message)?,
                Said::Asks(request, Ask::Unknown(what)) => {
                    self.tell(told::unknown(&request, &what))?;
                }
                Said::Nothing => {}
                Said::Garbage => self.count_garbage(&line)?,
                said @ (Said::Session(_)
                | Said::Text(_)
                | Said::Thinking(_)
                | Said::Message { .. }
                | Said::ToolsEnded(_)
                | Said::Progress(..)
                | Said::Input { .. }
                | Said::Asks(_, Ask::MayUse(..))
                | Said::Answers(..)
                | Said::Ended(_)) => return Ok(said),
            }
        }
    }

    /// A turn begins: what was garbage before counts no more.
    pub(super) fn forget_garbage(&mut self) {
        self.garbage = 0;
    }

    fn pass(&mut self, request: String, message: &Value) -> Result<(), Fault> {
        let answer = match &mut self.bridge {
            Some(bridge) => bridge.pass(request, message),
            None => Some(told::unknown(&request, "mcp_message")),
        };
        answer.map_or(Ok(()), |answer| self.tell(answer))
    }

    fn count_garbage(&mut self, line: &str) -> Result<(), Fault> {
        self.garbage += 1;
        let shown: String = line.chars().take(limits::TOOL_CHARS).collect();
        tracing::debug!(line = shown, "a line that is not its protocol");
        if self.garbage <= limits::GARBAGE_LINES {
            return Ok(());
        }
        Err(Fault::new(Class::Garbled, format!("it says what is not its protocol: {shown}")))
    }

    fn next_id(&mut self) -> String {
        self.asked += 1;
        format!("lazaret-{}", self.asked)
    }
}

/// What our tools say next; for ever nothing where there are none.
async fn of_tools(bridge: &mut Option<Bridge>) -> String {
    match bridge {
        Some(bridge) => bridge.next().await,
        None => std::future::pending().await,
    }
}
