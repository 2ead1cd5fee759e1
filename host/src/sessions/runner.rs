//! The task that owns one session: one loop, one event at a time.
//!
//! Owns the session's inbound writes, its container, its deliveries and its runs, from its first
//! command until it may retire. The `impl` is split by direction: `intake` (messages in and
//! commits), `container` (the lifecycle's effects), `outcome` (what the guest wrote), `outgoing`
//! (posts), `query` (what others ask). Nothing here blocks the loop on another session's account.

use std::{sync::Arc, time::Duration};

use schemas::{
    admin::SessionInfo,
    host_side::{InboundWriter, Unsettled},
    session_dir::SessionDir,
};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use tracing::Instrument;

use super::{
    bell::Bell,
    container::WorkDone,
    context::{Context, Facts},
    flight::Sent,
    handle::{Command, View},
    lifecycle::{Event, State},
    look::{Found, SharedReader},
    pace::Pace,
    places::Place,
    posts::Posts,
    staged::Staged,
};
use crate::{
    broker::ModelSocket, channels::Channels, delivery::permit::Reach, engine::ContainerId, limits,
    requests::Answer,
};

#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of the session")]
pub(super) struct Runner {
    pub(super) context: Arc<Context>,
    pub(super) facts: Facts,
    pub(super) reach: Reach,
    pub(super) dir: SessionDir,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) view: watch::Sender<Arc<View>>,

    // The container.
    pub(super) state: State,
    pub(super) container: Option<ContainerId>,
    /// When the container was known to live.
    pub(super) started_at: Instant,
    /// Whether the engine was asked, since this host began, what lives of this session.
    pub(super) engine_asked: bool,
    /// The last container that ended: a late word about it is no news.
    pub(super) gone: Option<ContainerId>,
    pub(super) place: Option<Place>,
    pub(super) work: JoinSet<WorkDone>,
    /// Containers that ended before their start was reported.
    pub(super) early_exits: Vec<ContainerId>,
    /// A container ended; what it last wrote is looked at before anything is decided.
    pub(super) exiting: Exiting,
    pub(super) failures: u32,
    pub(super) timer: Option<Instant>,
    pub(super) last_active: jiff::Timestamp,
    /// Rows that the guest holds a claim on, as of the last look.
    pub(super) working: Vec<schemas::ids::MessageId>,
    /// What else is known of them.
    pub(super) at_work: super::at_work::AtWork,
    /// Since when rows are due that the guest takes no claim on.
    pub(super) unclaimed_since: Option<jiff::Timestamp>,
    /// Rows that a guest was ended over without having claimed them.
    pub(super) blamed: Vec<schemas::ids::MessageId>,
    /// When the guest was last seen to begin something.
    pub(super) last_seen: jiff::Timestamp,

    /// When the container ends at the latest, because somebody wants it restarted.
    pub(super) restart_by: Option<Instant>,
    /// A run that somebody stopped and that still goes on.
    pub(super) stopping: Option<super::stopping::Stopping>,
    /// For how long people have heard nothing.
    pub(super) silence: super::silence::Silence,
    /// When somebody last asked an earlier host to stop a run.
    pub(super) asked_to_stop: Option<jiff::Timestamp>,
    /// Who waits for a reset until the old container is gone.
    pub(super) resetting: Vec<Answer<SessionInfo>>,

    // Messages in.
    pub(super) writer: InboundWriter,
    pub(super) open: Vec<Unsettled>,
    pub(super) staged: Staged,
    /// When a failed commit is tried again.
    pub(super) commit_after: Option<Instant>,
    /// When what is staged is committed even beside posts that are under way.
    pub(super) commit_by: Option<Instant>,
    /// Why the last commit failed; said when it changes.
    pub(super) commit_trouble: Option<String>,
    /// Whether the central row says that this session must be looked at after a crash.
    pub(super) marked: bool,

    // What the guest wrote.
    pub(super) reader: SharedReader,
    pub(super) bell: Option<Bell>,
    /// Where its guest asks models, while there is a container that needs them.
    pub(super) models: Option<ModelSocket>,
    pub(super) looking: Option<JoinHandle<(Found, Duration)>>,
    pub(super) look_wanted: bool,
    /// The file holds something that the last look did not ask for: the next one reads it though
    /// it has not changed.
    pub(super) unseen: bool,
    pub(super) look_after: Instant,
    pub(super) pace: Pace,
    pub(super) belt: super::belt::Belt,
    pub(super) cursor: i64,
    /// Rows that ended since the last time they were moved to the history.
    pub(super) finished: u32,
    /// Whether every row that the guest wrote so far was seen.
    pub(super) caught_up: bool,

    // Posts.
    pub(super) posts: Posts,
    /// Rings when a channel is back.
    pub(super) channel_news: watch::Receiver<u64>,
    pub(super) posting: JoinSet<Sent>,
    /// Notices, signs of typing, ends of runs: nothing waits for them.
    pub(super) telling: JoinSet<()>,
    /// Actions of the guest.
    pub(super) acting: super::acting::Acting,
    /// How often it may ask for them.
    pub(super) actions: super::allowance::Allowance,
    /// What it hears of rows that nobody could use.
    pub(super) notes: super::notes::Notes,
    /// How often answers to them may wake it.
    pub(super) woken_by_actions: super::allowance::Allowance,
    /// A row of the host's own came that wakes the agent.
    pub(super) wake_wanted: bool,
}

/// How far a container's end was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exiting {
    /// None ended.
    No,
    /// One ended; the last look is still to come.
    LookDue,
    /// The last look is under way.
    Looking,
}

/// One thing that happened to the session.
enum Happened {
    Command(Option<Command>),
    Work(WorkDone),
    Sent(Box<Sent>),
    Told,
    Looked(Found, Duration),
    Rung,
    ChannelBack,
    PlaceWanted,
    Alarm,
    Closing,
}

impl Runner {
    /// Runs something beside the loop; what it logs carries the session.
    pub(super) fn beside(&mut self, work: impl Future<Output = WorkDone> + Send + 'static) {
        self.work.spawn(work.in_current_span());
    }

    pub(super) async fn serve(&mut self) {
        loop {
            match self.next().await {
                Happened::Command(Some(command)) => self.on_commands(command).await,
                Happened::Command(None) => return,
                Happened::Work(done) => self.on_work(done).await,
                Happened::Sent(sent) => self.on_sent(*sent),
                Happened::Told => {}
                Happened::Looked(found, cost) => self.on_looked(found, cost).await,
                Happened::Rung => self.on_rung(),
                Happened::ChannelBack => self.on_channel_back(),
                Happened::PlaceWanted => self.give_way().await,
                Happened::Alarm => self.on_alarm().await,
                Happened::Closing => {
                    self.close().await;
                    return;
                }
            }
            self.reset_when_ended().await;
            self.end_as_asked().await;
            self.stop_as_asked().await;
            self.post_what_may_go();
            self.start_look();
            self.put_down().await;
            if std::mem::take(&mut self.wake_wanted) {
                self.drive(Event::Message).await;
            }
            self.tell_place();
            if self.is_at_rest() && self.retire().await {
                return;
            }
        }
    }

    /// Commits what is staged, as far as it may, and lets out what follows from it.
    pub(super) async fn put_down(&mut self) {
        if self.may_commit() {
            self.commit_staged().await;
            self.post_what_may_go();
        }
        self.tell_ends();
    }

    async fn next(&mut self) -> Happened {
        let alarm = self.next_alarm();
        tokio::select! { biased;
            // Ending comes first, or a busy session would never end.
            () = self.context.closing.cancelled() => Happened::Closing,
            // Then people: a message is durable before the agent's words are handled.
            command = self.commands.recv() => Happened::Command(command),
            Some(done) = self.work.join_next() => {
                Happened::Work(done.unwrap_or(WorkDone::Nothing))
            }
            // What was posted is written down before more is looked at.
            Some(Ok(sent)) = self.posting.join_next() => Happened::Sent(Box::new(sent)),
            Some(_) = self.telling.join_next() => Happened::Told,
            (found, cost) = finished(&mut self.looking) => Happened::Looked(found, cost),
            () = rung(self.bell.as_ref()) => Happened::Rung,
            Ok(()) = self.channel_news.changed() => Happened::ChannelBack,
            () = wanted(self.place.as_ref()) => Happened::PlaceWanted,
            () = tokio::time::sleep_until(alarm) => Happened::Alarm,
        }
    }

    /// The next moment at which something must be done without being told.
    fn next_alarm(&self) -> Instant {
        let mut alarm = Instant::now() + limits::LONGEST_PAUSE;
        let pending_look = self.look_wanted && self.looking.is_none();
        let candidates = [
            self.timer,
            self.restart_by,
            self.stop_due(),
            self.commit_after.or(self.commit_by),
            pending_look.then_some(self.look_after),
            self.watches().then(|| self.belt.next()),
            self.next_post(),
            self.silence.next(),
        ];
        for candidate in candidates.into_iter().flatten() {
            alarm = alarm.min(candidate);
        }
        alarm
    }

    pub(super) fn show(&self, notice: Option<String>) {
        let notice = notice.or_else(|| self.notice_shown());
        self.publish(notice);
    }

    pub(super) fn notice_shown(&self) -> Option<String> {
        self.view.borrow().notice.clone()
    }

    fn publish(&self, notice: Option<String>) {
        let last_active = Some(self.last_active);
        self.view.send_replace(Arc::new(View { state: self.state, notice, last_active }));
    }

    pub(super) fn clear_notice(&self) {
        self.publish(None);
    }

    pub(super) fn channels(&self) -> &Channels {
        &self.context.channels
    }
}

/// A blocking look that broke off is looked at again by the belt.
async fn finished(looking: &mut Option<JoinHandle<(Found, Duration)>>) -> (Found, Duration) {
    let Some(task) = looking.as_mut() else { return std::future::pending().await };
    let done = task.await.unwrap_or((Found::NotSettled, Duration::ZERO));
    *looking = None;
    done
}

async fn wanted(place: Option<&Place>) {
    match place {
        Some(place) => place.asked().await,
        None => std::future::pending().await,
    }
}

async fn rung(bell: Option<&Bell>) {
    match bell {
        Some(bell) => bell.rung().await,
        None => std::future::pending().await,
    }
}
