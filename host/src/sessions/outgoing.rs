//! What the guest wrote, as something to post: read, refused, or put into its lane.
//!
//! Owns what a restored post is worth (its attempts, the parts that are out, whether anybody knows
//! its fate), the ledger's last word about what is given up, and what is said beside the loop. When
//! a post goes is `posting`'s.

use std::time::Duration;

use schemas::{
    content::{self, SystemIn},
    host_side::BadRow,
    ids::MessageId,
    message::{Address, DeliveryStatus, Kind, LedgerRow, NewInbound, OutboundRow},
};
use tokio::time::Instant;
use tracing::{Instrument, error, warn};

use super::{
    lane::{Outgoing, Standing, Wait},
    notes::{Counted, Told},
    runner::Runner,
};
use crate::{
    channels::{Post, Remark, Resolution},
    delivery::{Wish, wish},
    limits,
    store::LostPost,
    text::{bounds, channels as text},
};

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
            Wish::Refuse(why) => self.refuse_row(&row, &why),
            Wish::Act(id, request) => self.take_action(&row, id, request),
            Wish::NoAct(id, why) => self.refuse_action(&row, id, &why),
            // Somebody asked for it before the look that brings it now.
            Wish::Post(post) if self.posts.revived.remove(&post.message) => {}
            Wish::Post(post) => {
                let now = self.context.clock.now();
                match row.deliver_after.filter(|at| *at > now) {
                    Some(_) if self.posts.later.len() >= limits::channel::LATER_POSTS => {
                        self.refuse_row(&row, &bounds::too_many_for_later());
                    }
                    // Beside the lanes, so that what is said meanwhile goes out before it.
                    Some(at) => drop(self.posts.later.insert((at, post.seq), post)),
                    None => {
                        let written = row.deliver_after.max(row.written_at).unwrap_or(now);
                        self.queue(post, written.min(now));
                    }
                }
            }
        }
    }

    fn refuse_row(&mut self, row: &OutboundRow, why: &str) {
        warn!(message_id = %row.id, why, "an outbound row was refused");
        self.staged.ledger.push(failed(Standing::default().row(&row.id), why));
        self.tell_agent(row.id.as_str(), row.seq, why);
    }

    /// Puts a post into its lane.
    pub(super) fn queue(&mut self, post: Post, written: jiff::Timestamp) {
        let earlier = self.posts.attempts.get(&post.message).cloned();
        let old = earlier.is_some();
        let standing = earlier.unwrap_or_default();
        let channel = self.channels().at(&post.address);
        let resolution = channel.map_or(Resolution::Idempotent, |channel| channel.resolution());
        let handed_over = old && standing.again.is_none();
        if handed_over && resolution == Resolution::Unknown {
            // It was handed over when the host died, and the platform cannot be asked.
            error!(message_id = %post.message, why = text::UNKNOWN_FATE);
            self.fail(standing.row(&post.message), post.seq, text::UNKNOWN_FATE);
            return;
        }
        let again = standing.again.map(|at| Instant::now() + self.until(at));
        let released = self.posts.released.contains(&post.address.channel_type);
        // What is still to be tried long after its time was taken up again by an operator.
        let late = limits::channel::WAIT_MOST + limits::channel::WAIT_SLACK;
        let noted = standing.again.filter(|at| at.duration_since(written) > late);
        let since = standing.revived_at.or(noted).unwrap_or(written);
        // Whether an attempt that failed had arrived after all was known to an earlier task only.
        let standing_tried = standing.attempts > 0;
        let lane = self.posts.lanes.entry(post.address.clone()).or_default();
        if lane.queue.is_empty() {
            lane.wait = again.filter(|_| !released).map_or(Wait::Nothing, Wait::Noted);
        }
        lane.queue.push_back(Outgoing {
            post,
            since,
            standing,
            announced: false,
            // Of what an earlier host may have sent nothing was written down.
            ask_first: handed_over || self.posts.unsure || standing_tried,
            grant: None,
            old,
        });
    }

    /// What is to be posted at a time goes into its lane then.
    pub(super) fn queue_what_is_due(&mut self) {
        let now = self.context.clock.now();
        while let Some(first) = self.posts.later.first_entry().filter(|first| first.key().0 <= now)
        {
            let ((at, _), post) = first.remove_entry();
            self.queue(post, at);
        }
    }

    /// The ledger's last word about a post that does not go out; the agent hears of it, and it is
    /// kept among what was given up.
    pub(super) fn fail(&mut self, row: LedgerRow, seq: i64, why: &str) {
        let message = row.message_out.clone();
        self.staged.ledger.push(failed(row, why));
        let (reason, at) = (why.to_owned(), self.context.clock.now());
        // Of its own for each time that it is given up: a post may be tried again, and fail again.
        self.tell_agent(&format!("{}:{message}", at.as_millisecond()), seq, why);
        self.staged.lost.push(LostPost { message, seq, reason, at });
    }

    /// A row for the agent; its id is made from `about`, so that it is told once. It stands in one
    /// commit with the ledger's word. Too many within a minute are only counted.
    pub(super) fn tell_agent(&mut self, about: &str, seq: i64, error: &str) {
        match self.notes.one_more(self.context.clock.now(), seq) {
            Told::Whole => self.note(about, seq, error),
            Told::Last => self.note(about, seq, &bounds::only_counted_from_now(error)),
            Told::Counted => {}
        }
    }

    /// What was only counted is told when its time has come, or with `now`.
    pub(super) fn tell_counted(&mut self, now: bool) {
        let at = self.context.clock.now();
        let counted = if now { self.notes.take() } else { self.notes.take_due(at) };
        if let Some(Counted { first, more, .. }) = counted {
            // Rows that nobody could read are read again after a start: this is the same note then.
            self.note(&format!("counted:{first}"), first, &bounds::counted(more));
        }
    }

    fn note(&mut self, about: &str, seq: i64, error: &str) {
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
        self.tell(async move {
            channel.tell(Remark::Typing { session: &session, address: &address, on }).await;
        });
    }

    /// Says something beside the loop; a platform that does not listen is not waited for.
    pub(super) fn tell(&mut self, words: impl Future<Output = ()> + Send + 'static) {
        let told =
            async move { drop(tokio::time::timeout(limits::channel::NOTICE_TIME, words).await) };
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

    /// The next moment at which a post may go, or at which the agent is told what was counted.
    pub(super) fn next_post(&self) -> Option<Instant> {
        let first = self.posts.later.keys().next().map(|(at, _)| *at);
        let later = first.into_iter().chain(self.notes.due()).min();
        let later = later.map(|at| Instant::now() + self.until(at));
        let committed = self.staged.is_empty();
        self.posts.lanes.values().filter_map(|lane| lane.next_try(committed)).chain(later).min()
    }

    /// The same as a time that can be written down.
    pub(super) fn next_post_at(&self) -> Option<jiff::Timestamp> {
        let now = self.context.clock.now();
        let lanes = self.posts.lanes.values().filter_map(|lane| lane.next_try(true));
        let lanes = lanes.map(|at| now + at.saturating_duration_since(Instant::now()));
        // Rows that were not read again have no lane yet.
        let unread = self.posts.attempts.values().filter(|_| !self.caught_up);
        let unread = unread.filter_map(|standing| standing.again);
        lanes.chain(unread).chain(self.posts.later.keys().map(|(at, _)| *at)).min()
    }

    /// Whether more posts may wait in memory.
    pub(super) fn has_room(&self) -> bool {
        self.posts.len() + self.acting.len() < limits::channel::QUEUED_POSTS
    }

    /// Every row of the guest is known now. What the ledger still waits for and no row stands
    /// for will never be sent: the guest took it back, or its files were put away.
    pub(super) fn all_rows_seen(&mut self) {
        if std::mem::replace(&mut self.caught_up, true) {
            return;
        }
        self.posts.unsure = false;
        self.posts.revived.clear();
        let mut lost = self.posts.attempts.clone();
        let posts = self.posts.lanes.values().flat_map(|lane| &lane.queue).map(|one| &one.post);
        for post in posts.chain(self.posts.later.values()) {
            lost.remove(&post.message);
        }
        for row in &self.staged.ledger {
            lost.remove(&row.message_out);
        }
        for (message, standing) in lost {
            warn!(%message, why = text::ROW_GONE, "a post can no longer be sent");
            self.staged.ledger.push(failed(standing.row(&message), text::ROW_GONE));
            let (reason, at) = (text::ROW_GONE.to_owned(), self.context.clock.now());
            // Its number went with it.
            self.staged.lost.push(LostPost { message, seq: 0, reason, at });
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

fn failed(row: LedgerRow, why: &str) -> LedgerRow {
    LedgerRow { status: DeliveryStatus::Failed, error: Some(why.to_owned()), ..row }
}
