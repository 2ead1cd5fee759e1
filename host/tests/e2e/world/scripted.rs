//! Two platforms with rooms, threads and mentions, played: `slack` and `github`.
//!
//! Owns what their people say and what is posted to them, both as one line:
//! `slack C1/t1 alice: @andy hello` and `slack C1/t1: You said: hello`. A room whose id begins with
//! `D` is a direct message, and an `@` is a mention that the platform vouches for. Knows no host,
//! so that a real engine's tests can play them, too.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use host::{
    channels::{
        Body, Capabilities, Channel, ChannelError, Inbound, Post, Posted, Remark, Resolution,
        Sender,
    },
    requests::{Became, Taken},
};
use jiff::Timestamp;
use schemas::{
    content::{self, ChatIn},
    message::Address,
};
use tokio::sync::Notify;

/// One platform.
pub(crate) struct Scripted {
    word: &'static str,
    threads: bool,
    said: Arc<Said>,
}

/// What was said to the people of all scripted platforms, in its order.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) posts: Mutex<VecDeque<String>>,
    known: Mutex<BTreeSet<String>>,
    pub(crate) notices: Mutex<VecDeque<String>>,
    pub(crate) subscribed: Mutex<Vec<String>>,
    news: Notify,
    count: Mutex<u64>,
}

impl Scripted {
    pub(crate) fn platforms(said: &Arc<Said>) -> Vec<Arc<dyn Channel>> {
        let one = |word, threads| Self { word, threads, said: said.clone() };
        // `mail` is a platform without threads.
        vec![
            Arc::new(one("slack", true)),
            Arc::new(one("github", true)),
            Arc::new(one("mail", false)),
        ]
    }
}

#[async_trait]
impl Channel for Scripted {
    fn channel_type(&self) -> &'static str {
        self.word
    }

    fn threads(&self) -> bool {
        self.threads
    }

    fn resolution(&self) -> Resolution {
        Resolution::Idempotent
    }

    fn capabilities(&self) -> Capabilities {
        let all = self.word == "slack";
        Capabilities {
            edits: all,
            reactions: all,
            cards: all,
            questions: all,
            ..Capabilities::default()
        }
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let text = shown(&post.body);
        let line = format!("{}: {text}", place(&post.address));
        // Its own id tells a platform that it has a post already.
        if !self.said.known.lock().unwrap().insert(format!("{} {}", post.session, post.message)) {
            return Ok(Posted { platform_message_id: format!("{}:{}", self.word, post.message) });
        }
        self.said.posts.lock().unwrap().push_back(line);
        self.said.news.notify_one();
        Ok(Posted { platform_message_id: format!("{}:{}", self.word, post.message) })
    }

    async fn tell(&self, remark: Remark<'_>) {
        match remark {
            Remark::Notice { address, text, .. } => {
                let line = format!("{}: {text}", place(address));
                self.said.notices.lock().unwrap().push_back(line);
                self.said.news.notify_one();
            }
            Remark::Follow(thread) => self.said.subscribed.lock().unwrap().push(place(thread)),
            Remark::Typing { .. } | Remark::ForOperator(_) | Remark::OfRun { .. } => {}
        }
    }
}

/// What it cannot show came as text already.
fn shown(body: &Body) -> String {
    let id = || body.of().and_then(|of| of.platform_id.clone()).expect("it was found");
    match body {
        Body::Text(text) => text.clone(),
        Body::Edit { text, .. } => format!("[edit {}] {text}", id()),
        Body::Reaction { emoji, .. } => format!("[react {}] {emoji}", id()),
        Body::Card(card) => format!("[card] {} | {}", card.title, card.text),
        Body::Question(_, asked) => {
            let options: Vec<&str> = asked.options.iter().map(|one| one.label.as_str()).collect();
            format!("[ask] {} {}", asked.question, options.join("/"))
        }
    }
}

fn place(address: &Address) -> String {
    let thread = address.thread_id.as_ref().map(|thread| format!("/{thread}"));
    let (channel, room) = (&address.channel_type, &address.platform_id);
    format!("{channel} {room}{}", thread.unwrap_or_default())
}

impl Said {
    /// A message as its platform hands it over.
    pub(crate) fn heard(&self, line: &str, at: Timestamp) -> Inbound {
        let (head, text) =
            line.split_once(": ").expect("<channel> <room>[/<thread>] <user>: <text>");
        let words: Vec<&str> = head.split(' ').collect();
        let [channel, room, user] = words.as_slice() else { panic!("{head:?}") };
        let (room, thread) = match room.split_once('/') {
            Some((room, thread)) => (room, Some(thread.to_owned())),
            None => (*room, None),
        };
        let mut count = self.count.lock().unwrap();
        *count += 1;
        let chat =
            ChatIn { sender: Some((*user).to_owned()), text: text.to_owned(), ..ChatIn::default() };
        Inbound {
            address: Address {
                channel_type: (*channel).to_owned(),
                platform_id: room.to_owned(),
                thread_id: thread,
            },
            id: format!("{channel}:{room}:{count}"),
            sender: Sender::Platform { id: format!("{channel}:{user}"), name: (*user).to_owned() },
            text: text.to_owned(),
            content: content::write(&chat),
            at,
            mentioned: text.contains('@'),
            is_group: !room.starts_with('D'),
            room_name: None,
            client_id: None,
            digest: None,
        }
    }

    /// The next post on any scripted platform.
    pub(crate) async fn next_post(&self, patience: Duration) -> String {
        self.next_of(&self.posts, patience).await
    }

    /// The next so many posts, sorted: rooms do not wait for each other.
    pub(crate) async fn next_posts(&self, count: usize, patience: Duration) -> Vec<String> {
        let mut posts = Vec::new();
        while posts.len() < count {
            posts.push(self.next_post(patience).await);
        }
        posts.sort_unstable();
        posts
    }

    /// Fails when something was posted that nobody read.
    pub(crate) fn expect_no_post(&self) {
        let posts = self.posts.lock().unwrap();
        assert!(posts.is_empty(), "unread: {posts:?}");
    }

    /// The next line of a queue.
    pub(crate) async fn next_of(
        &self,
        queue: &Mutex<VecDeque<String>>,
        patience: Duration,
    ) -> String {
        loop {
            if let Some(line) = queue.lock().unwrap().pop_front() {
                return line;
            }
            let news = tokio::time::timeout(patience, self.news.notified()).await;
            news.unwrap_or_else(|_| panic!("nothing was said for {patience:?}"));
        }
    }
}

/// What came of a message in one line: who woke and who keeps it, then why others do not have it.
pub(crate) fn outcome(taken: &Taken) -> String {
    let agents = taken.agents.iter().map(|(_, became)| match became {
        Became::Woke(row) if row.replayed => "woke again".to_owned(),
        Became::Woke(_) => "woke".to_owned(),
        Became::Kept(_) => "kept".to_owned(),
        Became::Command(row) if row.replayed => "command again".to_owned(),
        Became::Command(_) => "command".to_owned(),
    });
    let drops = taken.drops.iter().map(|why| why.word().to_owned());
    agents.chain(drops).collect::<Vec<_>>().join(", ")
}
