//! The platform: the real terminal channel, with a door that can be shut.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use host::channels::{
    Capabilities, Channel, ChannelError, Post, Posted, Resolution, terminal::Terminal,
};
use schemas::{admin::RoomEvent, ids::SessionId, message::Address};
use tokio::sync::Notify;

pub(crate) struct Platform {
    terminal: Arc<Terminal>,
    failures: Mutex<VecDeque<ChannelError>>,
    resolution: Mutex<Resolution>,
    hangs: Mutex<Option<Arc<Notify>>>,
    waiting: Mutex<Vec<Arc<Notify>>>,
}

impl Platform {
    pub(crate) fn new(terminal: Arc<Terminal>) -> Self {
        Self {
            terminal,
            failures: Mutex::default(),
            resolution: Mutex::new(Resolution::Idempotent),
            hangs: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// The next posts fail, one after the other.
    pub(crate) fn fails(&self, errors: impl IntoIterator<Item = ChannelError>) {
        self.failures.lock().unwrap().extend(errors);
    }

    /// From now on nobody can tell whether a post arrived.
    pub(crate) fn cannot_be_asked(&self) {
        *self.resolution.lock().unwrap() = Resolution::Unknown;
    }

    /// Posts wait.
    pub(crate) fn hangs(&self) {
        self.hangs.lock().unwrap().get_or_insert_default();
    }

    /// Posts that come from now on go through; those that hang go on hanging.
    pub(crate) fn lets_new_posts_through(&self) {
        self.waiting.lock().unwrap().extend(self.hangs.lock().unwrap().take());
    }

    /// Posts go through again.
    pub(crate) fn recovers(&self) {
        self.lets_new_posts_through();
        for waiting in self.waiting.lock().unwrap().drain(..) {
            waiting.notify_waiters();
        }
    }
}

#[async_trait]
impl Channel for Platform {
    fn channel_type(&self) -> &'static str {
        self.terminal.channel_type()
    }

    fn threads(&self) -> bool {
        self.terminal.threads()
    }

    fn resolution(&self) -> Resolution {
        *self.resolution.lock().unwrap()
    }

    fn capabilities(&self) -> Capabilities {
        self.terminal.capabilities()
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let hangs = self.hangs.lock().unwrap().clone();
        if let Some(waiting) = hangs {
            waiting.notified().await;
        }
        let failure = self.failures.lock().unwrap().pop_front();
        match failure {
            Some(error) => Err(error),
            None => self.terminal.post(post).await,
        }
    }

    async fn typing(&self, session: &SessionId, address: &Address, on: bool) {
        self.terminal.typing(session, address, on).await;
    }

    async fn notice(&self, session: &SessionId, address: &Address, text: &str) {
        self.terminal.notice(session, address, text).await;
    }

    async fn say(&self, address: &Address, text: &str) {
        self.terminal.say(address, text).await;
    }

    async fn tell_operator(&self, text: &str) {
        self.terminal.tell_operator(text).await;
    }

    async fn subscribe(&self, thread: &Address) {
        Channel::subscribe(&*self.terminal, thread).await;
    }

    async fn run_finished(&self, address: &Address, finished: &RoomEvent) {
        self.terminal.run_finished(address, finished).await;
    }
}
