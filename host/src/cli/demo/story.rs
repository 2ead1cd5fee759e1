//! One message after another, each step told with its time.

use std::time::Duration;

use schemas::{
    admin::{RoomEvent, RoomMessage, SendMessage},
    ids::{MessageId, fresh_ulid},
    message::Outcome,
    time::{Clock, SystemClock},
};
use tokio::time::{Instant, timeout};

use super::{AGENT, probe};
use crate::{
    cli::{attach, out::Out},
    client::{Client, EventStream, Since},
    error::{ErrorKind, HostError, Result},
    limits, text,
};

/// Told as it happens.
pub(super) struct Story {
    client: Client,
    stream: EventStream,
    out: Out,
}

/// How a message's way ended.
pub(super) enum Told {
    /// With a reply, after this time.
    Replied(Duration),
    /// Without one, and why.
    Ended(String),
}

/// A message with nothing but words.
pub(super) fn message(words: &str) -> SendMessage {
    SendMessage {
        text: words.to_owned(),
        client_id: Some(fresh_ulid(SystemClock.now())),
        ..SendMessage::default()
    }
}

/// The one with a file.
pub(super) fn first_message() -> SendMessage {
    let note = attach::from_bytes(Some("note.txt".to_owned()), text::demo::NOTE.as_bytes());
    SendMessage { attachments: vec![note], ..message(text::demo::HELLO) }
}

impl Story {
    /// Listens before anything is said.
    pub(super) async fn begin(client: Client, out: Out) -> Result<Self> {
        let stream = client.stream(AGENT, &Since::default()).await?;
        Ok(Self { client, stream, out })
    }

    /// Sends, and tells every step until the run has ended.
    pub(super) async fn tell(&mut self, message: SendMessage) -> Result<Told> {
        let told = timeout(limits::DEMO_MESSAGE, self.follow(message)).await;
        told.unwrap_or_else(|_| Ok(Told::Ended("no reply came in time".to_owned())))
    }

    /// Asks the agent what it can see of the world.
    pub(super) async fn probe(&mut self) -> Result<Told> {
        let asked = async {
            let sent = Instant::now();
            let ours = self.client.send(AGENT, &message("!probe")).await?.message_id;
            self.until_end(&ours, sent, &mut |out, event, _| {
                if let RoomEvent::Message(reply) = event {
                    indented(out, &probe::lines(&reply.text));
                }
            })
            .await
        };
        let told = timeout(limits::DEMO_MESSAGE, asked).await;
        told.unwrap_or_else(|_| Ok(Told::Ended("no reply came in time".to_owned())))
    }

    async fn follow(&mut self, message: SendMessage) -> Result<Told> {
        let sent = Instant::now();
        step(self.out, Duration::ZERO, text::demo::SENT);
        let accepted = self.client.send(AGENT, &message).await?;
        let row = accepted.seq.map(|seq| format!(" as row {seq}")).unwrap_or_default();
        let durable = format!("accepted: on the disk, in inbound.db{row}");
        step(self.out, sent.elapsed(), &durable);
        for refused in &accepted.refused_attachments {
            self.out.line(format!("    (a file did not arrive: {refused})"));
        }
        let mut working = false;
        self.until_end(&accepted.message_id, sent, &mut |out, event, at| match event {
            RoomEvent::Typing { on: true, .. } => {
                if !std::mem::replace(&mut working, true) {
                    step(out, at, text::demo::AWAKE);
                }
            }
            RoomEvent::Message(reply) => {
                step(out, at, text::demo::DELIVERED);
                indented(out, &reply.text.lines().collect::<Vec<_>>());
            }
            RoomEvent::RunFinished { outcome, .. } => {
                step(out, at, &format!("run settled: {}", outcome.as_str()));
            }
            RoomEvent::Notice { text, .. } => step(out, at, &format!("the host says: {text}")),
            RoomEvent::Typing { on: false, .. }
            | RoomEvent::RunTakesLong { .. }
            | RoomEvent::CaughtUp => {}
        })
        .await
    }

    /// Hands every event to `tell` with its time, until the run of our message has ended.
    async fn until_end(
        &mut self,
        ours: &MessageId,
        sent: Instant,
        tell: &mut impl FnMut(Out, &RoomEvent, Duration),
    ) -> Result<Told> {
        let mut replied = None;
        while let Some(event) = self.stream.next().await? {
            let at = sent.elapsed();
            tell(self.out, &event, at);
            match event {
                RoomEvent::Message(RoomMessage { .. }) => {
                    replied.get_or_insert(at);
                }
                RoomEvent::RunFinished { message_ids, outcome, reason, .. }
                    if message_ids.contains(ours) =>
                {
                    return Ok(match (outcome, replied) {
                        (Outcome::Completed, Some(at)) => Told::Replied(at),
                        (Outcome::Completed, None) => Told::Ended("no reply came".to_owned()),
                        (Outcome::Failed | Outcome::Cancelled | Outcome::Interrupted, _) => {
                            Told::Ended(text::run_ended(outcome, reason.as_deref()))
                        }
                    });
                }
                RoomEvent::RunFinished { .. }
                | RoomEvent::RunTakesLong { .. }
                | RoomEvent::Typing { .. }
                | RoomEvent::CaughtUp
                | RoomEvent::Notice { .. } => {}
            }
        }
        Err(HostError::new(ErrorKind::HostDown, "the host ended in the middle"))
    }
}

fn step(out: Out, at: Duration, what: &str) {
    out.line(format!("  {:>9.2} ms  {what}", at.as_secs_f64() * 1000.0));
}

fn indented(out: Out, lines: &[impl std::fmt::Display]) {
    for line in lines {
        out.line(format!("              | {line}"));
    }
}
