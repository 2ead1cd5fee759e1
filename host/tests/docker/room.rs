//! A person in an agent's room: says things, hears answers, and checks the books at the end.
//!
//! Owns one live stream and what was heard on it. A person whose host goes away comes back with
//! the last number they heard, as the terminal does.

use std::{collections::BTreeMap, time::Duration};

use host::{
    client::{EventStream, Since},
    error::ErrorKind,
};
use schemas::{
    admin::{Accepted, RoomEvent, RoomMessage, SendMessage},
    ids::{MessageId, SessionId},
    message::Outcome,
};
use tokio::time::{Instant, timeout};

use crate::{
    host_process::HostProcess,
    waiting::{PATIENCE, eventually},
};

/// One person in one room.
pub(crate) struct Room {
    agent: String,
    stream: EventStream,
    heard: i64,
}

impl Room {
    /// Enters a room before anything is said.
    pub(crate) async fn enter(host: &HostProcess, agent: &str) -> Self {
        let stream = host.client().await.stream(agent, &Since::default()).await.unwrap();
        Self { agent: agent.to_owned(), stream, heard: 0 }
    }

    /// Comes back after the host was away, and hears first what was missed.
    pub(crate) async fn come_back(&mut self, host: &HostProcess) {
        let from = Since { after: Some(self.heard), ..Since::default() };
        self.stream = host.client().await.stream(&self.agent, &from).await.unwrap();
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> RoomMessage {
        let begun = Instant::now();
        loop {
            let event = self.event().await.expect("the host went away");
            if let RoomEvent::Message(message) = event {
                self.heard = message.seq;
                return message;
            }
            assert!(begun.elapsed() < PATIENCE, "no answer in the room of {}", self.agent);
        }
    }

    /// The next word of the host's own.
    pub(crate) async fn notice(&mut self) -> String {
        loop {
            match self.event().await.expect("the host went away") {
                RoomEvent::Notice { text, .. } => return text,
                RoomEvent::Message(message) => self.heard = message.seq,
                RoomEvent::Typing { .. }
                | RoomEvent::RunTakesLong { .. }
                | RoomEvent::RunFinished { .. }
                | RoomEvent::CaughtUp => {}
            }
        }
    }

    /// Waits until the agent is seen at work.
    pub(crate) async fn until_working(&mut self) {
        while !matches!(self.event().await, Some(RoomEvent::Typing { on: true, .. })) {}
    }

    /// Says something and hears the answer to it.
    pub(crate) async fn ask(&mut self, host: &HostProcess, text: &str) -> String {
        let accepted = say(host, &self.agent, text).await;
        let answer = self.answer().await;
        assert_eq!(answer.in_reply_to.as_ref(), Some(&accepted.message_id), "{}", answer.text);
        answer.text
    }

    /// How long each of `count` questions took.
    pub(crate) async fn latencies(&mut self, host: &HostProcess, count: usize) -> Vec<Duration> {
        let mut took = Vec::with_capacity(count);
        for n in 0..count {
            let begun = Instant::now();
            assert_eq!(self.ask(host, &format!("tick {n}")).await, format!("You said: tick {n}"));
            took.push(begun.elapsed());
        }
        took
    }

    async fn event(&mut self) -> Option<RoomEvent> {
        let next = timeout(PATIENCE, self.stream.next()).await;
        match next.unwrap_or_else(|_| panic!("nothing is heard in the room of {}", self.agent)) {
            Ok(event) => event,
            Err(error) if error.kind == ErrorKind::HostDown => None,
            Err(error) => panic!("{}", error.chain()),
        }
    }
}

/// Says something to an agent.
pub(crate) async fn say(host: &HostProcess, agent: &str, text: &str) -> Accepted {
    let message = SendMessage { text: text.to_owned(), ..SendMessage::default() };
    host.client().await.send(agent, &message).await.unwrap()
}

/// Everything that an agent ever said in its room, read anew.
pub(crate) async fn history(host: &HostProcess, agent: &str) -> Vec<RoomMessage> {
    let from = Since { after: Some(0), ..Since::default() };
    let mut stream = host.client().await.stream(agent, &from).await.unwrap();
    let mut said = Vec::new();
    while let Some(event) = timeout(PATIENCE, stream.next()).await.unwrap().unwrap() {
        match event {
            RoomEvent::Message(message) => said.push(message),
            RoomEvent::CaughtUp => return said,
            RoomEvent::Typing { .. }
            | RoomEvent::RunTakesLong { .. }
            | RoomEvent::RunFinished { .. }
            | RoomEvent::Notice { .. } => {}
        }
    }
    panic!("the host ended before it had said all")
}

/// Waits until each of these messages has its one settled, completed run.
pub(crate) async fn each_has_one_settled_run(
    host: &HostProcess,
    session: &SessionId,
    messages: &[MessageId],
) {
    let broken = each_is_answered_once(host, session, messages).await;
    assert!(broken.is_empty(), "nothing broke off: {broken:?}");
}

/// The same where runs may have broken off; answers how those ended.
pub(crate) async fn each_is_answered_once(
    host: &HostProcess,
    session: &SessionId,
    messages: &[MessageId],
) -> Vec<Option<Outcome>> {
    let what = format!("every one of {} messages has a settled run", messages.len());
    let counts = eventually(&what, async || {
        let mut counts: BTreeMap<&MessageId, usize> = messages.iter().map(|id| (id, 0)).collect();
        let runs = host.runs(session).await;
        for run in runs.iter().filter(|run| run.outcome == Some(Outcome::Completed)) {
            for id in &run.message_ids {
                // Others may have been said in the same room before.
                if let Some(count) = counts.get_mut(id) {
                    *count += 1;
                }
            }
        }
        counts.values().all(|count| *count > 0).then_some(counts)
    })
    .await;
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    let ends = host.runs(session).await.into_iter().map(|run| run.outcome);
    ends.filter(|end| *end != Some(Outcome::Completed)).collect()
}

/// The value that 99 of a hundred do not pass.
pub(crate) fn p99(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[(of.len() * 99).div_ceil(100) - 1]
}

/// Prints how a disturbed neighbour compares with a quiet one.
#[expect(clippy::print_stderr, reason = "a figure for people; nothing is asserted about it")]
pub(crate) fn print_ratio(what: &str, quiet: Duration, disturbed: Duration) {
    let ratio = disturbed.as_secs_f64() / quiet.as_secs_f64();
    eprintln!("{what}: p99 {disturbed:?}, quiet {quiet:?}, ratio {ratio:.2}");
}
