//! The channel between agents: a post to another agent becomes a row in a session of its.
//!
//! Owns nothing. It asks the daemon, which knows who may write to whom; a message's id makes
//! posting it twice harmless.

use async_trait::async_trait;
use schemas::{
    admin::RoomEvent,
    content::{self, SystemIn},
    ids::{MessageId, RunId, SessionId},
    message::{Kind, NewInbound, Outcome, PEER_CHANNEL},
    time::SharedClock,
};
use tracing::warn;

use super::{Capabilities, Channel, ChannelError, Post, Posted, Remark, Resolution};
use crate::{
    error::{ErrorKind, HostError},
    limits,
    requests::{DaemonHandle, Request},
    text,
};

/// What agents write to each other through.
pub struct Peers {
    daemon: DaemonHandle,
    clock: SharedClock,
}

const PREFIX: &str = "peer:";

/// The id of the row that a post becomes in the other agent's session: always the same for the
/// same post, and it names the question that an answer to it answers.
#[must_use]
pub fn row_of(post: &Post) -> String {
    let own = RunId::of_message(&post.session, &post.message);
    format!("{PREFIX}{}:{}:{own}", post.session, post.seq)
}

/// The session that wrote a row, and the number of the message there.
#[must_use]
pub fn asked_by(row: &MessageId) -> Option<(SessionId, i64)> {
    let mut parts = row.as_str().strip_prefix(PREFIX)?.split(':');
    Some((SessionId::parse(parts.next()?).ok()?, parts.next()?.parse().ok()?))
}

impl Peers {
    /// Through this daemon.
    #[must_use]
    pub fn new(daemon: DaemonHandle, clock: SharedClock) -> Self {
        Self { daemon, clock }
    }
}

#[async_trait]
impl Channel for Peers {
    fn channel_type(&self) -> &'static str {
        PEER_CHANNEL
    }

    fn threads(&self) -> bool {
        true
    }

    fn resolution(&self) -> Resolution {
        Resolution::Idempotent
    }

    fn capabilities(&self) -> Capabilities {
        // Another agent reads words; what else was done is told in words.
        Capabilities::default()
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let letter = Box::new(post.clone());
        let row = self.daemon.ask(|answer| Request::Peer(letter, answer)).await;
        row.map(|id| Posted { platform_message_id: id.to_string() }).map_err(|e| meaning(&e))
    }

    async fn tell(&self, remark: Remark<'_>) {
        // Nobody watches, and the host's words are for people: the operator's log has them.
        let Remark::OfRun { event, .. } = remark else { return };
        let RoomEvent::RunFinished { message_ids, outcome, reason, .. } = event else { return };
        if *outcome == Outcome::Completed {
            return;
        }
        // Whoever asked waits for an answer that will not come.
        for (message, (asker, seq)) in message_ids.iter().filter_map(|id| Some((id, asked_by(id)?)))
        {
            let why = reason.as_deref().unwrap_or(outcome.as_str());
            let error = text::posts::unanswered(why);
            let Ok(id) = MessageId::parse(&format!("unanswered:{message}")) else { continue };
            let said = content::write(&SystemIn::DeliveryFailed { seq, error });
            let row = Box::new(NewInbound::new(id, Kind::System, self.clock.now(), said));
            if let Err(failure) = self.daemon.ask(|answer| Request::Tell(asker, row, answer)).await
            {
                warn!(error = %failure.chain(), "an agent was not told that it gets no answer");
            }
        }
    }
}

fn meaning(failure: &HostError) -> ChannelError {
    let why = failure.chain();
    match failure.kind {
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Denied
        | ErrorKind::Conflict
        | ErrorKind::TooLarge => ChannelError::Permanent(why),
        // It is that agent's mailbox that is full; others take letters.
        ErrorKind::Busy => ChannelError::RateLimited(limits::channel::PEER_PAUSE),
        ErrorKind::HostDown => ChannelError::Down(why),
        ErrorKind::Storage | ErrorKind::Engine | ErrorKind::Internal => ChannelError::Retry(why),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_row_names_the_session_and_the_number_of_its_question() {
        let asker = SessionId::mint(Timestamp::UNIX_EPOCH);
        let row = MessageId::parse(&format!("peer:{asker}:7:x")).unwrap();
        assert_eq!(asked_by(&row), Some((asker, 7)));
        for strange in ["peer:", "peer:x", "msg-1", "peer:x:y:z", "peer:sess-1:7:x"] {
            assert_eq!(asked_by(&MessageId::parse(strange).unwrap()), None, "{strange}");
        }
    }
}
