//! What happens while a provider works: one closed set of events, one answer to each. PURE.
//!
//! Owns the rules of the lazy run row and of what has been said so far. Never settles anything
//! itself: the runner does what the [`Step`] says.

use schemas::ids::MessageId;

use crate::reply::{Reply, TurnEnd, What};

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
    /// The host asks to stop this run.
    Aborted,
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
    /// Touches the heartbeat.
    Beat,
    /// Settles the turn.
    Settle(TurnEnd, Vec<Reply>),
    /// Drops the turn: its rows are cancelled.
    Drop,
    /// Gives the claim back and ends.
    Release,
}

/// A turn as far as it has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnState {
    replies: Vec<Reply>,
    open: Vec<Reply>,
    run_written: bool,
}

impl TurnState {
    /// Takes one event and says what to do.
    pub fn on(&mut self, event: TurnEvent) -> Step {
        match event {
            TurnEvent::Provider(said) => {
                self.take(said);
                Step::Wait
            }
            TurnEvent::Ended(end) => {
                self.replies.append(&mut self.open);
                Step::Settle(end, std::mem::take(&mut self.replies))
            }
            TurnEvent::InboundChanged | TurnEvent::RunRowDue if self.run_written => Step::Wait,
            TurnEvent::InboundChanged | TurnEvent::RunRowDue => Step::WriteRun,
            TurnEvent::Beat => Step::Beat,
            TurnEvent::Aborted => Step::Drop,
            TurnEvent::Cancelled => Step::Release,
        }
    }

    /// The run row stands in the file.
    pub fn run_was_written(&mut self) {
        self.run_written = true;
    }

    /// Whether the run row stands in the file.
    #[must_use]
    pub fn run_is_written(&self) -> bool {
        self.run_written
    }

    fn take(&mut self, said: ProviderEvent) {
        match said {
            ProviderEvent::Delta { in_reply_to, text } => {
                let known = self.open.iter_mut().find(|open| open.in_reply_to == in_reply_to);
                match known.map(|open| &mut open.what) {
                    Some(What::Words(said)) => said.push_str(&text),
                    Some(What::Change(_) | What::Ask(_) | What::Show(_) | What::Act(_)) | None => {
                        self.open.push(Reply::words(in_reply_to, text));
                    }
                }
            }
            ProviderEvent::Reply(mut reply) => {
                let known = self.open.iter().position(|open| open.in_reply_to == reply.in_reply_to);
                if let (None, What::Words(text), Some(at)) = (&reply.to, &mut reply.what, known)
                    && let What::Words(before) = self.open.remove(at).what
                {
                    text.insert_str(0, &before);
                }
                self.replies.push(reply);
            }
        }
    }
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
        check(vec![said("a", "1"), TurnEvent::Aborted], &Step::Drop);
        check(vec![TurnEvent::Beat], &Step::Beat);
    }
}
