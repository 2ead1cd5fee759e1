//! One attempt of one provider: its words, its tools, the host's wishes and the clock.
//!
//! Owns the one loop that listens to all of them, and that each answer of `turn` is carried out: a
//! tool acts only after it stands in the file that it does.

use std::{path::PathBuf, pin::pin, time::Duration};

use jiff::Timestamp;
use schemas::{guest_side::ToolRow, ids::MessageId, usage::Usage};
use tokio::{
    select,
    sync::oneshot,
    time::{Instant, interval_at, sleep, sleep_until},
};

use tokio_util::sync::CancellationToken;

use crate::{
    chain::Chain,
    handoff::handoff,
    limits,
    mailbox::Mailbox,
    natives,
    past::{self, Past},
    posting::{self, Posted, Sent},
    prompt::Turn,
    provider::{Ears, Health, Heard, Launch, Opened, Provider, Sink},
    reply::{Claim, Reply, TurnEnd},
    rows,
    runner::Runner,
    steps,
    tools::{Desk, Seat, Seated},
    turn::{Step, Tool, TurnEvent, TurnState},
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
    pause: Duration,
    /// The provider's own id of the conversation, once it is known.
    pub(crate) native: Option<String>,
    /// Tools that it was let start.
    pub(crate) tools_started: u32,
    /// What it has used so far.
    pub(crate) used: Option<Usage>,
    /// What tools have said in this run, and what is not said again.
    pub(crate) sent: Vec<Sent>,
    /// What tools have done in this run, a line each.
    done: Vec<String>,
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

/// An attempt that somebody works on.
struct AtWork<'a> {
    mailbox: &'a Mailbox,
    claim: &'a Claim,
    attempt: &'a mut Attempt,
    state: TurnState,
    /// Asks the provider to stop in good order.
    please_stop: CancellationToken,
    /// The control that asks for a stop.
    stop: Option<i64>,
    /// When the provider must have stopped.
    grace: Option<Instant>,
    row_due: Instant,
    progressed: Instant,
    /// Who waits until it stands in the file that a tool acts.
    may_act: Option<oneshot::Sender<()>>,
    /// Who waits until what a tool posts stands there.
    posts: Option<oneshot::Sender<Posted>>,
    /// The highest number that was read.
    read: i64,
}

impl<'a> AtWork<'a> {
    fn new(
        mailbox: &'a Mailbox,
        claim: &'a Claim,
        (attempt, please_stop): (&'a mut Attempt, CancellationToken),
        origin: Option<MessageId>,
    ) -> Self {
        let now = Instant::now();
        Self {
            mailbox,
            claim,
            attempt,
            state: TurnState::begin(origin),
            please_stop,
            stop: None,
            grace: None,
            row_due: now + limits::RUN_ROW_AFTER,
            progressed: now,
            may_act: None,
            posts: None,
            read: 0,
        }
    }

    /// Whether a stop is asked for that nobody passed on.
    fn is_to_stop(&self) -> bool {
        self.stop.is_some() && self.grace.is_none()
    }

    fn grace(&self) -> Instant {
        self.grace.unwrap_or(self.progressed)
    }

    fn patience(&self) -> Instant {
        self.progressed + self.state.patience()
    }

    fn woken(&mut self, stop: Option<i64>) -> TurnEvent {
        let again = stop.is_some() && self.stop.is_some();
        self.stop = stop.or(self.stop);
        if again { TurnEvent::Forced } else { TurnEvent::InboundChanged }
    }

    fn hears(&mut self, said: Heard) -> TurnEvent {
        self.progressed = Instant::now();
        (self.may_act, self.posts) = (said.written, said.posted);
        TurnEvent::Provider(said.event)
    }

    /// What was said before the end and not taken yet. Who posts waits for it; now nobody does.
    fn hears_late(&mut self, said: Heard) {
        if said.posted.is_none() {
            drop(self.on(TurnEvent::Provider(said.event)));
        }
    }

    fn on(&mut self, event: TurnEvent) -> Step {
        let step = self.state.on(event);
        self.attempt.used = self.state.used();
        self.attempt.native = self.state.native().cloned();
        step
    }

    /// Does what the rules say; answers how the attempt came out, once it has.
    fn carry_out(&mut self, step: Step) -> Option<How> {
        match step {
            Step::Wait => {}
            Step::Interrupt => {
                self.grace = Some(Instant::now() + limits::INTERRUPT_GRACE);
                self.please_stop.cancel();
            }
            Step::Beat => self.mailbox.beat(),
            Step::WriteRun => self.write_run(),
            Step::StartTool(tool) => self.let_act(tool),
            Step::Post(reply) => self.post(reply),
            Step::EndTool => end_tool(self.mailbox),
            Step::Settle(end, replies) => return Some(How::Ended(end, replies)),
            Step::Drop(said) => return Some(How::Drop(self.stop.unwrap_or_default(), said)),
            Step::BreakOff(said) => return Some(How::BreakOff(said)),
            Step::Release => return Some(How::Release),
        }
        None
    }

    /// The run's row and its attempt.
    fn write_run(&mut self) {
        self.row_due = Instant::now() + limits::RUN_ROW_AFTER;
        let written = self.mailbox.commit(|tx| {
            tx.put_run(&rows::run(self.claim, None))?;
            tx.put_attempt(&rows::attempt(self.claim, self.attempt, None, None))
        });
        match written {
            Ok(()) => {
                self.state.run_was_written();
                self.mailbox.steps.reached(steps::Step::RunWritten);
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "cannot write the run's row yet");
            }
        }
    }

    /// Writes what a tool posts, with the word that the run has acted. A disk that refuses is told to
    /// the tool by silence.
    fn post(&mut self, reply: Reply) {
        let posts = self.posts.take();
        let tools_started = self.attempt.tools_started.max(1);
        let acting = Attempt { tools_started, ..self.attempt.clone() };
        let put = posting::put(self.mailbox, self.claim, &acting, (reply, self.read));
        if let Some((posted, sent)) = put {
            *self.attempt = acting;
            self.attempt.sent.extend(sent);
            self.state.was_posted();
            answer(posts, posted);
        }
    }

    /// Writes down that a tool acts, and only then lets it. A disk that refuses keeps it from
    /// acting.
    fn let_act(&mut self, tool: Tool) {
        let may_act = self.may_act.take();
        let acting =
            Attempt { tools_started: self.attempt.tools_started + 1, ..self.attempt.clone() };
        let now = self.mailbox.now();
        let row = ToolRow { name: tool.name.clone(), timeout: tool.timeout, started_at: now };
        let recorded = self.mailbox.commit(|tx| {
            tx.put_run(&rows::run(self.claim, None))?;
            tx.put_attempt(&rows::attempt(self.claim, &acting, None, None))?;
            tx.put_tool(Some(&row), now)
        });
        match recorded {
            Ok(()) => {
                *self.attempt = acting;
                self.attempt.done.push(tool.summary.clone());
                self.state.tool_was_recorded(tool);
                self.mailbox.steps.reached(steps::Step::ToolRecorded);
                answer(may_act, ());
            }
            Err(error) => {
                let error = error.chain();
                tracing::error!(error, "a tool may not act: it cannot be written down");
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

/// Whoever waits may be gone with its turn.
fn answer<T>(waits: Option<oneshot::Sender<T>>, with: T) {
    let _gone = waits.is_some_and(|waits| waits.send(with).is_err());
}

/// What stands there in vain is cleared with the turn's end at the latest.
fn end_tool(mailbox: &Mailbox) {
    let now = mailbox.now();
    if let Err(error) = mailbox.commit(|tx| tx.put_tool(None, now)) {
        tracing::warn!(error = error.chain(), "cannot write that a tool has ended");
    }
}
