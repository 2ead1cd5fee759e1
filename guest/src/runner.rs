//! The turn loop: look, claim, let the provider work, settle, look again.
//!
//! Owns the order of these steps and the one task that does them. Decides nothing about rows or
//! replies itself (`turn`, `reply`); never holds a transaction across an await.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;
use schemas::{ids::MessageId, usage::Usage};
use tokio::{
    select,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    asking::{CameOut, How},
    controls::Controls,
    error::{GuestError, GuestErrorKind},
    inbox::{Inbox, Look, is_again_later, put_all},
    limits,
    live::Live,
    mailbox::Mailbox,
    outbox,
    posting::Sent,
    prompt,
    provider::{Fault, Provider, Retry},
    prune::Pruner,
    reply::{self, BrokenOff, Claim, Failure, Settlement, TurnEnd},
    rows, script,
    session::Session,
    steps::Step,
    tools::Desk,
    wake::Wake,
};

/// Everything that one guest works with.
pub(crate) struct Runner {
    pub(crate) mailbox: Mailbox,
    pub(crate) session: Session,
    pub(crate) controls: Controls,
    pub(crate) inbox: Inbox,
    pub(crate) pruner: Pruner,
    pub(crate) live: Live,
    pub(crate) wake: Box<dyn Wake>,
    pub(crate) provider: Box<dyn Provider>,
    pub(crate) desk: Desk,
    pub(crate) cancel: CancellationToken,
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
        let Some(claim) = self.scripted(claim).await? else { return Ok(()) };
        let session = self.session.now(&self.mailbox.dir);
        let (turn, unreadable) =
            prompt::assemble(claim.run.clone(), session, &claim.triggers, &claim.context);
        self.live.begin(&claim.run, claim.at);
        let came_out = if turn.messages.is_empty() {
            let how = How::Settle(TurnEnd::Done, Vec::new());
            CameOut { how, tools_started: 0, used: None, sent: Vec::new() }
        } else {
            self.ask(&claim, &turn).await
        };
        let (tools_started, used) = (came_out.tools_started, came_out.used);
        let (model, sent) = (turn.model.clone(), came_out.sent);
        let closing = |control| Closing { model, tools_started, used, control, sent };
        let (settlement, closing) = match came_out.how {
            How::Settle(end, replies) => {
                self.mailbox.steps.reached(Step::Answered);
                let failure = failure_of(end)?;
                let settlement = reply::settle(&claim, &unreadable, replies, failure.as_ref());
                (settlement, closing(None))
            }
            How::Drop(control, said) => {
                (reply::broken_off(&claim, said, BrokenOff::Stopped), closing(Some(control)))
            }
            How::BreakOff(said) => {
                (reply::broken_off(&claim, said, BrokenOff::Interrupted), closing(None))
            }
            How::Release => return self.release(),
        };
        self.settle(&claim, &settlement, &closing).await?;
        self.mailbox.steps.reached(Step::Settled);
        if self.pruner.count_run() {
            self.forget_and_prune();
        }
        Ok(())
    }

    /// The last commit of a guest that is asked to end: the rows are due again.
    pub(crate) fn release(&self) -> Result<(), GuestError> {
        let now = self.mailbox.now();
        self.mailbox.commit(|tx| tx.release_claims(now))?;
        Ok(())
    }

    /// Files first, then replies, acks and the run's end in one transaction.
    async fn settle(
        &mut self,
        claim: &Claim,
        settlement: &Settlement,
        closing: &Closing,
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
                if closing.sent.iter().any(|sent| sent.says(&draft)) {
                    continue;
                }
                let filed = outbox::put(&mailbox.dir, id, &draft.files)?;
                if !filed.names.is_empty() {
                    mailbox.steps.reached(Step::FilesWritten);
                }
                rows.push(rows::outbound(claim, &draft, (id, now), filed));
            }
            mailbox.commit(|tx| {
                for row in &rows {
                    tx.append(row, read)?;
                }
                put_all(tx, &settlement.acks, now)?;
                tx.put_run(&rows::run(claim, Some((now, settlement))))?;
                let by = rows::By {
                    provider: name,
                    model: closing.model.as_deref(),
                    tools_started: closing.tools_started,
                    used: closing.used,
                };
                script::forget(tx, claim, settlement, now)?;
                tx.put_attempt(&rows::attempt(claim, by, Some((now, settlement.outcome))))?;
                if closing.tools_started > 0 {
                    tx.put_tool(None, now)?;
                }
                closing.control.map_or(Ok(()), |control| tx.ack_control(control, now))
            })
        };
        self.mailbox.patiently(&self.cancel, attempt).await
    }
}

/// What else is known of a turn that is over.
struct Closing {
    model: Option<String>,
    tools_started: u32,
    used: Option<Usage>,
    /// What the host asked for, when this is the answer to it.
    control: Option<i64>,
    /// What tools have said already, and what is not said again.
    sent: Vec<Sent>,
}

/// Why it failed, if it did; an error when the provider ends the whole process.
fn failure_of(end: TurnEnd) -> Result<Option<Failure>, GuestError> {
    match end {
        TurnEnd::Done | TurnEnd::Stopped => Ok(None),
        TurnEnd::Broke(fault) => Ok(Some(of_fault(&fault))),
        TurnEnd::Failed(failure) => {
            tracing::warn!(code = failure.code, error = failure.error, "the turn failed");
            Ok(Some(failure))
        }
        TurnEnd::Exit(code) => {
            let kind = GuestErrorKind::Exit(code);
            Err(GuestError::bare(kind, "the provider ended the process"))
        }
    }
}

/// What a room hears of a provider that could not answer: calm, and without its own words.
fn of_fault(fault: &Fault) -> Failure {
    tracing::warn!(class = fault.class.as_str(), detail = fault.detail, "the provider is down");
    Failure {
        code: fault.class.as_str().to_owned(),
        error: "my provider cannot answer just now".to_owned(),
        retry: if fault.class.is_transient() { Retry::Later } else { Retry::Never },
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

fn until(now: Timestamp, at: Timestamp) -> Duration {
    let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    left.clamp(Duration::from_millis(1), limits::DUE_SLEEP_MAX)
}
