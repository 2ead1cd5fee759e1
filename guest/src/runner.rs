//! The turn loop: look, claim, let the provider work, settle, look again.
//!
//! Owns the order of these steps and the one task that does them. Decides nothing about rows or
//! replies itself (`turn`, `reply`); never holds a transaction across an await.

use std::{borrow::Cow, pin::pin, time::Duration};

use jiff::Timestamp;
use schemas::{
    content::{self, ChatOut},
    guest_side::{AttemptRow, RunRow},
    ids::MessageId,
    message::{Kind, NewOutbound, Outcome},
};
use tokio::{
    select,
    time::{Instant, interval_at, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    controls::Controls,
    error::{GuestError, GuestErrorKind},
    inbox::{Inbox, Look, is_again_later, put_all},
    limits,
    mailbox::Mailbox,
    outbox::{self, Filed},
    prompt::{self, Turn},
    provider::{Provider, Sink},
    prune::Pruner,
    reply::{self, Claim, Draft, Reply, Settlement, TurnEnd, What},
    session::Session,
    turn::{Step, TurnEvent, TurnState},
    wake::Wake,
};

/// Everything that one guest works with.
pub(crate) struct Runner {
    pub(crate) mailbox: Mailbox,
    pub(crate) session: Session,
    pub(crate) controls: Controls,
    pub(crate) inbox: Inbox,
    pub(crate) pruner: Pruner,
    pub(crate) wake: Box<dyn Wake>,
    pub(crate) provider: Box<dyn Provider>,
    pub(crate) cancel: CancellationToken,
}

/// How a turn came out of the provider's hands.
enum CameOut {
    Settle(TurnEnd, Vec<Reply>),
    Drop(i64),
    Release,
}

impl Runner {
    /// Works until it is asked to end.
    pub(crate) async fn run(mut self) -> Result<(), GuestError> {
        let mut trouble = Trouble::default();
        while !self.cancel.is_cancelled() {
            match self.inbox.look(&self.mailbox) {
                Ok(Look::Work(batch)) => {
                    trouble = Trouble::default();
                    let claim = self
                        .inbox
                        .claim(&self.mailbox, batch, (self.wake.as_mut(), &self.cancel))
                        .await?;
                    if let Some(claim) = claim {
                        self.turn(claim).await?;
                    }
                }
                Ok(Look::Nothing { next_due }) => {
                    trouble = Trouble::default();
                    if self.pruner.step(&self.mailbox) {
                        // One step, then a look: a message waits for one step at most.
                        tokio::task::yield_now().await;
                    } else {
                        self.rest(next_due).await;
                    }
                }
                Err(error) => {
                    let pause = trouble.pause(&error);
                    let Some(pause) = pause else { return Err(error.into()) };
                    tracing::debug!(%error, "cannot read the inbox now");
                    self.pause(pause).await;
                }
            }
        }
        Ok(())
    }

    /// Waits for a wake, a due time, or a quiet moment to prune in.
    async fn rest(&mut self, next_due: Option<Timestamp>) {
        let due = next_due.map(|at| until(self.mailbox.now(), at));
        select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = self.wake.changed() => {}
            () = sleep(due.unwrap_or_default()), if due.is_some() => {}
            () = sleep(limits::PRUNE_WHEN_IDLE_FOR), if self.pruner.wants_quiet() => {
                self.forget_and_prune();
            }
        }
    }

    async fn pause(&mut self, pause: Duration) {
        select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = self.wake.changed() => {}
            () = sleep(pause) => {}
        }
    }

    fn forget_and_prune(&mut self) {
        self.pruner.begin();
        if let Err(error) = self.inbox.forget_settled(&self.mailbox) {
            tracing::debug!(%error, "cannot read the inbox now");
        }
    }

    async fn turn(&mut self, claim: Claim) -> Result<(), GuestError> {
        let session = self.session.now(&self.mailbox.dir);
        let (turn, unreadable) =
            prompt::assemble(claim.run.clone(), session, &claim.triggers, &claim.context);
        let came_out = if turn.messages.is_empty() {
            CameOut::Settle(TurnEnd::Done, Vec::new())
        } else {
            self.ask(&claim, &turn).await
        };
        let (end, replies) = match came_out {
            CameOut::Settle(end, replies) => (end, replies),
            CameOut::Drop(control) => return self.drop_turn(&claim, control).await,
            CameOut::Release => return self.release(),
        };
        let failure = match &end {
            TurnEnd::Done => None,
            TurnEnd::Failed(failure) => Some(failure),
            TurnEnd::Exit(code) => {
                let kind = GuestErrorKind::Exit(*code);
                return Err(GuestError::bare(kind, "the provider ended the process"));
            }
        };
        let settlement = reply::settle(&claim, &unreadable, replies, failure);
        self.settle(&claim, &settlement, turn.model).await?;
        if self.pruner.count_run() {
            self.forget_and_prune();
        }
        Ok(())
    }

    /// Lets the provider work, and does meanwhile what the turn's rules say.
    async fn ask(&mut self, claim: &Claim, turn: &Turn) -> CameOut {
        let (sink, mut said) = Sink::new(limits::PROVIDER_EVENTS, self.mailbox.inbound.clone());
        let name = self.provider.name();
        let mut work = pin!(self.provider.turn(turn, &sink));
        let mut state = TurnState::default();
        // It may have been written between the claim and now.
        let mut stop = self.controls.abort(&self.mailbox.inbound, claim.at);
        let mut beat = interval_at(Instant::now() + limits::HEARTBEAT, limits::HEARTBEAT);
        let mut row_due = Instant::now() + limits::RUN_ROW_AFTER;
        loop {
            let unwritten = !state.run_is_written();
            let event = select! {
                // Timers and signals first: a provider that never stops talking must not keep
                // the guest from saying that it lives, or from ending. Its words come before its
                // end, so that none is lost.
                biased;
                () = self.cancel.cancelled() => TurnEvent::Cancelled,
                () = std::future::ready(()), if stop.is_some() => TurnEvent::Aborted,
                _ = beat.tick() => TurnEvent::Beat,
                () = sleep_until(row_due), if unwritten => TurnEvent::RunRowDue,
                () = self.wake.changed() => {
                    stop = self.controls.abort(&self.mailbox.inbound, claim.at);
                    TurnEvent::InboundChanged
                }
                Some(event) = said.recv() => TurnEvent::Provider(event),
                end = &mut work => {
                    while let Ok(event) = said.try_recv() {
                        state.on(TurnEvent::Provider(event));
                    }
                    TurnEvent::Ended(end)
                }
            };
            match state.on(event) {
                Step::Wait => {}
                Step::Beat => self.mailbox.beat(),
                Step::WriteRun => match write_run(&self.mailbox, claim, (name, turn.model.clone()))
                {
                    Ok(()) => state.run_was_written(),
                    Err(error) => {
                        tracing::warn!(error = error.chain(), "cannot write the run's row yet");
                        row_due = Instant::now() + limits::RUN_ROW_AFTER;
                    }
                },
                Step::Settle(end, replies) => return CameOut::Settle(end, replies),
                Step::Drop => return CameOut::Drop(stop.unwrap_or_default()),
                Step::Release => return CameOut::Release,
            }
        }
    }

    /// The last commit of a guest that is asked to end: the rows are due again.
    fn release(&self) -> Result<(), GuestError> {
        let now = self.mailbox.now();
        self.mailbox.commit(|tx| tx.release_claims(now))?;
        Ok(())
    }

    /// A run that was stopped leaves nothing but that it was.
    async fn drop_turn(&mut self, claim: &Claim, control: i64) -> Result<(), GuestError> {
        let now = self.mailbox.now();
        let name = self.provider.name();
        let settlement = reply::cancelled(claim);
        let attempt = |mailbox: &Mailbox| {
            mailbox.commit(|tx| {
                put_all(tx, &settlement.acks, now)?;
                tx.put_run(&run_row(claim, Some((now, &settlement))))?;
                let ended = Some((now, settlement.outcome));
                tx.put_attempt(&attempt_row(claim, (name, None), ended))?;
                tx.ack_control(control, now)
            })
        };
        self.mailbox.patiently(&self.cancel, attempt).await
    }

    /// Files first, then replies, acks and the run's end in one transaction.
    async fn settle(
        &mut self,
        claim: &Claim,
        settlement: &Settlement,
        model: Option<String>,
    ) -> Result<(), GuestError> {
        let now = self.mailbox.now();
        let read = self.inbox.highest_seq();
        let name = self.provider.name();
        let ids: Vec<MessageId> = settlement.drafts.iter().map(|_| MessageId::mint(now)).collect();
        let attempt = |mailbox: &Mailbox| {
            let mut rows = Vec::with_capacity(ids.len());
            // Read as late as can be: whom a name stands for may have changed during the turn.
            let named = settlement.drafts.iter().any(|draft| draft.to.is_some());
            let book = if named { mailbox.inbound.destinations()? } else { Vec::new() };
            for (draft, id) in settlement.drafts.iter().zip(&ids) {
                let draft = match draft.to {
                    Some(_) => Cow::Owned(draft.clone().addressed(&book)),
                    None => Cow::Borrowed(draft),
                };
                let filed = outbox::put(&mailbox.dir, id, &draft.files)?;
                rows.push(outbound(claim, &draft, (id, now), filed));
            }
            mailbox.commit(|tx| {
                for row in &rows {
                    tx.append(row, read)?;
                }
                put_all(tx, &settlement.acks, now)?;
                tx.put_run(&run_row(claim, Some((now, settlement))))?;
                let ended = Some((now, settlement.outcome));
                tx.put_attempt(&attempt_row(claim, (name, model.clone()), ended))
            })
        };
        self.mailbox.patiently(&self.cancel, attempt).await
    }
}

/// How long reading has failed.
#[derive(Debug, Default)]
struct Trouble {
    since: Option<Instant>,
    pause: Option<Duration>,
}

impl Trouble {
    /// How long to wait before the next try; `None` to give up.
    fn pause(&mut self, error: &schemas::sqlite::StoreError) -> Option<Duration> {
        let since = *self.since.get_or_insert_with(Instant::now);
        if !is_again_later(error) && since.elapsed() >= limits::READ_GIVE_UP {
            return None;
        }
        let pause = self.pause.map_or(limits::READ_PAUSE, |last| last * 2);
        self.pause = Some(pause.min(limits::READ_PAUSE_MAX));
        self.pause
    }
}

/// A provider's word and its model.
type Answers<'a> = (&'a str, Option<String>);

fn write_run(mailbox: &Mailbox, claim: &Claim, by: Answers<'_>) -> Result<(), GuestError> {
    mailbox.commit(|tx| {
        tx.put_run(&run_row(claim, None))?;
        tx.put_attempt(&attempt_row(claim, by, None))
    })
}

fn run_row(claim: &Claim, ended: Option<(Timestamp, &Settlement)>) -> RunRow {
    RunRow {
        run: claim.run.clone(),
        messages: claim.rows().map(|row| row.id.clone()).collect(),
        started_at: claim.at,
        ended: ended.map(|(at, settlement)| (at, settlement.outcome)),
        error_code: ended.and_then(|(_, settlement)| settlement.error_code.clone()),
    }
}

fn attempt_row(
    claim: &Claim,
    (name, model): Answers<'_>,
    ended: Option<(Timestamp, Outcome)>,
) -> AttemptRow {
    AttemptRow {
        run: claim.run.clone(),
        n: 1,
        provider: name.to_owned(),
        model,
        started_at: claim.at,
        ended,
    }
}

fn outbound(
    claim: &Claim,
    draft: &Draft,
    (id, now): (&MessageId, Timestamp),
    filed: Filed,
) -> NewOutbound {
    let content = match &draft.what {
        What::Words(text) => {
            let mut lines = Vec::from([text.clone()]);
            lines.extend(filed.problems);
            lines.retain(|line| !line.is_empty());
            content::write(&ChatOut {
                text: lines.join("\n"),
                files: filed.names,
                ..ChatOut::default()
            })
        }
        What::Change(operation) => content::write(operation),
        What::Ask(question) => content::write(&content::tagged("ask_question", question)),
        What::Show(card) => content::write(&content::tagged("card", card)),
        What::Act(request) => content::write(request),
    };
    let (kind, address) = match &draft.what {
        What::Words(_) | What::Change(_) => (Kind::Chat, draft.address.clone()),
        What::Ask(_) | What::Show(_) => (Kind::ChatSdk, draft.address.clone()),
        What::Act(_) => (Kind::System, None),
    };
    NewOutbound {
        id: id.clone(),
        in_reply_to: draft.in_reply_to.clone(),
        timestamp: now,
        kind,
        address,
        content,
        run: Some(claim.run.clone()),
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    left.clamp(Duration::from_millis(1), limits::DUE_SLEEP_MAX)
}
