//! One attempt of one provider: its words, its tools, the host's wishes and the clock.
//!
//! Owns the one loop that listens to all of them. What the turn's rules answer to each is carried
//! out by `at_work`.

use std::{path::PathBuf, pin::pin, time::Duration};

use jiff::Timestamp;
use schemas::usage::Usage;
use tokio::{
    select,
    time::{Instant, interval_at, sleep, sleep_until},
};

use crate::{
    at_work::AtWork,
    chain::Chain,
    handoff::handoff,
    limits,
    mailbox::Mailbox,
    natives,
    past::{self, Past},
    posting::Sent,
    prompt::Turn,
    provider::{Ears, Health, Launch, Opened, Provider, Sink},
    reply::{Claim, Reply, TurnEnd},
    runner::Runner,
    tools::{Desk, Seat, Seated},
    turn::{Step, TurnEvent},
};

/// One try of one entry of the chain, as far as it has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attempt {
    /// 1 for the first of its run.
    pub(crate) n: u32,
    /// Its place in the chain.
    pub(crate) entry: usize,
    /// Who is asked.
    pub(crate) provider: String,
    /// With which model, where one was chosen.
    pub(crate) model: Option<String>,
    /// When it began.
    pub(crate) began: Timestamp,
    /// How long it waits before that.
    pub(crate) pause: Duration,
    /// The provider's own id of the conversation, once it is known.
    pub(crate) native: Option<String>,
    /// Tools that it was let start.
    pub(crate) tools_started: u32,
    /// What it has used so far.
    pub(crate) used: Option<Usage>,
    /// What tools have said in this run, and what is not said again.
    pub(crate) sent: Vec<Sent>,
    /// What tools have done in this run, a line each.
    pub(crate) done: Vec<String>,
}

impl Attempt {
    /// The first of a run.
    pub(crate) fn first(chain: &Chain, at: Timestamp) -> Self {
        Self::of(chain, (1, chain.begin(at)), at, Duration::ZERO)
    }

    /// The one after it.
    pub(crate) fn next(&self, chain: &Chain, entry: usize, pause: Duration, at: Timestamp) -> Self {
        let (sent, done) = (self.sent.clone(), self.done.clone());
        Self { sent, done, ..Self::of(chain, (self.n + 1, entry), at, pause) }
    }

    fn of(chain: &Chain, (n, at): (u32, usize), began: Timestamp, pause: Duration) -> Self {
        let entry = chain.entry(at).cloned();
        let (provider, model) =
            entry.map(|entry| (entry.provider, entry.model)).unwrap_or_default();
        Self {
            n,
            entry: at,
            provider,
            model,
            began,
            pause,
            native: None,
            tools_started: 0,
            used: None,
            sent: Vec::new(),
            done: Vec::new(),
        }
    }
}

/// How an attempt came out of its provider's hands.
pub(crate) enum How {
    /// It has ended by itself.
    Ended(TurnEnd, Vec<Reply>),
    /// The host asked for it, by this control.
    Drop(i64, Vec<Reply>),
    BreakOff(Vec<Reply>),
    Release,
}

impl Runner {
    /// Lets a provider work, and does meanwhile what the turn's rules say.
    pub(crate) async fn attempt(
        &mut self,
        claim: &Claim,
        turn: &Turn,
        attempt: &mut Attempt,
    ) -> How {
        let (sink, ears) = Sink::new(limits::PROVIDER_EVENTS, self.mailbox.inbound.clone());
        let Ears { mut heard, stop, follow_ups: _follow_ups } = ears;
        let provider = match self.providers.named(&attempt.provider) {
            Ok(provider) => provider,
            Err(fault) => return How::Ended(TurnEnd::Broke(fault), Vec::new()),
        };
        let _seated = sit(&self.desk, &self.mailbox, turn, &sink);
        let turn = Turn { model: attempt.model.clone(), ..turn.clone() };
        let origin = turn.messages.last().map(|last| last.id.clone());
        let before = (attempt.pause, attempt.done.clone());
        let mut work = pin!(work(provider, &self.mailbox, turn, &sink, before));
        let mut at_work = AtWork::new(&self.mailbox, claim, (attempt, stop), origin);
        at_work.read = self.inbox.highest_seq();
        // It may have been written between the claim and now.
        at_work.stop = self.controls.abort(&self.mailbox.inbound, claim.at);
        let mut beat = interval_at(Instant::now() + limits::HEARTBEAT, limits::HEARTBEAT);
        loop {
            let event = select! {
                // Timers and signals first: a provider that never stops talking must not keep
                // the guest from saying that it lives, or from ending. Its words come before its
                // end, so that none is lost. Last, what only counts when nothing else happened.
                biased;
                () = self.cancel.cancelled() => TurnEvent::Cancelled,
                () = std::future::ready(()), if at_work.is_to_stop() => TurnEvent::Aborted,
                _ = beat.tick() => TurnEvent::Beat,
                () = sleep_until(at_work.row_due), if !at_work.state.run_is_written() => {
                    TurnEvent::RunRowDue
                }
                () = self.wake.changed() => {
                    at_work.woken(self.controls.abort(&self.mailbox.inbound, claim.at))
                }
                Some(said) = heard.recv() => {
                    self.live.note(&said.event, self.mailbox.now());
                    at_work.hears(said)
                }
                end = &mut work => {
                    let rest = std::iter::from_fn(|| heard.try_recv().ok());
                    rest.for_each(|said| at_work.hears_late(said));
                    TurnEvent::Ended(end)
                }
                () = sleep_until(at_work.grace()), if at_work.grace.is_some() => TurnEvent::Forced,
                () = sleep_until(at_work.patience()) => TurnEvent::NoProgress,
            };
            let step = at_work.on(event);
            self.natives.note(&self.mailbox, at_work.attempt);
            if step == Step::WriteRun {
                self.live.flush(self.mailbox.now());
            }
            if let Some(how) = at_work.carry_out(step) {
                return how;
            }
        }
    }
}

/// From now on tools find this turn.
fn sit(desk: &Desk, mailbox: &Mailbox, turn: &Turn, sink: &Sink) -> Seated {
    let (sink, dir) = (sink.clone(), mailbox.dir.clone());
    let (work, zone, begins) = (work_dir(mailbox, turn), turn.zone.clone(), begins(turn));
    desk.sit(Seat { sink, dir, work, zone, begins })
}

/// The number that a turn begins with; what was said before has a lower one.
fn begins(turn: &Turn) -> i64 {
    let said = turn.context.iter().chain(&turn.messages);
    said.map(|one| one.seq).min().unwrap_or(i64::MAX)
}

fn work_dir(mailbox: &Mailbox, turn: &Turn) -> PathBuf {
    turn.work_dir.as_ref().map_or_else(|| mailbox.dir.work(), PathBuf::from)
}

/// All that a provider does in an attempt: it rests, is made ready, and answers.
async fn work(
    provider: &mut dyn Provider,
    mailbox: &Mailbox,
    mut turn: Turn,
    sink: &Sink,
    (pause, done): (Duration, Vec<String>),
) -> TurnEnd {
    if !pause.is_zero() {
        sleep(pause).await;
    }
    let name = provider.name();
    let launch = Launch {
        model: turn.model.clone(),
        system_prompt: turn.system_prompt.clone(),
        work_dir: work_dir(mailbox, &turn),
    };
    let known = match provider.health() {
        Health::Down => natives::to_resume(mailbox, name),
        Health::Starting | Health::Ready | Health::Busy => None,
    };
    match provider.open(&launch, known.as_deref()).await {
        Err(fault) => return TurnEnd::Broke(fault),
        Ok(Opened::Fresh) => {
            if let Some(lost) = known {
                natives::lost(mailbox, name, &lost);
            }
            turn.before = handoff(&history(mailbox, &turn), &done);
        }
        Ok(Opened::Warm | Opened::Resumed) => {}
    }
    provider.turn(&turn, sink).await
}

/// What was said before this turn. Where it cannot be read, the turn begins without it.
fn history(mailbox: &Mailbox, turn: &Turn) -> Vec<Past> {
    let now = turn.messages.len().saturating_add(turn.context.len());
    let most = limits::HANDOFF_MESSAGES.saturating_add(now);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let mut past = past::read(&mailbox.dir, &turn.zone, most).unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read what was said before");
        Vec::new()
    });
    past.retain(|one| one.number() < begins(turn));
    past
}
