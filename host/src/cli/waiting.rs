//! What `send --wait` makes of a room's events. PURE.
//!
//! A room may be busy: other people's replies pass by. A reply is ours when it answers our
//! message. Where none does, what was said to the batch that ours was worked on with is; which
//! batch that was is known only at its end, so replies to others are held until then.

use std::collections::VecDeque;

use schemas::{
    admin::{Accepted, RoomEvent, RoomMessage, RunInfo},
    ids::{MessageId, SessionId},
    message::Outcome,
};

use crate::{limits, text::turns};

/// How the wait for one message stands.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    ours: Option<(SessionId, MessageId)>,
    held: VecDeque<RoomMessage>,
    /// A reply to our message came: those to others are theirs.
    answered: bool,
    /// A command is over once the host has said what came of it: no run begins.
    command: bool,
    /// The highest number that need not be seen again.
    cursor: Option<i64>,
    /// What the ledger said: the batch and its end.
    settled: Option<(Vec<MessageId>, Ended)>,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
}

/// What an event means to the one who waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A reply to show.
    Reply(RoomMessage),
    /// Something that the host says.
    Notice(String),
    /// The end.
    Ended(Ended),
}

impl Waiting {
    /// The host took the message.
    pub(super) fn accepted(&mut self, accepted: &Accepted) {
        self.ours = Some((accepted.session_id.clone(), accepted.message_id.clone()));
        self.command = accepted.seq.is_none() && !accepted.replayed;
        // Replies have higher numbers than what they answer.
        if self.cursor.is_none() {
            self.cursor = accepted.seq;
        }
    }

    /// From where a new stream must begin, once there was one before.
    pub(super) fn cursor(&self) -> i64 {
        self.cursor.unwrap_or(0)
    }

    /// The host's ledger, looked at after it was away. If the run is settled, it will not be
    /// announced again: the end is where the stream has caught up.
    pub(super) fn ledger(&mut self, runs: &[RunInfo]) -> bool {
        let Some((_, ours)) = &self.ours else { return false };
        let settled = runs
            .iter()
            .filter(|run| run.message_ids.contains(ours))
            .find_map(|run| run.outcome.map(|outcome| (run, outcome)));
        let Some((run, outcome)) = settled else { return false };
        let ended = Ended { outcome, reason: run.reason.clone() };
        self.settled = Some((run.message_ids.clone(), ended));
        true
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: RoomEvent) -> Vec<Step> {
        match event {
            RoomEvent::Message(message) => {
                self.message(message).map(Step::Reply).into_iter().collect()
            }
            RoomEvent::RunTakesLong { message_ids, minutes, .. } => {
                let ours = self.ours.as_ref().filter(|(_, ours)| message_ids.contains(ours));
                ours.map(|_| Step::Notice(turns::takes_long(minutes))).into_iter().collect()
            }
            RoomEvent::RunFinished { message_ids, outcome, reason, .. } => {
                if !self.ours.as_ref().is_some_and(|(_, ours)| message_ids.contains(ours)) {
                    return Vec::new();
                }
                self.end(&message_ids, Ended { outcome, reason })
            }
            RoomEvent::CaughtUp => match self.settled.take() {
                Some((batch, ended)) => self.end(&batch, ended),
                None => Vec::new(),
            },
            RoomEvent::Notice { session_id, text } => {
                let ours = self.ours.as_ref().map(|(session, _)| session);
                let ours = session_id.is_some() && ours == session_id.as_ref();
                let done = Ended { outcome: Outcome::Completed, reason: None };
                let end = self.command.then_some(Step::Ended(done));
                if ours {
                    std::iter::once(Step::Notice(text)).chain(end).collect()
                } else {
                    Vec::new()
                }
            }
            RoomEvent::Typing { .. } => Vec::new(),
        }
    }

    fn message(&mut self, message: RoomMessage) -> Option<RoomMessage> {
        self.cursor = Some(self.cursor.unwrap_or(0).max(message.seq));
        match &self.ours {
            Some((_, ours)) if message.in_reply_to.as_ref() == Some(ours) => {
                self.answered = true;
                Some(message)
            }
            Some(_) | None => {
                if self.held.len() == limits::HELD_REPLIES {
                    self.held.pop_front();
                }
                self.held.push_back(message);
                None
            }
        }
    }

    fn end(&mut self, batch: &[MessageId], ended: Ended) -> Vec<Step> {
        let held = std::mem::take(&mut self.held);
        let to_all = |message: &RoomMessage| !self.answered && answers(message, batch);
        held.into_iter().filter(to_all).map(Step::Reply).chain([Step::Ended(ended)]).collect()
    }
}

fn answers(message: &RoomMessage, batch: &[MessageId]) -> bool {
    message.in_reply_to.as_ref().is_some_and(|answered| batch.contains(answered))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::ids::RunId;

    use super::*;

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    fn session() -> SessionId {
        SessionId::parse("sess-01h00000000000000000000000").unwrap()
    }

    fn waiting_for(message: &str) -> Waiting {
        let mut waiting = Waiting::default();
        waiting.accepted(&Accepted {
            message_id: id(message),
            session_id: session(),
            seq: Some(4),
            replayed: false,
            refused_attachments: Vec::new(),
        });
        waiting
    }

    fn reply(seq: i64, to: &str) -> RoomMessage {
        RoomMessage {
            session_id: session(),
            message_id: id(&format!("out-{seq}")),
            seq,
            in_reply_to: Some(id(to)),
            thread: None,
            text: format!("{seq} to {to}"),
            files: Vec::new(),
        }
    }

    fn finished(messages: &[&str]) -> RoomEvent {
        RoomEvent::RunFinished {
            session_id: session(),
            run_id: RunId::mint(Timestamp::UNIX_EPOCH),
            message_ids: messages.iter().map(|message| id(message)).collect(),
            outcome: Outcome::Completed,
            reason: None,
        }
    }

    fn ended() -> Step {
        Step::Ended(Ended { outcome: Outcome::Completed, reason: None })
    }

    #[test]
    fn only_what_answers_our_message_is_ours() {
        let mut waiting = waiting_for("b");
        assert!(waiting.take(RoomEvent::Message(reply(5, "a"))).is_empty());
        assert!(waiting.take(finished(&["a"])).is_empty());
        let ours = reply(7, "b");
        assert_eq!(waiting.take(RoomEvent::Message(ours.clone())), [Step::Reply(ours)]);
        assert_eq!(waiting.take(finished(&["b"])), [ended()]);
    }

    #[test]
    fn a_command_is_over_once_the_host_has_said_what_came_of_it() {
        let mut waiting = Waiting::default();
        waiting.accepted(&Accepted {
            message_id: id("b"),
            session_id: session(),
            seq: None,
            replayed: false,
            refused_attachments: Vec::new(),
        });
        let said =
            RoomEvent::Notice { session_id: Some(session()), text: "nothing waits".to_owned() };
        let steps = waiting.take(said);
        assert_eq!(steps, [Step::Notice("nothing waits".to_owned()), ended()]);
    }

    #[test]
    fn what_is_said_to_the_whole_batch_is_ours_unless_we_had_a_reply_of_our_own() {
        let mut waiting = waiting_for("b");
        let to_all = reply(7, "c");
        assert!(waiting.take(RoomEvent::Message(to_all.clone())).is_empty());
        let steps = waiting.take(finished(&["b", "c"]));
        assert_eq!(steps, [Step::Reply(to_all.clone()), ended()]);

        let mut waiting = waiting_for("b");
        assert!(waiting.take(RoomEvent::Message(to_all)).is_empty());
        let ours = reply(9, "b");
        assert_eq!(waiting.take(RoomEvent::Message(ours.clone())), [Step::Reply(ours)]);
        assert_eq!(waiting.take(finished(&["b", "c"])), [ended()]);
    }

    #[test]
    fn after_a_break_the_ledgers_outcome_counts_once_all_that_was_missed_is_there() {
        let mut waiting = waiting_for("b");
        assert_eq!(waiting.cursor(), 4);
        let run = RunInfo {
            used: None,
            run_id: RunId::mint(Timestamp::UNIX_EPOCH),
            session_id: session(),
            message_ids: vec![id("b"), id("c")],
            outcome: None,
            reason: None,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
        };
        assert!(!waiting.ledger(std::slice::from_ref(&run)));
        assert!(waiting.take(RoomEvent::CaughtUp).is_empty());
        assert!(waiting.ledger(&[RunInfo { outcome: Some(Outcome::Completed), ..run }]));
        let (missed, of_others) = (reply(7, "b"), reply(9, "c"));
        assert_eq!(waiting.take(RoomEvent::Message(missed.clone())), [Step::Reply(missed)]);
        assert!(waiting.take(RoomEvent::Message(of_others)).is_empty());
        assert_eq!(waiting.take(RoomEvent::CaughtUp), [ended()]);
        assert_eq!(waiting.cursor(), 9);
    }
}
