//! A task's script: runs before the model, and may spare it.
//!
//! Owns what follows from it: the heartbeat and a stop go on while its `child` works, and its last
//! line says whether the model is asked, and what it is told beside the prompt.
//!
//! It may act, so it is no different from a tool: that it begins stands in the file before it does,
//! and what it found before anybody is asked. Whoever finds it begun does not run it again; whoever
//! finds its end, after a failed try or a death, goes on from there.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::Timestamp;
use schemas::{
    content,
    guest_side::OutboundTx,
    message::{AckStatus, InboundRow, Kind},
    sqlite::StoreError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::{select, time::interval_at};

use crate::{
    error::GuestError,
    inbox::put_all,
    limits,
    mailbox::Mailbox,
    reply::{self, BrokenOff, Claim, Failure, NO_REPLY, Reply, Retry, Settlement},
    rows,
    runner::Runner,
};

mod child;

/// The last line of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    wake_agent: bool,
    #[serde(default)]
    data: Option<Value>,
}

/// How far the script of a row came, in the guest's own key-value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stands {
    /// It acts, or did.
    Begun,
    /// It said that the model is to be asked.
    Ended(Said),
}

/// Ends the script when nobody waits for it any more.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Runner {
    /// The claim with what its script found; `None` when the run is over by that.
    ///
    /// # Errors
    /// When the outcome cannot be written.
    pub(crate) async fn scripted(&mut self, claim: Claim) -> Result<Option<Claim>, GuestError> {
        let Some(script) = claim.triggers.first().and_then(script_of) else {
            return Ok(Some(claim));
        };
        match self.begin(&claim).await? {
            None => {}
            Some(Stands::Ended(said)) => return Ok(Some(told(claim, said))),
            Some(Stands::Begun) => {
                let over = reply::broken_off(&claim, Vec::new(), BrokenOff::Interrupted);
                return self.over(&claim, &over, None).await;
            }
        }
        let gone = Arc::new(AtomicBool::new(false));
        let _waits = Waits(gone.clone());
        let dir = self.mailbox.dir.work();
        let mut work = tokio::task::spawn_blocking(move || {
            child::run(&script, &dir, limits::SCRIPT_TIME, &gone)
        });
        let mut stop = self.controls.abort(&self.mailbox.inbound, claim.at);
        let start = tokio::time::Instant::now() + limits::HEARTBEAT;
        let mut beat = interval_at(start, limits::HEARTBEAT);
        let said = loop {
            select! {
                // As in a turn: the guest ends, stops and lives whatever the script does.
                biased;
                () = self.cancel.cancelled() => {
                    let over = reply::broken_off(&claim, Vec::new(), BrokenOff::Interrupted);
                    return self.over(&claim, &over, None).await;
                }
                () = std::future::ready(()), if stop.is_some() => {
                    let stopped = reply::broken_off(&claim, Vec::new(), BrokenOff::Stopped);
                    return self.over(&claim, &stopped, stop).await;
                }
                _ = beat.tick() => self.mailbox.beat(),
                () = self.wake.changed() => {
                    stop = self.controls.abort(&self.mailbox.inbound, claim.at);
                }
                said = &mut work => break said.unwrap_or_else(|_| Err("it broke off".to_owned())),
            }
        };
        match said {
            Ok(said) if said.wake_agent => {
                self.keep(&claim, &Stands::Ended(said.clone())).await?;
                Ok(Some(told(claim, said)))
            }
            Ok(_) => self.unasked(&claim, None).await,
            Err(why) => {
                let error = format!("the script failed: {why}");
                let failure = Failure { code: "script".to_owned(), error, retry: Retry::Never };
                self.unasked(&claim, Some(failure)).await
            }
        }
    }

    /// Writes that the script acts from now on, unless it did before: then how far it came.
    async fn begin(&mut self, claim: &Claim) -> Result<Option<Stands>, GuestError> {
        let Some(key) = key_of(claim) else { return Ok(None) };
        let (now, begun) = (self.mailbox.now(), content::write(&Stands::Begun));
        let before = |mailbox: &Mailbox| {
            mailbox.commit(|tx| {
                let before = tx.state(&key)?;
                if before.is_none() {
                    tx.put_state(&key, Some(&begun), now)?;
                }
                Ok(before)
            })
        };
        let before = self.mailbox.patiently(&self.cancel, before).await?;
        // What cannot be read counts as if it had acted.
        Ok(before.map(|before| serde_json::from_str(&before).unwrap_or(Stands::Begun)))
    }

    async fn keep(&mut self, claim: &Claim, stands: &Stands) -> Result<(), GuestError> {
        let Some(key) = key_of(claim) else { return Ok(()) };
        let (now, stands) = (self.mailbox.now(), content::write(stands));
        let keep = |mailbox: &Mailbox| mailbox.commit(|tx| tx.put_state(&key, Some(&stands), now));
        self.mailbox.patiently(&self.cancel, keep).await
    }

    /// Settles a run in which no provider was asked.
    async fn unasked(
        &mut self,
        claim: &Claim,
        failure: Option<Failure>,
    ) -> Result<Option<Claim>, GuestError> {
        let silence = claim.triggers.iter().map(|row| Reply::words(row.id.clone(), NO_REPLY));
        let settlement = reply::settle(claim, &[], silence.collect(), failure.as_ref());
        self.over(claim, &settlement, None).await
    }

    async fn over(
        &mut self,
        claim: &Claim,
        settlement: &Settlement,
        control: Option<i64>,
    ) -> Result<Option<Claim>, GuestError> {
        let now = self.mailbox.now();
        self.mailbox
            .patiently(&self.cancel, |mailbox| {
                mailbox.commit(|tx| {
                    put_all(tx, &settlement.acks, now)?;
                    tx.put_run(&rows::run(claim, Some((now, settlement))))?;
                    forget(tx, claim, settlement, now)?;
                    control.map_or(Ok(()), |control| tx.ack_control(control, now))
                })
            })
            .await?;
        Ok(None)
    }
}

/// What was kept of a script goes with its row's end; a row that is tried again needs it.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn forget(
    tx: &OutboundTx<'_>,
    claim: &Claim,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<(), StoreError> {
    let again = settlement.acks.first().is_some_and(|ack| ack.status == AckStatus::Retry);
    match key_of(claim).filter(|_| !again) {
        Some(key) => tx.put_state(&key, None, now),
        None => Ok(()),
    }
}

/// Under which key it stands how far the script of a claim came.
fn key_of(claim: &Claim) -> Option<String> {
    let row = claim.triggers.first()?;
    script_of(row).map(|_| format!("script:{}", row.id))
}

/// The claim with what its script found.
fn told(mut claim: Claim, said: Said) -> Claim {
    if let (Some(data), Some(row)) = (said.data, claim.triggers.first_mut()) {
        row.content = with(&row.content, &data);
    }
    claim
}

fn script_of(row: &InboundRow) -> Option<String> {
    if row.kind != Kind::Task {
        return None;
    }
    let content: Map<String, Value> = content::read(&row.content).ok()?;
    content.get("script")?.as_str().filter(|script| !script.is_empty()).map(str::to_owned)
}

/// A task's content with what its script found at the end of its prompt.
fn with(content: &str, data: &Value) -> String {
    let Ok(mut fields) = content::read::<Map<String, Value>>(content) else {
        return content.to_owned();
    };
    let prompt = fields.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let found = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
    let prompt = format!("{prompt}\n\n{found}");
    fields.insert("prompt".to_owned(), prompt.into());
    content::write(&fields)
}
