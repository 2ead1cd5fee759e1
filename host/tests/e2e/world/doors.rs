//! The way from the host to every channel of a world: what passes is written down, and it can be
//! told to fail, to hang, and to take a post without saying so.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use host::channels::{
    Capabilities, Channel, ChannelError, Found, Post, Posted, Remark, Resolution,
};
use schemas::{
    admin::RoomEvent,
    ids::{MessageId, SessionId},
    message::Address,
};
use tokio::time::Instant;

/// What happens to the next post.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It does not pass.
    Refused(ChannelError),
    /// It passes, and the host is told otherwise.
    TakenInSilence,
    /// It passes after this long.
    Late(Duration),
}

/// All doors of a world.
#[derive(Default)]
pub(crate) struct Doors {
    faults: Mutex<VecDeque<Fault>>,
    resolutions: Mutex<HashMap<&'static str, Resolution>>,
    passed: Mutex<Vec<Post>>,
    ended: Mutex<Vec<(u32, RoomEvent)>>,
    life: AtomicU32,
    words: Mutex<Vec<Word>>,
}

/// Something that people heard.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) heard: Instant,
    /// Whose it is; the host's own words may be nobody's.
    pub(crate) session: Option<SessionId>,
    pub(crate) address: Address,
    /// The messages that it is known to be about.
    pub(crate) about: Vec<MessageId>,
}

impl Doors {
    /// The same channel behind a door.
    pub(crate) fn before(self: &Arc<Self>, channel: Arc<dyn Channel>) -> Arc<dyn Channel> {
        Arc::new(Door { channel, doors: self.clone() })
    }

    /// What a channel can do about posts of unknown fate, other than by itself.
    pub(crate) fn resolves(&self, channel: &'static str, how: Resolution) {
        self.resolutions.lock().unwrap().insert(channel, how);
    }

    pub(crate) fn resolution_of(&self, place: &Address) -> Resolution {
        let changed = self.resolutions.lock().unwrap();
        changed.get(place.channel_type.as_str()).copied().unwrap_or(Resolution::Idempotent)
    }

    /// What happens to the next posts, one after the other.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    /// Nothing fails any more.
    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Every post that passed so far, in that order.
    pub(crate) fn passed(&self) -> Vec<Post> {
        self.passed.lock().unwrap().clone()
    }

    /// Everything that people heard so far, in that order.
    pub(crate) fn words(&self) -> Vec<Word> {
        self.words.lock().unwrap().clone()
    }

    fn word(&self, session: Option<&SessionId>, address: &Address, about: &[MessageId]) {
        let (session, address, about) = (session.cloned(), address.clone(), about.to_vec());
        let word = Word { heard: Instant::now(), session, address, about };
        self.words.lock().unwrap().push(word);
    }

    fn remark(&self, remark: &Remark<'_>) {
        match remark {
            Remark::Notice { session, address, .. } => self.word(*session, address, &[]),
            Remark::OfRun { address, event } => {
                if let RoomEvent::RunFinished { message_ids, .. } = event {
                    let life = self.life.load(Ordering::Relaxed);
                    self.ended.lock().unwrap().push((life, (*event).clone()));
                    self.word(None, address, message_ids);
                }
            }
            Remark::Typing { .. } | Remark::ForOperator(_) | Remark::Follow(_) => {}
        }
    }

    /// Another host speaks from now on.
    pub(super) fn next_life(&self) {
        self.life.fetch_add(1, Ordering::Relaxed);
    }

    /// Every end of a run that was told so far, and the life of the host that told it.
    pub(crate) fn ended(&self) -> Vec<(u32, RoomEvent)> {
        self.ended.lock().unwrap().clone()
    }
}

struct Door {
    channel: Arc<dyn Channel>,
    doors: Arc<Doors>,
}

impl Door {
    async fn through(&self, post: &Post) -> Result<Posted, ChannelError> {
        let posted = self.channel.post(post).await?;
        self.doors.passed.lock().unwrap().push(post.clone());
        self.doors.word(Some(&post.session), &post.address, &[]);
        Ok(posted)
    }
}

#[async_trait]
impl Channel for Door {
    fn channel_type(&self) -> &'static str {
        self.channel.channel_type()
    }

    fn threads(&self) -> bool {
        self.channel.threads()
    }

    fn resolution(&self) -> Resolution {
        let changed = self.doors.resolutions.lock().unwrap().get(self.channel_type()).copied();
        changed.unwrap_or_else(|| self.channel.resolution())
    }

    fn capabilities(&self) -> Capabilities {
        self.channel.capabilities()
    }

    async fn find(&self, post: &Post) -> Result<Found, ChannelError> {
        if self.resolution() == self.channel.resolution() {
            return self.channel.find(post).await;
        }
        let passed = self.doors.passed.lock().unwrap();
        let there = passed.iter().any(|one| one.message == post.message && one.part == post.part);
        let posted = Posted { platform_message_id: format!("found:{}", post.message) };
        Ok(if there { Found::There(posted) } else { Found::NotThere })
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let fault = self.doors.faults.lock().unwrap().pop_front();
        match fault {
            None => self.through(post).await,
            Some(Fault::Refused(error)) => Err(error),
            Some(Fault::TakenInSilence) => {
                self.through(post).await?;
                let why = "the connection broke off".to_owned();
                Err(match self.resolution() {
                    Resolution::Idempotent => ChannelError::Retry(why),
                    Resolution::LooksUp | Resolution::Unknown => ChannelError::UnknownOutcome(why),
                })
            }
            Some(Fault::Late(pause)) => {
                drop(tokio::time::timeout(pause, std::future::pending::<()>()).await);
                self.through(post).await
            }
        }
    }

    fn is_the_operators(&self) -> bool {
        self.channel.is_the_operators()
    }

    async fn tell(&self, remark: Remark<'_>) {
        self.doors.remark(&remark);
        self.channel.tell(remark).await;
    }
}
