//! The platform: the real terminal channel, with a door that can be shut.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use host::channels::{
    Capabilities, Channel, ChannelError, Found, Post, Posted, Remark, Resolution,
    terminal::Terminal,
};
use tokio::sync::Notify;

pub(crate) struct Platform {
    terminal: Arc<Terminal>,
    failures: Mutex<VecDeque<ChannelError>>,
    resolution: Mutex<Resolution>,
    hangs: Mutex<Option<Arc<Notify>>>,
    waiting: Mutex<Vec<Arc<Notify>>>,
    memory: Mutex<Memory>,
}

/// What the platform remembers, across all hosts.
#[derive(Default)]
struct Memory {
    /// What it took, in its order: whose words, which part, and the words.
    taken: Vec<((String, usize), String)>,
    asked: u32,
    down: bool,
    forgets: bool,
    can: Capabilities,
}

impl Platform {
    pub(crate) fn new(terminal: Arc<Terminal>) -> Self {
        Self {
            terminal,
            failures: Mutex::default(),
            resolution: Mutex::new(Resolution::Idempotent),
            hangs: Mutex::default(),
            waiting: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    /// From now on it can be asked what it has; or it can be asked, and cannot tell.
    pub(crate) fn looks_up(&self, remembers: bool) {
        *self.resolution.lock().unwrap() = Resolution::LooksUp;
        self.memory.lock().unwrap().forgets = !remembers;
    }

    /// Nothing goes through from now on.
    pub(crate) fn goes_down(&self) {
        self.memory.lock().unwrap().down = true;
    }

    /// It is well again.
    pub(crate) fn comes_back(&self) {
        self.memory.lock().unwrap().down = false;
    }

    /// What it can take from now on.
    pub(crate) fn can(&self, change: impl FnOnce(&mut Capabilities)) {
        change(&mut self.memory.lock().unwrap().can);
    }

    /// How often somebody tried to post.
    pub(crate) fn asked(&self) -> u32 {
        self.memory.lock().unwrap().asked
    }

    /// The words that it took, in its order.
    pub(crate) fn took(&self) -> Vec<String> {
        self.memory.lock().unwrap().taken.iter().map(|(_, words)| words.clone()).collect()
    }

    fn take(&self, post: &Post) -> Result<(), ChannelError> {
        let mut memory = self.memory.lock().unwrap();
        memory.asked += 1;
        if memory.down {
            return Err(ChannelError::Down("503".to_owned()));
        }
        let known = memory.taken.iter().any(|(key, _)| *key == key_of(post));
        // Only a platform that knows a post again has it once.
        if !(known && self.resolution() == Resolution::Idempotent) {
            memory.taken.push((key_of(post), post.body.clone().into_text()));
        }
        Ok(())
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
        self.memory.lock().unwrap().can
    }

    async fn find(&self, post: &Post) -> Result<Found, ChannelError> {
        let memory = self.memory.lock().unwrap();
        if memory.down {
            return Err(ChannelError::Down("503".to_owned()));
        }
        if memory.forgets {
            return Ok(Found::CannotTell);
        }
        let there = memory.taken.iter().any(|(key, _)| *key == key_of(post));
        let posted = Posted { platform_message_id: post.message.to_string() };
        Ok(if there { Found::There(posted) } else { Found::NotThere })
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let hangs = self.hangs.lock().unwrap().clone();
        if let Some(waiting) = hangs {
            waiting.notified().await;
        }
        let failure = self.failures.lock().unwrap().pop_front();
        match failure {
            Some(error) => Err(error),
            None => {
                self.take(post)?;
                self.terminal.post(post).await
            }
        }
    }

    fn is_the_operators(&self) -> bool {
        self.terminal.is_the_operators()
    }

    async fn tell(&self, remark: Remark<'_>) {
        self.terminal.tell(remark).await;
    }
}

fn key_of(post: &Post) -> (String, usize) {
    (format!("{} {}", post.session, post.message), post.part)
}
