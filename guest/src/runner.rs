//! The turn loop: look, claim, let the provider work, settle, look again.
//!
//! Owns the order of these steps and the one task that does them. Decides nothing about rows or
//! replies itself (`turn`, `reply`); never holds a transaction across an await.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;
use schemas::ids::MessageId;
use tokio::{
    select,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    asking::{CameOut, End},
    attempt::Attempt,
    chain::Chain,
    controls::Controls,
    error::{GuestError, GuestErrorKind},
    inbox::{Inbox, Look, is_again_later, put_all},
    limits,
    live::Live,
    mailbox::Mailbox,
    natives::Natives,
    outbox, prompt,
    providers::Providers,
    prune::Pruner,
    reply::{self, BrokenOff, Claim, Failure, Settlement},
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
    pub(crate) providers: Providers,
    /// When one of them last did anything.
    pub(crate) worked_at: Instant,
    pub(crate) chain: Chain,
    pub(crate) natives: Natives,
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
        self.providers.close().await;
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
            () = sleep_until(self.worked_at + limits::PROVIDERS_REST_AFTER), if self.providers.any() => {
                self.providers.close().await;
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
        self.chain.set(session.chain());
        let (turn, unreadable) =
            prompt::assemble(claim.run.clone(), session, &claim.triggers, &claim.context);
        self.live.begin(&claim.run, claim.at);
        let came_out = if turn.messages.is_empty() {
            let end = End::Settle(None, Vec::new());
            CameOut { end, last: Attempt::first(&self.chain, claim.at) }
        } else {
            self.ask(&claim, &turn).await
        };
        let closing = |control| Closing { last: came_out.last, control };
        let (settlement, closing) = match came_out.end {
            End::Exit(code) => {
                let kind = GuestErrorKind::Exit(code);
                return Err(GuestError::bare(kind, "the provider ended the process"));
            }
            End::Settle(failure, replies) => {
                self.mailbox.steps.reached(Step::Answered);
                if let Some(Failure { code, error, .. }) = &failure {
                    tracing::warn!(code, error, "the turn failed");
                }
                let settlement = reply::settle(&claim, &unreadable, replies, failure.as_ref());
                (settlement, closing(None))
            }
            End::Drop(control, said) => {
                (reply::broken_off(&claim, said, BrokenOff::Stopped), closing(Some(control)))
            }
            End::BreakOff(said) => {
                (reply::broken_off(&claim, said, BrokenOff::Interrupted), closing(None))
            }
            End::Release => return self.release(),
        };
        self.worked_at = Instant::now();
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
                if closing.last.sent.iter().any(|sent| sent.says(&draft)) {
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
                script::forget(tx, claim, settlement, now)?;
                let ended = Some((now, settlement.outcome));
                let why = settlement.error_code.as_deref();
                tx.put_attempt(&rows::attempt(claim, &closing.last, ended, why))?;
                if let Some(native) = &closing.last.native {
                    let (by, model) = (&closing.last.provider, closing.last.model.as_deref());
                    tx.put_native_session(by, model, native, now)?;
                }
                if closing.last.tools_started > 0 {
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
    last: Attempt,
    /// What the host asked for, when this is the answer to it.
    control: Option<i64>,
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
