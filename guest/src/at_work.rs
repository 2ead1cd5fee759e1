//! An attempt that somebody works on: what its rules ask for is done here.
//!
//! Owns that a tool acts only after it stands in the file that it does, and that what a tool posts
//! stands there before the tool goes on.

use schemas::{guest_side::ToolRow, ids::MessageId};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{Attempt, How},
    limits,
    mailbox::Mailbox,
    posting::{self, Posted},
    provider::Heard,
    reply::{Claim, Reply},
    rows, steps,
    turn::{Step, Tool, TurnEvent, TurnState},
};

/// An attempt that somebody works on.
pub(crate) struct AtWork<'a> {
    mailbox: &'a Mailbox,
    claim: &'a Claim,
    pub(crate) attempt: &'a mut Attempt,
    pub(crate) state: TurnState,
    /// Asks the provider to stop in good order.
    please_stop: CancellationToken,
    /// The control that asks for a stop.
    pub(crate) stop: Option<i64>,
    /// When the provider must have stopped.
    pub(crate) grace: Option<Instant>,
    pub(crate) row_due: Instant,
    progressed: Instant,
    /// Who waits until it stands in the file that a tool acts.
    may_act: Option<oneshot::Sender<()>>,
    /// Who waits until what a tool posts stands there.
    posts: Option<oneshot::Sender<Posted>>,
    /// The highest number that was read.
    pub(crate) read: i64,
}

impl<'a> AtWork<'a> {
    pub(crate) fn new(
        mailbox: &'a Mailbox,
        claim: &'a Claim,
        (attempt, please_stop): (&'a mut Attempt, CancellationToken),
        origin: Option<MessageId>,
    ) -> Self {
        let now = Instant::now();
        Self {
            mailbox,
            claim,
            attempt,
            state: TurnState::begin(origin),
            please_stop,
            stop: None,
            grace: None,
            row_due: now + limits::RUN_ROW_AFTER,
            progressed: now,
            may_act: None,
            posts: None,
            read: 0,
        }
    }

    /// Whether a stop is asked for that nobody passed on.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.stop.is_some() && self.grace.is_none()
    }

    pub(crate) fn grace(&self) -> Instant {
        self.grace.unwrap_or(self.progressed)
    }

    pub(crate) fn patience(&self) -> Instant {
        self.progressed + self.state.patience()
    }

    pub(crate) fn woken(&mut self, stop: Option<i64>) -> TurnEvent {
        let again = stop.is_some() && self.stop.is_some();
        self.stop = stop.or(self.stop);
        if again { TurnEvent::Forced } else { TurnEvent::InboundChanged }
    }

    pub(crate) fn hears(&mut self, said: Heard) -> TurnEvent {
        self.progressed = Instant::now();
        (self.may_act, self.posts) = (said.written, said.posted);
        TurnEvent::Provider(said.event)
    }

    /// What was said before the end and not taken yet. Who posts waits for it; now nobody does.
    pub(crate) fn hears_late(&mut self, said: Heard) {
        if said.posted.is_none() {
            drop(self.on(TurnEvent::Provider(said.event)));
        }
    }

    pub(crate) fn on(&mut self, event: TurnEvent) -> Step {
        let step = self.state.on(event);
        self.attempt.used = self.state.used();
        self.attempt.native = self.state.native().cloned();
        step
    }

    /// Does what the rules say; answers how the attempt came out, once it has.
    pub(crate) fn carry_out(&mut self, step: Step) -> Option<How> {
        match step {
            Step::Wait => {}
            Step::Interrupt => {
                self.grace = Some(Instant::now() + limits::INTERRUPT_GRACE);
                self.please_stop.cancel();
            }
            Step::Beat => self.mailbox.beat(),
            Step::WriteRun => self.write_run(),
            Step::StartTool(tool) => self.let_act(tool),
            Step::Post(reply) => self.post(reply),
            Step::EndTool => end_tool(self.mailbox),
            Step::Settle(end, replies) => return Some(How::Ended(end, replies)),
            Step::Drop(said) => return Some(How::Drop(self.stop.unwrap_or_default(), said)),
            Step::BreakOff(said) => return Some(How::BreakOff(said)),
            Step::Release => return Some(How::Release),
        }
        None
    }

    /// The run's row and its attempt.
    fn write_run(&mut self) {
        self.row_due = Instant::now() + limits::RUN_ROW_AFTER;
        let written = self.mailbox.commit(|tx| {
            tx.put_run(&rows::run(self.claim, None))?;
            tx.put_attempt(&rows::attempt(self.claim, self.attempt, None, None))
        });
        match written {
            Ok(()) => {
                self.state.run_was_written();
                self.mailbox.steps.reached(steps::Step::RunWritten);
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "cannot write the run's row yet");
            }
        }
    }

    /// Writes what a tool posts, with the word that the run has acted. A disk that refuses is told to
    /// the tool by silence.
    fn post(&mut self, reply: Reply) {
        let posts = self.posts.take();
        let tools_started = self.attempt.tools_started.max(1);
        let acting = Attempt { tools_started, ..self.attempt.clone() };
        let put = posting::put(self.mailbox, self.claim, &acting, (reply, self.read));
        if let Some((posted, sent)) = put {
            *self.attempt = acting;
            self.attempt.sent.extend(sent);
            self.state.was_posted();
            answer(posts, posted);
        }
    }

    /// Writes down that a tool acts, and only then lets it. A disk that refuses keeps it from
    /// acting.
    fn let_act(&mut self, tool: Tool) {
        let may_act = self.may_act.take();
        let acting =
            Attempt { tools_started: self.attempt.tools_started + 1, ..self.attempt.clone() };
        let now = self.mailbox.now();
        let row = ToolRow { name: tool.name.clone(), timeout: tool.timeout, started_at: now };
        let recorded = self.mailbox.commit(|tx| {
            tx.put_run(&rows::run(self.claim, None))?;
            tx.put_attempt(&rows::attempt(self.claim, &acting, None, None))?;
            tx.put_tool(Some(&row), now)
        });
        match recorded {
            Ok(()) => {
                *self.attempt = acting;
                self.attempt.done.push(tool.summary.clone());
                self.state.tool_was_recorded(tool);
                self.mailbox.steps.reached(steps::Step::ToolRecorded);
                answer(may_act, ());
            }
            Err(error) => {
                let error = error.chain();
                tracing::error!(error, "a tool may not act: it cannot be written down");
            }
        }
    }
}

/// Whoever waits may be gone with its turn.
fn answer<T>(waits: Option<oneshot::Sender<T>>, with: T) {
    let _gone = waits.is_some_and(|waits| waits.send(with).is_err());
}

/// What stands there in vain is cleared with the turn's end at the latest.
fn end_tool(mailbox: &Mailbox) {
    let now = mailbox.now();
    if let Err(error) = mailbox.commit(|tx| tx.put_tool(None, now)) {
        tracing::warn!(error = error.chain(), "cannot write that a tool has ended");
    }
}
