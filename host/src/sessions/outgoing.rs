//! Posts: from a guest's row through a channel into the ledger.
//!
//! Owns the order per destination (a failing post holds only its own lane), what may be in flight
//! (one per lane), and the ledger's words. What is allowed and what follows from an error is
//! decided purely, in `delivery`.

use std::{collections::VecDeque, time::Duration};

use schemas::{
    content::{self, SystemIn},
    host_side::{BadRow, OutboxReader},
    ids::MessageId,
    message::{Address, DeliveryStatus, Kind, LedgerRow, NewInbound, OutboundRow},
};
use tokio::time::Instant;
use tracing::{Instrument, debug, error, warn};

use super::{about::Messages, context::Context, runner::Runner};
use crate::{
    channels::{Channel, ChannelError, Post, Posted, Resolution},
    delivery::{
        Wish,
        retry::{Next, after},
        wish,
    },
    error::ErrorKind,
    limits, questions,
};

/// The posts for one destination, in order.
#[derive(Debug, Default)]
pub(super) struct Lane {
    queue: VecDeque<Outgoing>,
    busy: bool,
    not_before: Option<Instant>,
}

/// A post on its way.
#[derive(Debug, Clone)]
struct Outgoing {
    post: Post,
    attempts: u32,
    /// Whether `sending` stands in the ledger, for a channel that cannot be asked afterwards.
    announced: bool,
}

/// What a channel answered.
#[derive(Debug)]
pub(super) struct Sent {
    post: Post,
    attempts: u32,
    result: Result<Posted, ChannelError>,
    /// Files that could not be taken from the outbox, with the reason.
    refused_files: Vec<String>,
}

impl Lane {
    pub(super) fn next_try(&self) -> Option<Instant> {
        (!self.busy && !self.queue.is_empty()).then(|| self.not_before.unwrap_or_else(Instant::now))
    }

    /// Whether nothing is to be done here for so long that the task may end meanwhile.
    pub(super) fn waits_long(&self) -> bool {
        self.next_try().is_none_or(|at| at > Instant::now()) && !self.busy
    }
}

impl Runner {
    /// Takes a row that the guest wrote.
    pub(super) fn take_row(&mut self, row: Result<OutboundRow, BadRow>) {
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                warn!(seq = bad.seq, reason = %bad.reason, "an outbound row is not of the contract");
                if let Some(seq) = bad.seq {
                    self.tell_agent(&format!("bad-row:{seq}"), seq, &bad.reason);
                }
                return;
            }
        };
        match wish(&self.facts.record.id, &row, &self.reach) {
            Wish::Refuse(why) => {
                warn!(message_id = %row.id, why, "an outbound row was refused");
                self.fail(&row.id, row.seq, 0, &why);
            }
            Wish::Act(id, request) => self.take_action(&row, id, request),
            Wish::NoAct(id, why) => self.refuse_action(&row, id, &why),
            Wish::Post(post) => match row.deliver_after.filter(|at| *at > self.context.clock.now())
            {
                // Beside the lanes, so that what is said meanwhile goes out before it.
                Some(at) => drop(self.later.insert((at, post.seq), post)),
                None => self.queue(post),
            },
        }
    }

    fn queue(&mut self, post: Post) {
        let earlier = self.attempts.get(&post.message).copied();
        let (attempts, again) = earlier.unwrap_or((0, None));
        let asked = self.channels().at(&post.address).map(|channel| channel.resolution());
        if earlier.is_some_and(|(_, again)| again.is_none()) && asked == Some(Resolution::Unknown) {
            // It was handed over when the host died, and the platform cannot be asked.
            let why = "the host ended while it was sent; nobody knows whether it arrived";
            error!(message_id = %post.message, why);
            self.fail(&post.message, post.seq, attempts, why);
            return;
        }
        let pause = again.map(|at| self.until(at));
        let lane = self.lanes.entry(post.address.clone()).or_default();
        if lane.queue.is_empty() {
            lane.not_before = pause.map(|pause| Instant::now() + pause);
        }
        lane.queue.push_back(Outgoing { post, attempts, announced: false });
    }

    /// Hands over the head of every lane that is free.
    pub(super) fn post_what_may_go(&mut self) {
        let now = self.context.clock.now();
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let post = first.remove();
            self.queue(post);
        }
        let mut ready = Vec::new();
        let committed = self.staged.is_empty();
        for (address, lane) in &mut self.lanes {
            let waits = lane.not_before.is_some_and(|at| at > Instant::now());
            let Some(head) = lane.queue.front_mut().filter(|_| !lane.busy && !waits) else {
                continue;
            };
            let channel = self.context.channels.at(address).cloned();
            let asks = channel.as_ref().is_some_and(|c| c.resolution() == Resolution::Unknown);
            // What it is about may have gone out just now, and must be in the ledger first.
            let refers = head.post.body.of().is_some();
            if asks && !head.announced {
                // Durable before the post: after a crash an operator must know of it.
                self.staged.ledger.push(ledger(&head.post.message, head.attempts + 1));
                head.announced = true;
            } else if committed || !(asks || refers) {
                lane.busy = true;
                ready.push((channel, head.clone()));
            }
        }
        self.lanes.retain(|_, lane| lane.busy || !lane.queue.is_empty());
        for (channel, outgoing) in ready {
            let outbox = OutboxReader::new(self.dir.clone());
            let messages = self.messages();
            let context = self.context.clone();
            let posted = async move {
                let (mut post, attempts) = (outgoing.post, outgoing.attempts + 1);
                let refused_files = check_files(&mut post, outbox).await;
                let result = match channel {
                    Some(channel) => match written_down(&context, &post).await {
                        Ok(()) => hand_over(channel.as_ref(), &post, messages).await,
                        Err(error) => Err(error),
                    },
                    None => Err(ChannelError::Down("no such channel on this host".to_owned())),
                };
                Sent { post, attempts, result, refused_files }
            };
            self.posting.spawn(posted.in_current_span());
        }
    }

    /// Writes down what the channel answered.
    pub(super) fn on_sent(&mut self, sent: Sent) {
        let Sent { post, attempts, result, refused_files } = sent;
        for (n, why) in refused_files.iter().enumerate() {
            self.tell_agent(&format!("file:{n}:{}", post.message), post.seq, why);
        }
        let pause = match result {
            Ok(posted) => {
                debug!(message_id = %post.message, seq = post.seq, "delivered");
                self.staged.ledger.push(LedgerRow {
                    platform_message_id: Some(posted.platform_message_id),
                    status: DeliveryStatus::Delivered,
                    delivered_at: Some(self.context.clock.now()),
                    ..ledger(&post.message, attempts)
                });
                None
            }
            Err(error) => self.on_refused_post(&post, attempts, &error),
        };
        let Some(lane) = self.lanes.get_mut(&post.address) else { return };
        lane.busy = false;
        lane.not_before = pause.map(|pause| Instant::now() + pause);
        if pause.is_none() {
            lane.queue.pop_front();
        }
        self.look_wanted |= !self.caught_up && self.has_room();
    }

    /// The pause before the next attempt; `None` when there is none.
    fn on_refused_post(
        &mut self,
        post: &Post,
        attempts: u32,
        error: &ChannelError,
    ) -> Option<Duration> {
        warn!(message_id = %post.message, attempts, %error, "a post did not go out");
        let (pause, counted) = match after(attempts, error) {
            Next::Again(pause) => (pause, attempts),
            Next::Wait(pause) => (pause, attempts.saturating_sub(1)),
            Next::GiveUp(why) => {
                self.fail(&post.message, post.seq, attempts, &why);
                return None;
            }
        };
        self.staged.ledger.push(LedgerRow {
            next_attempt_at: Some(self.context.clock.now() + pause),
            error: Some(error.to_string()),
            ..ledger(&post.message, counted)
        });
        if let Some(head) =
            self.lanes.get_mut(&post.address).and_then(|lane| lane.queue.front_mut())
        {
            head.attempts = counted;
            // The next attempt is announced anew: what stands there now says that it waits.
            head.announced = false;
        }
        Some(pause)
    }

    /// The ledger's last word about a row that does not go out; the agent hears of it.
    fn fail(&mut self, message: &MessageId, seq: i64, attempts: u32, why: &str) {
        self.staged.ledger.push(LedgerRow {
            status: DeliveryStatus::Failed,
            error: Some(why.to_owned()),
            ..ledger(message, attempts)
        });
        self.tell_agent(message.as_str(), seq, why);
    }

    /// A row for the agent; its id is made from `about`, so that it is told once.
    fn tell_agent(&mut self, about: &str, seq: i64, error: &str) {
        let about: String = about.chars().take(limits::REASON_CHARS).collect();
        let Ok(id) = MessageId::parse(&format!("failed:{about}")) else { return };
        let now = self.context.clock.now();
        let said = SystemIn::DeliveryFailed { seq, error: error.to_owned() };
        let mut note = NewInbound::new(id, Kind::System, now, content::write(&said));
        // It rides along with the next turn: waking an agent over it could go round for ever.
        note.trigger = false;
        note.address.clone_from(&self.reach.default);
        self.staged.notes.push(note);
    }

    /// Something of the host's own, said where the session's people are. Best effort.
    pub(super) fn notice(&mut self, said: &str) {
        let Some(address) = self.current_place() else { return };
        self.notice_at(address, said.to_owned());
    }

    pub(super) fn show_typing(&mut self, address: Address, on: bool) {
        let Some(channel) = self.channels().at(&address).cloned() else { return };
        let session = self.facts.record.id.clone();
        self.tell(async move { channel.typing(&session, &address, on).await });
    }

    /// Says something beside the loop; a platform that does not listen is not waited for.
    pub(super) fn tell(&mut self, words: impl Future<Output = ()> + Send + 'static) {
        let told = async move { drop(tokio::time::timeout(limits::NOTICE_TIME, words).await) };
        self.telling.spawn(told.in_current_span());
    }

    /// Whether what is staged may be committed now: quick posts are waited for, so that their
    /// words go into the same commit; one that hangs holds up nothing else.
    pub(super) fn may_commit(&mut self) -> bool {
        if self.posting.is_empty() {
            return true;
        }
        if self.staged.is_empty() || self.commit_after.is_some() {
            self.commit_by = None;
            return self.commit_after.is_some();
        }
        let by = *self.commit_by.get_or_insert_with(|| Instant::now() + limits::COMMIT_LINGER);
        by <= Instant::now()
    }

    /// The next moment at which a post may go.
    pub(super) fn next_post(&self) -> Option<Instant> {
        let later = self.later.keys().next().map(|(at, _)| Instant::now() + self.until(*at));
        self.lanes.values().filter_map(Lane::next_try).chain(later).min()
    }

    /// The same as a time that can be written down.
    pub(super) fn next_post_at(&self) -> Option<jiff::Timestamp> {
        let now = self.context.clock.now();
        let lanes = self.lanes.values().filter_map(Lane::next_try);
        let lanes = lanes.map(|at| now + at.saturating_duration_since(Instant::now()));
        lanes.chain(self.later.keys().map(|(at, _)| *at)).min()
    }

    /// Whether more posts may wait in memory.
    pub(super) fn has_room(&self) -> bool {
        let queued: usize = self.lanes.values().map(|lane| lane.queue.len()).sum();
        queued + self.later.len() + self.acting.len() < limits::QUEUED_POSTS
    }

    /// Every row of the guest is known now. What the ledger still waits for and no row stands
    /// for will never be sent: the guest took it back, or its files were put away.
    pub(super) fn all_rows_seen(&mut self) {
        if std::mem::replace(&mut self.caught_up, true) {
            return;
        }
        let mut lost = self.attempts.clone();
        let posts = self.lanes.values().flat_map(|lane| &lane.queue).map(|one| &one.post);
        for post in posts.chain(self.later.values()) {
            lost.remove(&post.message);
        }
        for row in &self.staged.ledger {
            lost.remove(&row.message_out);
        }
        for (message, (attempts, _)) in lost {
            let why = "its row is gone";
            warn!(%message, why, "a post can no longer be sent");
            self.staged.ledger.push(LedgerRow {
                status: DeliveryStatus::Failed,
                error: Some(why.to_owned()),
                ..ledger(&message, attempts)
            });
        }
    }

    fn current_place(&self) -> Option<Address> {
        let waiting = self.open.iter().rev().find_map(|row| row.address.clone());
        waiting.or_else(|| self.reach.default.clone())
    }

    fn until(&self, at: jiff::Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.context.clock.now())).unwrap_or(Duration::ZERO)
    }
}

pub(super) fn ledger(message: &MessageId, attempts: u32) -> LedgerRow {
    LedgerRow {
        message_out: message.clone(),
        platform_message_id: None,
        status: DeliveryStatus::Sending,
        delivered_at: None,
        attempts,
        next_attempt_at: None,
        error: None,
    }
}

/// A question is durable before anybody sees it.
async fn written_down(context: &Context, post: &Post) -> Result<(), ChannelError> {
    questions::record(context, post).await.map_err(|failure| {
        if failure.kind == ErrorKind::TooLarge {
            ChannelError::Permanent(failure.chain())
        } else {
            ChannelError::Retry(failure.chain())
        }
    })
}

/// Posts, and says what it means that the channel never answered.
async fn hand_over(
    channel: &dyn Channel,
    post: &Post,
    messages: Messages,
) -> Result<Posted, ChannelError> {
    let post = messages.shown(post.clone(), channel.capabilities()).await?;
    if let Ok(answer) = tokio::time::timeout(limits::POST_TIME, channel.post(&post)).await {
        return answer;
    }
    let why = format!("no answer within {} s", limits::POST_TIME.as_secs());
    Err(match channel.resolution() {
        Resolution::Idempotent => ChannelError::Retry(why),
        Resolution::Unknown => ChannelError::UnknownOutcome(why),
    })
}

/// Takes names out of a post whose files cannot be had, and says why.
async fn check_files(post: &mut Post, outbox: OutboxReader) -> Vec<String> {
    if post.files.is_empty() {
        return Vec::new();
    }
    let (message, names) = (post.message.clone(), std::mem::take(&mut post.files));
    let checked = tokio::task::spawn_blocking(move || {
        let mut refused = Vec::new();
        let kept: Vec<String> = names
            .into_iter()
            .filter(|name| match outbox.open(&message, name) {
                Ok(_) => true,
                Err(why) => {
                    refused.push(format!("file {name:?} was not sent: {why}"));
                    false
                }
            })
            .collect();
        (kept, refused)
    })
    .await;
    let (kept, refused) = checked.unwrap_or_default();
    post.files = kept;
    refused
}
