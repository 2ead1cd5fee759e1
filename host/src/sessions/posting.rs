//! Which post goes when, and what its channel's answer means for the ledger.
//!
//! Owns the order per destination (a failing post holds only its own lane), what may be in flight
//! (one per lane), and that the progress of a post that goes out in parts is durable before its next
//! part goes. What follows from an error is decided purely, in `delivery`.

use std::{sync::Arc, time::Duration};

use schemas::{
    host_side::OutboxReader,
    message::{Address, DeliveryStatus, LedgerRow},
};
use tokio::time::Instant;
use tracing::{Instrument, debug, warn};

use super::{
    flight::{Flight, Sent},
    lane::{Lane, Outgoing, Wait},
    posts::End,
    runner::Runner,
};
use crate::{
    channels::{Channel, ChannelError, Remark, Resolution},
    delivery::{
        Traffic, Word,
        retry::{Failed, Next, after, spread},
    },
    limits::channel as limits,
    text::channels as text,
};

/// What may be done with the head of a lane.
enum Head {
    Stays,
    Goes,
    GivenUp,
}

impl Runner {
    /// Hands over the head of every lane that is free.
    pub(super) fn post_what_may_go(&mut self) {
        self.queue_what_is_due();
        self.tell_counted(false);
        let committed = self.staged.is_empty();
        let now = self.context.clock.now();
        let (mut ready, mut given_up) = (Vec::new(), Vec::new());
        let mut announced = Vec::new();
        for (address, lane) in &mut self.posts.lanes {
            let channel = self.context.channels.at(address).cloned();
            match ask(&self.context.traffic, channel.as_ref(), address, lane, now) {
                Head::Stays => continue,
                Head::GivenUp => {
                    given_up.push(address.clone());
                    continue;
                }
                Head::Goes => {}
            }
            let Some(head) = lane.queue.front_mut() else { continue };
            let unknown = channel.as_ref().is_some_and(|c| c.resolution() == Resolution::Unknown);
            if unknown && !head.announced {
                // Durable before the post: after a crash an operator must know of it.
                let row = head.standing.row(&head.post.message);
                announced.push(LedgerRow { attempts: row.attempts + 1, ..row });
                head.announced = true;
            } else if committed || !head.follows_a_commit() {
                lane.busy = true;
                ready.push((channel, head.clone()));
            }
        }
        self.staged.ledger.append(&mut announced);
        for address in given_up {
            self.give_up_waiting(&address);
        }
        self.posts.lanes.retain(|_, lane| lane.busy || !lane.queue.is_empty());
        for (channel, outgoing) in ready {
            self.launch(channel, outgoing);
        }
    }

    /// Rooms hear of the end of a run after what was said in it: whoever waits for one waits for
    /// the other.
    pub(super) fn tell_ends(&mut self) {
        for End { address, run, said, finished } in self.posts.take_ends() {
            let Some(channel) = self.channels().at(&address).cloned() else { continue };
            let session = self.facts.record.id.clone();
            let store = self.context.store.clone();
            self.tell(async move {
                let (session, address) = (Some(&session), &address);
                let Some(text) = said.as_deref() else {
                    channel.tell(Remark::OfRun { address, event: &finished }).await;
                    return;
                };
                channel.tell(Remark::Notice { session, address, text }).await;
                channel.tell(Remark::OfRun { address, event: &finished }).await;
                if let Err(failure) = store.end_told(run).await {
                    warn!(error = %failure.chain(), "cannot write down that an end was told");
                }
            });
        }
    }

    fn launch(&mut self, channel: Option<Arc<dyn Channel>>, mut outgoing: Outgoing) {
        outgoing.standing.attempts += 1;
        let flight = Flight {
            context: self.context.clone(),
            channel,
            outbox: OutboxReader::new(self.dir.clone()),
            messages: self.messages(),
        };
        self.posting.spawn(flight.fly(outgoing).in_current_span());
    }

    /// Writes down what the channel answered.
    pub(super) fn on_sent(&mut self, sent: Sent) {
        let Sent { mut outgoing, result, word, refused_files } = sent;
        let post = &outgoing.post;
        for (n, why) in refused_files.iter().enumerate() {
            self.tell_agent(&format!("file:{n}:{}", post.message), post.seq, why);
        }
        self.note_channel(&outgoing.post.address.channel_type.clone(), word);
        let address = outgoing.post.address.clone();
        let next = match result {
            Ok(part) => {
                let more = part.more;
                part.add_to(&mut outgoing.standing.done);
                self.on_part_out(outgoing, more)
            }
            Err(error) => self.on_refused_post(outgoing, &error),
        };
        let Some(lane) = self.posts.lanes.get_mut(&address) else { return };
        lane.busy = false;
        match next {
            Some((again, wait)) => {
                lane.wait = wait;
                if let Some(head) = lane.queue.front_mut() {
                    *head = again;
                }
            }
            None => {
                lane.wait = Wait::Nothing;
                lane.queue.pop_front();
            }
        }
        self.look_wanted |= !self.caught_up && self.has_room();
    }

    /// A part, or all of it, is out.
    fn on_part_out(&mut self, mut outgoing: Outgoing, more: bool) -> Option<(Outgoing, Wait)> {
        let now = self.context.clock.now();
        let message = &outgoing.post.message;
        if more {
            outgoing.standing.attempts = 0;
            self.staged
                .ledger
                .push(LedgerRow { next_attempt_at: Some(now), ..outgoing.standing.row(message) });
            return Some((afresh(outgoing, false), Wait::Nothing));
        }
        debug!(message_id = %message, seq = outgoing.post.seq, "delivered");
        self.staged.ledger.push(LedgerRow {
            status: DeliveryStatus::Delivered,
            delivered_at: Some(now),
            ..outgoing.standing.row(message)
        });
        if outgoing.old {
            self.staged.mended.push(message.clone());
        }
        None
    }

    /// The pause before the next attempt; `None` when there is none.
    fn on_refused_post(
        &mut self,
        mut outgoing: Outgoing,
        error: &ChannelError,
    ) -> Option<(Outgoing, Wait)> {
        let post = &outgoing.post;
        let attempts = outgoing.standing.attempts;
        warn!(message_id = %post.message, attempts, %error, "a post did not go out");
        let now = self.context.clock.now();
        let channel = self.channels().at(&post.address);
        let failed = Failed {
            message: &post.message,
            attempts,
            resolution: channel.map_or(Resolution::Idempotent, |channel| channel.resolution()),
            waited_out: waited_out(&outgoing, now),
        };
        let (pause, counted, wait): (Duration, u32, fn(Instant) -> Wait) =
            match after(&failed, error) {
                Next::Again(pause) => (pause, attempts, Wait::Own),
                Next::Wait(pause) => (pause, attempts.saturating_sub(1), Wait::Own),
                Next::WaitForChannel(pause) => (pause, attempts.saturating_sub(1), Wait::Channel),
                Next::GiveUp(why) => {
                    let row = outgoing.standing.row(&post.message);
                    self.fail(row, post.seq, &why);
                    return None;
                }
            };
        outgoing.standing.attempts = counted;
        self.staged.ledger.push(LedgerRow {
            next_attempt_at: Some(now + pause),
            error: Some(error.to_string()),
            ..outgoing.standing.row(&outgoing.post.message)
        });
        let limited = matches!(error, ChannelError::RateLimited(_) | ChannelError::Throttled(_));
        Some((afresh(outgoing, !limited), wait(Instant::now() + pause)))
    }

    fn give_up_waiting(&mut self, address: &Address) {
        let head = self.posts.lanes.get_mut(address).and_then(|lane| lane.queue.pop_front());
        let Some(Outgoing { post, standing, .. }) = head else { return };
        let why = text::waited_out("nothing could be posted there");
        self.fail(standing.row(&post.message), post.seq, &why);
    }

    /// What a post showed of its channel, for everybody's sake.
    fn note_channel(&mut self, channel: &str, word: Word) {
        let traffic = self.context.traffic.clone();
        let Some(todo) = traffic.note(channel, word) else { return };
        let (channels, closing) = (self.channels().clone(), self.context.closing.clone());
        self.context.spawn(traffic.tell(channel.to_owned(), todo, channels, closing));
    }

    /// A channel is back: what waits for one asks again.
    pub(super) fn on_channel_back(&mut self) {
        self.posts.lanes.values_mut().for_each(Lane::channel_is_back);
    }

    /// The channels that posts wait for.
    pub(super) fn waits_for(&self) -> Vec<String> {
        let waits = self.posts.lanes.iter().filter(|(_, lane)| match lane.wait {
            Wait::Channel(_) | Wait::Noted(_) => true,
            Wait::Nothing | Wait::Own(_) => false,
        });
        let mut names: Vec<String> =
            waits.map(|(address, _)| address.channel_type.clone()).collect();
        names.dedup();
        names
    }
}

/// Whether the head of a lane may go, now.
fn ask(
    traffic: &Traffic,
    channel: Option<&Arc<dyn Channel>>,
    address: &Address,
    lane: &mut Lane,
    now: jiff::Timestamp,
) -> Head {
    let here = Instant::now();
    if lane.busy || lane.wait.until().is_some_and(|at| at > here) {
        return Head::Stays;
    }
    let Some(head) = lane.queue.front_mut() else { return Head::Stays };
    let word = &address.channel_type;
    let grant = match head.grant.filter(|grant| traffic.holds(word, *grant)) {
        Some(grant) => Ok(grant),
        None => traffic.ask(word, channel.and_then(|channel| channel.capabilities().rate)),
    };
    head.grant = grant.ok();
    lane.wait = Wait::Nothing;
    match grant {
        // Later than the question: a grant for the moment of asking is one for now.
        Ok(grant) if Instant::from_std(grant.at) <= Instant::now() => Head::Goes,
        Ok(_) => Head::Stays,
        Err(_) if waited_out(head, now) => Head::GivenUp,
        Err(at) => {
            let message = &head.post.message;
            lane.wait = Wait::Channel(at + spread(message, 0, limits::PROBE_SPREAD));
            Head::Stays
        }
    }
}

fn waited_out(outgoing: &Outgoing, now: jiff::Timestamp) -> bool {
    now.duration_since(outgoing.since) >= limits::WAIT_MOST
}

/// The next attempt is granted and announced anew.
fn afresh(outgoing: Outgoing, ask_first: bool) -> Outgoing {
    Outgoing { announced: false, grant: None, ask_first, ..outgoing }
}
