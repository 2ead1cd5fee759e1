//! What people do in a world: they say things, and hear what comes back.

use std::{collections::BTreeSet, time::Duration};

use host::{draft::Draft, error::Result, requests::Request};
use schemas::admin::{Accepted, RoomEvent, RoomMessage, SendMessage};

use super::{World, address};
use crate::simulation::is_about_an_action;

/// Virtual time after which something that should happen will not.
const LONG: Duration = Duration::from_secs(3_600);

impl World {
    /// Says something in an agent's room; it is durable when this returns.
    pub(crate) async fn says(&mut self, agent: &str, text: &str) -> Accepted {
        self.send(agent, SendMessage { text: text.to_owned(), ..SendMessage::default() })
            .await
            .unwrap()
    }

    /// Says something in a thread of an agent's room.
    pub(crate) async fn says_in(&mut self, agent: &str, thread: &str, text: &str) -> Accepted {
        let (text, thread) = (text.to_owned(), Some(thread.to_owned()));
        self.send(agent, SendMessage { text, thread, ..SendMessage::default() }).await.unwrap()
    }

    pub(crate) async fn send(&mut self, agent: &str, message: SendMessage) -> Result<Accepted> {
        self.listen(&address(agent, message.thread.as_deref()));
        let agent = agent.to_owned();
        let draft = Draft::of(message)?;
        self.ask(|answer| Request::Send(agent, Box::new(draft), answer)).await
    }

    /// The text of the next reply in an agent's room.
    pub(crate) async fn next_reply(&mut self, agent: &str) -> String {
        self.next_message(agent, None).await.text
    }

    pub(crate) async fn next_reply_in(&mut self, agent: &str, thread: &str) -> String {
        self.next_message(agent, Some(thread)).await.text
    }

    /// The next thing the agent says in its room.
    pub(crate) async fn next_message(&mut self, agent: &str, thread: Option<&str>) -> RoomMessage {
        loop {
            if let RoomEvent::Message(said) = self.next_event(agent, thread).await {
                return said;
            }
        }
    }

    /// The next run of the room that ended.
    pub(crate) async fn next_outcome(&mut self, agent: &str) -> RoomEvent {
        self.next_outcome_in(agent, None).await
    }

    pub(crate) async fn next_outcome_in(&mut self, agent: &str, thread: Option<&str>) -> RoomEvent {
        loop {
            let event = self.next_event(agent, thread).await;
            if matches!(event, RoomEvent::RunFinished { .. }) {
                return event;
            }
        }
    }

    /// The next thing that the host itself says in an agent's room.
    pub(crate) async fn next_notice(&mut self, agent: &str) -> String {
        loop {
            if let RoomEvent::Notice { text, .. } = self.next_event(agent, None).await {
                return text;
            }
        }
    }

    pub(crate) async fn next_event(&mut self, agent: &str, thread: Option<&str>) -> RoomEvent {
        let address = address(agent, thread);
        let ear = self.ears.get_mut(&address).expect("nobody spoke in this room yet");
        tokio::time::timeout(LONG, ear.recv())
            .await
            .unwrap_or_else(|_| panic!("nothing happened in {agent}'s room for an hour"))
            .unwrap()
    }

    /// Nothing is said in an agent's room for this long.
    pub(crate) async fn expect_silence(&mut self, agent: &str, pause: Duration) {
        let until = tokio::time::Instant::now() + pause;
        let ear = self.ears.get_mut(&address(agent, None)).expect("nobody spoke here yet");
        while let Ok(event) = tokio::time::timeout_at(until, ear.recv()).await {
            assert!(!matches!(event, Ok(RoomEvent::Message(_))), "expected silence: {event:?}");
        }
    }

    /// Nothing is said in a thread for this long but what is known already.
    pub(crate) async fn expect_nothing_new(
        &mut self,
        agent: &str,
        thread: &str,
        known: &BTreeSet<(i64, String)>,
        pause: Duration,
    ) {
        let until = tokio::time::Instant::now() + pause;
        let ear = self.ears.get_mut(&address(agent, Some(thread))).expect("nobody spoke here yet");
        while let Ok(event) = tokio::time::timeout_at(until, ear.recv()).await {
            if let Ok(RoomEvent::Message(said)) = event {
                let id = (said.seq, said.message_id.to_string());
                let fine = known.contains(&id) || is_about_an_action(&said);
                assert!(fine, "answered twice: {said:?}");
            }
        }
    }
}
