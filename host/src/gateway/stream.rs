//! `GET /v1/agents/{agent}/stream?thread=&after=&last=`: what happens in an agent's room.
//!
//! Server-sent events, one `RoomEvent` each, its number as the event's id. The subscription comes
//! before the look at history, so nothing falls between the two; what comes by both ways is sent
//! once, by its number. A reader that falls too far behind gets what it missed from history; and
//! where not all of that could be read, nothing later is sent before it.

use std::{collections::VecDeque, convert::Infallible};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use schemas::{
    admin::{RoomEvent, RoomMessage},
    ids::SessionId,
    message::Address,
};
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway,
    extract::{Params, Segments},
    problem::Refused,
};
use crate::{
    error::Result,
    limits,
    requests::{DaemonHandle, Request},
};

/// What may stand behind the `?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    thread: Option<String>,
    /// Send first what was said after this number.
    after: Option<i64>,
    /// Of that, only so many of the newest.
    last: Option<usize>,
}

/// Streams a room's events. The answer's head is sent once nothing can be missed any more.
pub(super) async fn stream(
    State(gateway): State<Gateway>,
    Segments(agent): Segments<String>,
    Params(position): Params<Position>,
) -> std::result::Result<Response, Refused> {
    let daemon = gateway.inner.daemon.clone();
    let ask = |answer| Request::TerminalAddress(agent, position.thread, answer);
    let address = daemon.ask(ask).await?;
    let mut feed = Feed {
        live: gateway.inner.rooms.subscribe(&address),
        shutdown: gateway.inner.shutdown.clone(),
        daemon,
        address,
        missed: VecDeque::new(),
        owed: Owed::Nothing,
        behind: position.after.is_some(),
        sent: Sent { session: None, seq: position.after.unwrap_or(0) },
    };
    if position.after.is_some() {
        feed.look_back().await?;
        if let Some(last) = position.last {
            feed.keep_the_newest(last).await?;
        }
    }
    let events = stream::unfold(feed, async |mut feed| {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(on_the_wire(&event)), feed))
    });
    let alive = KeepAlive::new().interval(limits::STREAM_KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// One reader's way through a room.
struct Feed {
    live: broadcast::Receiver<RoomEvent>,
    shutdown: CancellationToken,
    daemon: DaemonHandle,
    address: Address,
    /// From history, to be sent before what is live.
    missed: VecDeque<RoomMessage>,
    /// What of it is still to be looked up.
    owed: Owed,
    /// Whether the reader waits to be told that it has all it missed.
    behind: bool,
    sent: Sent,
}

/// What of the past a reader has still to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Nothing,
    /// There was more than one answer holds.
    More,
    /// Nothing can be read before the guest writes again, which it does before it says more.
    Unreadable,
}

impl Feed {
    /// The next event; `None` ends the stream, and the reader may come back with its number.
    async fn next(&mut self) -> Option<RoomEvent> {
        loop {
            if let Some(message) = self.missed.pop_front() {
                if self.sent.admits(&message) {
                    return Some(RoomEvent::Message(message));
                }
                continue;
            }
            if self.owed == Owed::More {
                if !self.caught_up().await {
                    return None;
                }
                continue;
            }
            if std::mem::take(&mut self.behind) {
                return Some(RoomEvent::CaughtUp);
            }
            let received = tokio::select! {
                received = self.live.recv() => received,
                () = self.shutdown.cancelled() => return None,
            };
            match received {
                Ok(RoomEvent::Message(message)) if self.owed == Owed::Unreadable => {
                    if !self.caught_up().await {
                        return None;
                    }
                    // Where there is more it comes with that, in its turn.
                    if self.owed != Owed::More {
                        self.missed.push_back(message);
                    }
                }
                Ok(RoomEvent::Message(message)) if !self.sent.admits(&message) => {}
                Ok(event) => return Some(event),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "a reader fell behind");
                    if !self.caught_up().await {
                        return None;
                    }
                }
            }
        }
    }

    /// What was said after the last number that was sent. A reader that named no number and got
    /// nothing yet has none: it gets everything, since too much can be skipped and too little not.
    async fn look_back(&mut self) -> Result<()> {
        let from = self.missed.back().map_or(self.sent.seq, |last| last.seq);
        let ask = |answer| Request::History(self.address.clone(), from, answer);
        let past = self.daemon.ask(ask).await?;
        self.owed = match (past.whole, past.said.is_empty()) {
            (true, _) => Owed::Nothing,
            (false, false) => Owed::More,
            (false, true) => Owed::Unreadable,
        };
        self.missed.extend(past.said);
        Ok(())
    }

    /// The same for one who reads already; without it the stream ends, and the reader comes back.
    async fn caught_up(&mut self) -> bool {
        let looked = self.look_back().await;
        if let Err(error) = &looked {
            tracing::warn!(error = error.chain(), "a reader could not be caught up");
        }
        looked.is_ok()
    }

    /// Of everything that was missed only so much of the newest.
    async fn keep_the_newest(&mut self, last: usize) -> Result<()> {
        loop {
            let surplus = self.missed.len().saturating_sub(last);
            // One stays: the next answer goes on after it.
            self.missed.drain(..surplus.min(self.missed.len().saturating_sub(1)));
            if self.owed != Owed::More {
                self.missed.drain(..self.missed.len().saturating_sub(last));
                return Ok(());
            }
            self.look_back().await?;
        }
    }
}

/// How far a reader has come. Numbers grow within a session; another session counts anew.
#[derive(Debug)]
struct Sent {
    session: Option<SessionId>,
    seq: i64,
}

impl Sent {
    /// Whether the message is new to the reader; if so, it counts as sent.
    fn admits(&mut self, message: &RoomMessage) -> bool {
        let another = self.session.as_ref().is_some_and(|session| *session != message.session_id);
        if !another && message.seq <= self.seq {
            return false;
        }
        if another || self.session.is_none() {
            self.session = Some(message.session_id.clone());
        }
        self.seq = message.seq;
        true
    }
}

fn on_the_wire(event: &RoomEvent) -> Event {
    let line = Event::default();
    let line = match event {
        RoomEvent::Message(message) => line.id(message.seq.to_string()),
        RoomEvent::Typing { .. }
        | RoomEvent::RunTakesLong { .. }
        | RoomEvent::RunFinished { .. }
        | RoomEvent::CaughtUp
        | RoomEvent::Notice { .. } => line,
    };
    // Serialising these types cannot fail: their maps have text keys only.
    line.json_data(event).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use schemas::ids::MessageId;

    use super::*;

    fn message(session: &SessionId, seq: i64) -> RoomMessage {
        RoomMessage {
            session_id: session.clone(),
            message_id: MessageId::parse("m").unwrap(),
            seq,
            in_reply_to: None,
            thread: None,
            text: String::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn a_message_is_sent_once_though_it_comes_from_history_and_live() {
        let session = SessionId::mint(jiff::Timestamp::UNIX_EPOCH);
        let mut sent = Sent { session: None, seq: 3 };
        let admitted = [3, 5, 7, 5, 7, 9].map(|seq| sent.admits(&message(&session, seq)));
        assert_eq!(admitted, [false, true, true, false, false, true]);
    }

    #[test]
    fn the_numbers_of_another_session_count_anew() {
        let old = SessionId::mint(jiff::Timestamp::UNIX_EPOCH);
        let new = SessionId::mint(jiff::Timestamp::UNIX_EPOCH);
        let mut sent = Sent { session: None, seq: 0 };
        assert!(sent.admits(&message(&old, 41)));
        assert!(sent.admits(&message(&new, 1)));
        assert!(!sent.admits(&message(&new, 1)));
    }
}
