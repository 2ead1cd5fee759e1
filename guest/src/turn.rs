//! What happens while a provider works: one closed set of events, one answer to each. PURE.
//!
//! Owns the rules of the lazy run row, of tools, and of what has been said so far. Never settles
//! anything itself: the runner does what the [`Step`] says.

use std::time::Duration;

use schemas::{ids::MessageId, limits::MAX_TOOL_TIMEOUT, usage::Usage};

use crate::{
    limits,
    posting::Post,
    provider::{Class, Fault},
    reply::{Failure, Reply, Retry, TurnEnd, What},
    spoken,
};

/// A tool that a provider lets act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The provider's own id of this use of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is about to do, on one line, for whoever watches.
    pub summary: String,
    /// How long it may take without a sign of progress; `None` is as long as anything else.
    pub timeout: Option<Duration>,
}

/// What a provider says while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum ProviderEvent {
    /// A piece of the text that answers a message; pieces are joined in order.
    Delta {
        /// The message that it answers.
        in_reply_to: MessageId,
        /// The piece.
        text: String,
    },
    /// A whole answer; text of [`Delta`](Self::Delta)s to the same message stands before it.
    /// Something else than words, or words to somebody else, stands for itself.
    Reply(Reply),
    /// The native id of the conversation that this attempt goes on with.
    Session(String),
    /// A piece of what the model writes on its way; what stands before a tool is no answer.
    Text(String),
    /// A piece of what it thinks.
    Thinking(String),
    /// All that it answers, whole: what [`Text`](Self::Text) said since the last tool.
    Final(String),
    /// A tool is about to act.
    ToolStarts(Tool),
    /// A tool says or does this now, whatever becomes of the turn.
    Post(Post),
    /// The tool of that id goes on: a line about how.
    ToolProgress(String, String),
    /// The tool of that id has ended.
    ToolEnded(String),
    /// All that this attempt has used so far; what was said before counts no more.
    Used(Usage),
}

/// What can happen during a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    /// The provider said something.
    Provider(ProviderEvent),
    /// The provider has ended, and everything it said was taken.
    Ended(TurnEnd),
    /// `inbound.db` may have changed: perhaps somebody wants to cancel.
    InboundChanged,
    /// The run row has waited long enough.
    RunRowDue,
    /// It is time to say *I live*.
    Beat,
    /// Nothing happened for longer than may be.
    NoProgress,
    /// The host asks to stop this run.
    Aborted,
    /// It asks again, or the provider did not stop in time.
    Forced,
    /// The guest is asked to end.
    Cancelled,
}

/// What the runner does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Waits for the next event.
    Wait,
    /// Writes the run row, so that the host knows the run has begun.
    WriteRun,
    /// Writes that a tool acts from now on, so that nobody repeats blindly what it does.
    StartTool(Tool),
    /// Writes that no tool acts any more.
    EndTool,
    /// Writes this now: a tool waits for it.
    Post(Reply),
    /// Touches the heartbeat.
    Beat,
    /// Asks the provider to stop in good order.
    Interrupt,
    /// Settles the turn.
    Settle(TurnEnd, Vec<Reply>),
    /// Ends the turn, and says what it had said so far: its rows are cancelled.
    Drop(Vec<Reply>),
    /// Gives the claim back and ends.
    Release,
    /// Ends, and says what was said so far: tools have acted, so nothing is given back.
    BreakOff(Vec<Reply>),
}

/// A turn as far as it has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnState {
    origin: Option<MessageId>,
    replies: Vec<Reply>,
    open: Vec<Reply>,
    speech: String,
    answer: Option<String>,
    run_written: bool,
    tools_started: u32,
    tools: Vec<Tool>,
    posts: u32,
    used: Option<Usage>,
    stopping: bool,
    native: Option<String>,
}

impl TurnState {
    /// A turn that has just begun; what its provider says to nobody by name answers this message.
    #[must_use]
    pub fn begin(origin: Option<MessageId>) -> Self {
        Self { origin, ..Self::default() }
    }

    /// Takes one event and says what to do.
    pub fn on(&mut self, event: TurnEvent) -> Step {
        match event {
            TurnEvent::Provider(said) => self.take(said),
            TurnEvent::Ended(TurnEnd::Stopped | TurnEnd::Broke(_)) if self.stopping => {
                Step::Drop(self.cut_off())
            }
            TurnEvent::Ended(end) => Step::Settle(self.may_be_repeated(end), self.said()),
            TurnEvent::NoProgress => Step::Settle(TurnEnd::Broke(no_progress()), Vec::new()),
            TurnEvent::InboundChanged | TurnEvent::RunRowDue if self.run_written => Step::Wait,
            TurnEvent::InboundChanged | TurnEvent::RunRowDue => Step::WriteRun,
            TurnEvent::Beat => Step::Beat,
            TurnEvent::Aborted => {
                self.stopping = true;
                Step::Interrupt
            }
            TurnEvent::Forced => Step::Drop(self.cut_off()),
            TurnEvent::Cancelled if self.tools_started > 0 => Step::BreakOff(self.cut_off()),
            TurnEvent::Cancelled => Step::Release,
        }
    }

    /// Tools that were let act so far.
    #[must_use]
    pub fn tools_started(&self) -> u32 {
        self.tools_started
    }

    /// What it has used so far, as far as the provider says.
    #[must_use]
    pub fn used(&self) -> Option<Usage> {
        self.used
    }

    /// The provider's own id of the conversation, once it has said it.
    #[must_use]
    pub fn native(&self) -> Option<&String> {
        self.native.as_ref()
    }

    /// How long nothing may happen now.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let declared = self.tools.iter().filter_map(|tool| tool.timeout).max().unwrap_or_default();
        limits::NO_PROGRESS.max(declared.min(MAX_TOOL_TIMEOUT))
    }

    /// The run row stands in the file.
    pub fn run_was_written(&mut self) {
        self.run_written = true;
    }

    /// It stands in the file, with the run row, that this tool acts from now on.
    pub fn tool_was_recorded(&mut self, tool: Tool) {
        self.tools_started += 1;
        self.tools.push(tool);
        self.run_written = true;
    }

    /// What a tool posted stands in the file, and with it that the turn has acted.
    pub fn was_posted(&mut self) {
        self.posts += 1;
        self.tools_started = self.tools_started.max(1);
        self.run_written = true;
    }

    /// Whether the run row stands in the file.
    #[must_use]
    pub fn run_is_written(&self) -> bool {
        self.run_written
    }

    fn take(&mut self, said: ProviderEvent) -> Step {
        match said {
            ProviderEvent::Delta { in_reply_to, text } => self.take_piece(in_reply_to, text),
            ProviderEvent::Reply(reply) => self.take_reply(reply),
            ProviderEvent::Used(used) => self.used = Some(used),
            ProviderEvent::Text(text) => self.speech.push_str(&text),
            ProviderEvent::Final(text) => self.answer = Some(text),
            ProviderEvent::ToolStarts(tool) => {
                self.speech.clear();
                return Step::StartTool(tool);
            }
            ProviderEvent::Post(post) => return self.post(post),
            ProviderEvent::ToolEnded(id) => return self.tool_ended(&id),
            ProviderEvent::Session(id) => self.native = Some(id),
            ProviderEvent::Thinking(_) | ProviderEvent::ToolProgress(..) => {}
        }
        Step::Wait
    }

    fn post(&mut self, post: Post) -> Step {
        self.speech.clear();
        let Some(in_reply_to) = self.origin.clone() else { return Step::Wait };
        let Post { to, what, files } = post;
        Step::Post(Reply { in_reply_to, to, what, files })
    }

    fn tool_ended(&mut self, id: &str) -> Step {
        self.tools.retain(|tool| tool.id != id);
        if self.tools.is_empty() { Step::EndTool } else { Step::Wait }
    }

    fn take_piece(&mut self, in_reply_to: MessageId, text: String) {
        let known = self.open.iter_mut().find(|open| open.in_reply_to == in_reply_to);
        match known.map(|open| &mut open.what) {
            Some(What::Words(said)) => said.push_str(&text),
            Some(What::Change(_) | What::Ask(_) | What::Show(_) | What::Act(_)) | None => {
                self.open.push(Reply::words(in_reply_to, text));
            }
        }
    }

    fn take_reply(&mut self, mut reply: Reply) {
        let known = self.open.iter().position(|open| open.in_reply_to == reply.in_reply_to);
        if let (None, What::Words(text), Some(at)) = (&reply.to, &mut reply.what, known)
            && let What::Words(before) = self.open.remove(at).what
        {
            text.insert_str(0, &before);
        }
        self.replies.push(reply);
    }

    /// Everything that was said, whole or not.
    fn said(&mut self) -> Vec<Reply> {
        self.replies.append(&mut self.open);
        let speech = std::mem::take(&mut self.speech);
        let answer = self.answer.take().unwrap_or(speech);
        if let Some(origin) = &self.origin {
            self.replies.extend(spoken::replies(&answer, origin));
            // Who has posted has answered: a silence afterwards is none by accident.
            if self.posts > 0 && self.replies.is_empty() {
                self.replies.push(Reply::words(origin.clone(), ""));
            }
        }
        std::mem::take(&mut self.replies)
    }

    /// The same of a turn that does not go on: what was cut off says so. Only words are kept;
    /// what it would have done beside them is not done for a turn that was stopped.
    fn cut_off(&mut self) -> Vec<Reply> {
        for open in &mut self.open {
            if let What::Words(text) = &mut open.what {
                text.push_str(limits::CUT_OFF);
            }
        }
        let half = std::mem::take(&mut self.speech);
        let half = match (&self.origin, &self.answer) {
            (Some(origin), None) => spoken::cut_off(&half, origin),
            (None, _) | (_, Some(_)) => Vec::new(),
        };
        let mut said = self.said();
        said.extend(half);
        said.retain(|reply| matches!(reply.what, What::Words(_)));
        said
    }

    /// A failure that may work later is final once tools have acted.
    fn may_be_repeated(&self, end: TurnEnd) -> TurnEnd {
        match end {
            TurnEnd::Failed(failure) if self.tools_started > 0 => {
                TurnEnd::Failed(Failure { retry: Retry::Never, ..failure })
            }
            TurnEnd::Failed(_)
            | TurnEnd::Broke(_)
            | TurnEnd::Stopped
            | TurnEnd::Done
            | TurnEnd::Exit(_) => end,
        }
    }
}

/// The provider has said and done nothing for too long.
fn no_progress() -> Fault {
    Fault::new(Class::Silent, "nothing came from it for too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    fn delta(to: &str, text: &str) -> TurnEvent {
        TurnEvent::Provider(ProviderEvent::Delta { in_reply_to: id(to), text: text.to_owned() })
    }

    fn reply(to: &str, text: &str) -> Reply {
        Reply::words(id(to), text)
    }

    fn said(to: &str, text: &str) -> TurnEvent {
        TurnEvent::Provider(ProviderEvent::Reply(reply(to, text)))
    }

    #[track_caller]
    fn check(events: Vec<TurnEvent>, expected: &Step) {
        let mut state = TurnState::default();
        let mut last = Step::Wait;
        for event in events {
            last = state.on(event);
        }
        assert_eq!(&last, expected);
    }

    #[test]
    fn what_was_said_is_settled_in_order() {
        let end = || TurnEvent::Ended(TurnEnd::Done);
        check(vec![end()], &Step::Settle(TurnEnd::Done, vec![]));
        check(
            vec![said("a", "1"), said("b", "2"), end()],
            &Step::Settle(TurnEnd::Done, vec![reply("a", "1"), reply("b", "2")]),
        );
        check(
            vec![delta("a", "x"), delta("b", "q"), delta("a", "y"), said("a", "z"), end()],
            &Step::Settle(TurnEnd::Done, vec![reply("a", "xyz"), reply("b", "q")]),
        );
    }

    #[test]
    fn the_run_row_is_written_at_the_first_wake_or_after_a_second_and_once() {
        check(vec![TurnEvent::InboundChanged], &Step::WriteRun);
        check(vec![TurnEvent::RunRowDue], &Step::WriteRun);
        // A write that failed is asked for again.
        check(vec![TurnEvent::RunRowDue, TurnEvent::InboundChanged], &Step::WriteRun);
        let mut state = TurnState::default();
        state.run_was_written();
        assert_eq!(state.on(TurnEvent::InboundChanged), Step::Wait);
        assert_eq!(state.on(TurnEvent::RunRowDue), Step::Wait);
    }

    #[test]
    fn a_cancelled_turn_is_released_whatever_was_said() {
        check(vec![said("a", "1"), TurnEvent::Cancelled], &Step::Release);
        check(vec![TurnEvent::Beat], &Step::Beat);
    }

    /// A turn that has started a tool.
    fn with_tool(timeout: Option<u64>) -> TurnState {
        let timeout = timeout.map(Duration::from_secs);
        let tool =
            Tool { id: "t1".to_owned(), name: "build".to_owned(), summary: String::new(), timeout };
        let mut state = TurnState::default();
        let starts = TurnEvent::Provider(ProviderEvent::ToolStarts(tool.clone()));
        assert_eq!(state.on(starts), Step::StartTool(tool.clone()));
        state.tool_was_recorded(tool);
        state
    }

    #[test]
    fn a_stopped_turn_says_what_it_had_said_and_where_it_was_cut_off() {
        let cut = format!("half{}", limits::CUT_OFF);
        let act = Reply {
            what: What::Show(schemas::content::Card::default()),
            ..Reply::words(id("a"), "")
        };
        let act = TurnEvent::Provider(ProviderEvent::Reply(act));
        let stopped = TurnEvent::Ended(TurnEnd::Stopped);
        check(
            vec![said("a", "whole"), act, delta("b", "half"), TurnEvent::Aborted, stopped],
            &Step::Drop(vec![reply("a", "whole"), reply("b", &cut)]),
        );
    }

    fn written(events: Vec<ProviderEvent>, last: TurnEvent) -> Step {
        let mut state = TurnState::begin(Some(id("a")));
        events.into_iter().for_each(|event| drop(state.on(TurnEvent::Provider(event))));
        state.on(last)
    }

    #[test]
    fn what_a_model_writes_goes_to_whom_it_is_for_and_half_of_it_leaks_nothing() {
        let text = |text: &str| ProviderEvent::Text(text.to_owned());
        let to_ops = |text: &str| Reply { to: Some("ops".to_owned()), ..reply("a", text) };
        let words = || vec![text("hm <internal>x</internal><mess"), text("age to='ops'>red")];
        assert_eq!(
            written(words(), TurnEvent::Ended(TurnEnd::Done)),
            Step::Settle(TurnEnd::Done, vec![reply("a", "hm"), to_ops("red")])
        );
        let cut = to_ops(&format!("red{}", limits::CUT_OFF));
        assert_eq!(written(words(), TurnEvent::Forced), Step::Drop(vec![reply("a", "hm"), cut]));
        let whole = ProviderEvent::Final("<internal>only</internal>".to_owned());
        assert_eq!(
            written(vec![text("half"), whole], TurnEvent::Ended(TurnEnd::Done)),
            Step::Settle(TurnEnd::Done, vec![reply("a", "")])
        );
    }

    #[test]
    fn what_is_posted_is_written_at_once_and_a_silence_after_it_is_none_by_accident() {
        let mut state = TurnState::begin(Some(id("a")));
        let what = What::Words("now".to_owned());
        let post = Post { to: Some("ops".to_owned()), what, files: Vec::new() };
        let said = Reply { to: Some("ops".to_owned()), ..reply("a", "now") };
        state.on(TurnEvent::Provider(ProviderEvent::Text("I tell them.".to_owned())));
        let event = TurnEvent::Provider(ProviderEvent::Post(post));
        assert_eq!(state.on(event), Step::Post(said));
        state.was_posted();
        assert_eq!((state.tools_started(), state.run_is_written()), (1, true));
        assert_eq!(
            state.on(TurnEvent::Ended(TurnEnd::Done)),
            Step::Settle(TurnEnd::Done, vec![reply("a", "")])
        );
    }

    #[test]
    fn a_turn_that_started_a_tool_is_neither_given_back_nor_tried_again() {
        let mut state = with_tool(None);
        state.on(TurnEvent::Provider(ProviderEvent::ToolEnded("t1".to_owned())));
        assert_eq!(state.on(TurnEvent::Cancelled), Step::BreakOff(vec![]));
        let failed =
            |retry| TurnEnd::Failed(Failure { code: "x".to_owned(), error: String::new(), retry });
        let silent = Step::Settle(TurnEnd::Broke(no_progress()), vec![]);
        check(vec![TurnEvent::NoProgress], &silent);
        assert_eq!(with_tool(None).on(TurnEvent::NoProgress), silent);
        let over = Step::Settle(failed(Retry::Never), vec![]);
        assert_eq!(with_tool(None).on(TurnEvent::Ended(failed(Retry::Later))), over);
    }

    #[test]
    fn a_declared_timeout_widens_the_patience_up_to_a_bound_while_its_tool_runs() {
        let patience = |declared: u64| {
            let mut state = with_tool(Some(declared));
            let while_it_runs = state.patience();
            state.on(TurnEvent::Provider(ProviderEvent::ToolEnded("t1".to_owned())));
            assert_eq!(state.patience(), limits::NO_PROGRESS);
            while_it_runs
        };
        assert_eq!(patience(1), limits::NO_PROGRESS);
        assert_eq!(patience(3_600), Duration::from_secs(3_600));
        assert_eq!(patience(u64::MAX / 2_000), MAX_TOOL_TIMEOUT);
    }
}
