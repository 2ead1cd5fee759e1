//! What people do on the scripted platforms of a world.

use std::time::Duration;

use host::{
    channels::{Bounded, Inbound},
    error::Result,
    requests::{Request, Taken},
};

use super::World;

/// Virtual time after which something that should happen will not.
const LONG: Duration = Duration::from_secs(3_600);

impl World {
    /// Somebody says something: `slack C1/t1 alice: @andy hello`. Every row that comes of it is
    /// durable when this returns.
    pub(crate) async fn says_at(&self, line: &str) -> Taken {
        self.brings(self.heard(line)).await.unwrap()
    }

    /// A platform hands a message over.
    pub(crate) async fn brings(&self, message: Inbound) -> Result<Taken> {
        let message = Box::new(Bounded::of(message));
        self.ask(|answer| Request::Inbound(message, answer)).await
    }

    /// A message as its platform hands it over.
    pub(crate) fn heard(&self, line: &str) -> Inbound {
        self.said.heard(line, self.now())
    }

    /// The next post on any scripted platform: `slack C1/t1: You said: hello`.
    pub(crate) async fn next_post(&self) -> String {
        self.said.next_post(LONG).await
    }

    /// The next so many posts, sorted: rooms do not wait for each other.
    pub(crate) async fn next_posts(&self, count: usize) -> Vec<String> {
        self.said.next_posts(count, LONG).await
    }

    /// The next thing that the host itself says on any scripted platform.
    pub(crate) async fn next_word_of_host(&self) -> String {
        self.said.next_of(&self.said.notices, LONG).await
    }

    /// Whether the host itself says something on a scripted platform within this long.
    pub(crate) async fn host_spoke(&self, pause: Duration) -> bool {
        self.passes(pause).await;
        !self.said.notices.lock().unwrap().is_empty()
    }

    /// Nothing is posted on a scripted platform for this long.
    pub(crate) async fn no_post_for(&self, pause: Duration) {
        self.passes(pause).await;
        self.said.expect_no_post();
    }

    /// What was posted was looked at elsewhere.
    pub(crate) fn forget_posts(&self) {
        self.said.posts.lock().unwrap().clear();
    }

    /// The threads that agents follow.
    pub(crate) fn subscribed(&self) -> Vec<String> {
        self.said.subscribed.lock().unwrap().clone()
    }
}
