//! A turn while the provider works: its words, its tools, the host's wishes and the clock.
//!
//! Owns the one loop that listens to all of them, and that each answer of `turn` is carried out: a
//! tool acts only after it stands in the file that it does.

use std::{path::PathBuf, pin::pin};

use schemas::{guest_side::ToolRow, usage::Usage};
use tokio::{
    select,
    sync::{mpsc, oneshot},
    time::{Instant, interval_at, sleep_until},
};

use crate::{
    limits,
    mailbox::Mailbox,
    posting::{self, Posted, Sent},
    prompt::Turn,
    provider::{Heard, Sink},
    reply::{Claim, Reply, TurnEnd},
    rows::{self, By},
    runner::Runner,
    steps,
    tools::{Seat, Seated},
    turn::{Step, Tool, TurnEvent, TurnState},
};

/// How a turn came out of the provider's hands.
pub(crate) struct CameOut {
    pub(crate) how: How,
    pub(crate) tools_started: u32,
    pub(crate) used: Option<Usage>,
    /// What its tools have said already.
    pub(crate) sent: Vec<Sent>,
}

/// What is to be done with it.
pub(crate) enum How {
    Settle(TurnEnd, Vec<Reply>),
    /// The host asked for it, by this control.
    Drop(i64, Vec<Reply>),
    BreakOff(Vec<Reply>),
    Release,
}

impl Runner {
    /// From now on tools find this turn.
    fn sit(&self, turn: &Turn, sink: &Sink) -> Seated {
        let work = turn.work_dir.as_ref().map_or_else(|| self.mailbox.dir.work(), PathBuf::from);
        let (sink, dir) = (sink.clone(), self.mailbox.dir.clone());
        let said = turn.context.iter().chain(&turn.messages);
        let begins = said.map(|one| one.seq).min().unwrap_or(i64::MAX);
        self.desk.sit(Seat { sink, dir, work, zone: turn.zone.clone(), begins })
    }

    /// Lets the provider work, and does meanwhile what the turn's rules say.
    pub(crate) async fn ask(&mut self, claim: &Claim, turn: &Turn) -> CameOut {
        let (sink, mut ears) = Sink::new(limits::PROVIDER_EVENTS, self.mailbox.inbound.clone());
        let _seated = self.sit(turn, &sink);
        let (name, model) = (self.provider.name(), turn.model.as_deref());
        let mut work = pin!(self.provider.turn(turn, &sink));
        let origin = turn.messages.last().map(|last| last.id.clone());
        let mut state = TurnState::begin(origin);
        // It may have been written between the claim and now.
        let mut stop = self.controls.abort(&self.mailbox.inbound, claim.at);
        let mut beat = interval_at(Instant::now() + limits::HEARTBEAT, limits::HEARTBEAT);
        let mut row_due = Instant::now() + limits::RUN_ROW_AFTER;
        let mut progressed = Instant::now();
        let (mut waits_for_record, mut waits_for_post) = (None, None);
        let mut sent = Vec::new();
        let how = loop {
            let unwritten = !state.run_is_written();
            let event = select! {
                // Timers and signals first: a provider that never stops talking must not keep
                // the guest from saying that it lives, or from ending. Its words come before its
                // end, so that none is lost. Last, what only counts when nothing else happened.
                biased;
                () = self.cancel.cancelled() => TurnEvent::Cancelled,
                () = std::future::ready(()), if stop.is_some() => TurnEvent::Aborted,
                _ = beat.tick() => TurnEvent::Beat,
                () = sleep_until(row_due), if unwritten => TurnEvent::RunRowDue,
                () = self.wake.changed() => {
                    stop = self.controls.abort(&self.mailbox.inbound, claim.at);
                    TurnEvent::InboundChanged
                }
                Some(heard) = ears.heard.recv() => {
                    progressed = Instant::now();
                    self.live.note(&heard.event, self.mailbox.now());
                    (waits_for_record, waits_for_post) = (heard.written, heard.posted);
                    TurnEvent::Provider(heard.event)
                }
                end = &mut work => {
                    take_the_rest(&mut ears.heard, &mut state);
                    TurnEvent::Ended(end)
                }
                () = sleep_until(progressed + state.patience()) => TurnEvent::NoProgress,
            };
            let used = state.used();
            let by = |tools_started| By { provider: name, model, tools_started, used };
            match state.on(event) {
                Step::Wait => {}
                Step::Beat => self.mailbox.beat(),
                Step::WriteRun => {
                    self.live.flush(self.mailbox.now());
                    if write_run(&self.mailbox, claim, by(0)) {
                        state.run_was_written();
                    } else {
                        row_due = Instant::now() + limits::RUN_ROW_AFTER;
                    }
                }
                Step::StartTool(tool) => {
                    let by = by(state.tools_started() + 1);
                    if record(&self.mailbox, claim, by, (&tool, waits_for_record.take())) {
                        state.tool_was_recorded(tool);
                    }
                }
                Step::Post(reply) => {
                    let (by, read) = (by(state.tools_started().max(1)), self.inbox.highest_seq());
                    let put = posting::put(&self.mailbox, claim, by, (reply, read));
                    sent.extend(was_posted(put, waits_for_post.take(), &mut state));
                }
                Step::EndTool => end_tool(&self.mailbox),
                Step::Settle(end, replies) => break How::Settle(end, replies),
                Step::Drop(said) => break How::Drop(stop.unwrap_or_default(), said),
                Step::BreakOff(said) => break How::BreakOff(said),
                Step::Release => break How::Release,
            }
        };
        CameOut { how, tools_started: state.tools_started(), used: state.used(), sent }
    }
}

/// What was said before the end and not taken yet. Who posts waits for it; now nobody does.
fn take_the_rest(said: &mut mpsc::Receiver<Heard>, state: &mut TurnState) {
    while let Ok(heard) = said.try_recv() {
        if heard.posted.is_none() {
            state.on(TurnEvent::Provider(heard.event));
        }
    }
}

/// Tells the tool that its post is durable, or by silence that it is not.
fn was_posted(
    put: Option<(Posted, Option<Sent>)>,
    waits: Option<oneshot::Sender<Posted>>,
    state: &mut TurnState,
) -> Option<Sent> {
    let (posted, sent) = put?;
    state.was_posted();
    answer(waits, posted);
    sent
}

/// Whoever waits may be gone with its turn.
fn answer<T>(waits: Option<oneshot::Sender<T>>, with: T) {
    let _gone = waits.is_some_and(|waits| waits.send(with).is_err());
}

/// The run's row and its attempt; whether they stand in the file now.
fn write_run(mailbox: &Mailbox, claim: &Claim, by: By<'_>) -> bool {
    let written = mailbox.commit(|tx| {
        tx.put_run(&rows::run(claim, None))?;
        tx.put_attempt(&rows::attempt(claim, by, None))
    });
    match written {
        Ok(()) => mailbox.steps.reached(steps::Step::RunWritten),
        Err(error) => {
            tracing::warn!(error = error.chain(), "cannot write the run's row yet");
            return false;
        }
    }
    true
}

/// Writes down that a tool acts, and only then lets it. A disk that refuses keeps it from acting.
fn record(
    mailbox: &Mailbox,
    claim: &Claim,
    by: By<'_>,
    (tool, may_act): (&Tool, Option<oneshot::Sender<()>>),
) -> bool {
    let now = mailbox.now();
    let row = ToolRow { name: tool.name.clone(), timeout: tool.timeout, started_at: now };
    let recorded = mailbox.commit(|tx| {
        tx.put_run(&rows::run(claim, None))?;
        tx.put_attempt(&rows::attempt(claim, by, None))?;
        tx.put_tool(Some(&row), now)
    });
    match recorded {
        Ok(()) => {
            mailbox.steps.reached(steps::Step::ToolRecorded);
            answer(may_act, ());
        }
        Err(error) => {
            tracing::error!(error = error.chain(), "a tool may not act: it cannot be written down");
            return false;
        }
    }
    true
}

/// What stands there in vain is cleared with the turn's end at the latest.
fn end_tool(mailbox: &Mailbox) {
    let now = mailbox.now();
    if let Err(error) = mailbox.commit(|tx| tx.put_tool(None, now)) {
        tracing::warn!(error = error.chain(), "cannot write that a tool has ended");
    }
}
