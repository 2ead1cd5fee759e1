//! What people do in a world: they say things, and hear what comes back.

use std::time::Duration;

use host::{
    draft::Draft,
    error::Result,
    requests::Request,
    sessions::lifecycle::State,
    text::turns::{Waits, still_there},
};
use schemas::{
    admin::{Accepted, RoomEvent, RoomMessage, SendMessage},
    message::Address,
};

use super::{World, address};

/// Virtual time after which something that should happen will not.
const LONG: Duration = Duration::from_secs(3_600);

impl World {
    /// Hears from now on what is said at an address.
    pub(crate) fn listen(&mut self, address: &Address) {
        let terminal = &self.terminal;
        self.ears.entry(address.clone()).or_insert_with(|| terminal.subscribe(address));
    }

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

    /// Said hello, heard the answer, and its guest is gone: nobody writes in its folder.
    pub(crate) async fn has_been_here(&mut self) -> Accepted {
        let sent = self.says("andy", "hello").await;
        self.next_reply("andy").await;
        self.guest_is_gone().await;
        sent
    }

    /// The one guest dies, and nothing is left to be done.
    pub(crate) async fn guest_is_gone(&self) {
        self.yard.kill_the_one().await;
        self.until_state("andy", "asleep").await;
    }

    /// Is answered with a post that the platform took and says nothing about.
    pub(crate) async fn posts_into_nothing(&mut self, agent: &str, text: &str) -> Accepted {
        self.platform.hangs();
        let sent = self.says(agent, text).await;
        self.passes(Duration::from_secs(5)).await;
        sent
    }

    pub(crate) async fn send(&mut self, agent: &str, message: SendMessage) -> Result<Accepted> {
        self.listen(&address(agent, message.thread.as_deref()));
        let agent = agent.to_owned();
        let draft = Draft::of(message)?;
        self.ask(|answer| Request::Send(agent, Box::new(draft), answer)).await
    }

    /// From now on nobody reads what is said in any room.
    pub(crate) fn stops_listening(&mut self) {
        self.ears.clear();
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

    /// The next thing that the host itself says in an agent's room, but that it is still there.
    pub(crate) async fn next_notice(&mut self, agent: &str) -> String {
        loop {
            let said = self.next_word_of_the_host(agent).await;
            if !is_a_sign(&said) {
                return said;
            }
        }
    }

    /// The next thing that the host itself says, whatever it is.
    pub(crate) async fn next_word_of_the_host(&mut self, agent: &str) -> String {
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

    /// What happened in an agent's room and nobody listened to yet.
    pub(crate) fn overheard(&mut self, agent: &str) -> Vec<RoomEvent> {
        let ear = self.ears.get_mut(&address(agent, None)).expect("nobody spoke here yet");
        std::iter::from_fn(|| ear.try_recv().ok()).collect()
    }

    /// Nothing is said in an agent's room for this long.
    pub(crate) async fn expect_silence(&mut self, agent: &str, pause: Duration) {
        let until = tokio::time::Instant::now() + pause;
        let ear = self.ears.get_mut(&address(agent, None)).expect("nobody spoke here yet");
        while let Ok(event) = tokio::time::timeout_at(until, ear.recv()).await {
            assert!(!matches!(event, Ok(RoomEvent::Message(_))), "expected silence: {event:?}");
        }
    }
}

const WAITS: [Waits; 4] =
    [Waits::ForItsAnswer, Waits::ForItsNextTry, Waits::ForItsTurn, Waits::ForItsEnd];

/// Whether it only says that nothing is lost.
fn is_a_sign(said: &str) -> bool {
    let states = [State::Awake, State::Starting, State::Backoff, State::Failed].into_iter();
    states.flat_map(|state| WAITS.map(|waits| still_there(state, waits))).any(|sign| sign == said)
}
