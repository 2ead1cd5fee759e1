//! The guest's side of `outbound.db`: open, write in one transaction, close.
//!
//! Owns numbering (odd, above everything the guest has read), claims and their settling. Closing
//! after each commit is also the wake-up: the host watches for the file being closed.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::MIGRATIONS;
use crate::{
    ids::{MessageId, RunId},
    message::{AckStatus, NewOutbound, Outcome, column_words},
    session_dir::SessionDir,
    sqlite::{Patience, StoreError, open_session_writer},
    time,
    usage::Usage,
};

/// The only way to write `outbound.db`. Holds no connection.
#[derive(Debug, Clone)]
pub struct OutboundWriter {
    pub(super) dir: SessionDir,
}

/// The guest's word about one inbound row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The inbound row.
    pub message: MessageId,
    /// How far it came.
    pub status: AckStatus,
    /// The row's `tries` when it was claimed.
    pub tries: i64,
    /// The run that works on it.
    pub run: Option<RunId>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it may be tried again.
    pub retry_at: Option<Timestamp>,
}

column_words!(
    /// How far a run came, in the guest's words.
    RunStatus {
        /// A provider works on it.
        Running = "running",
        /// It has an outcome.
        Ended = "ended",
    }
);

column_words!(
    /// What a failure lies with, which decides where a next attempt may go.
    ErrorScope {
        /// The provider: another model of it would fare no better.
        Provider = "provider",
        /// This model alone: another one of the same provider may do.
        Model = "model",
    }
);

/// A row of `runs`: the guest's claim about one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Minted by the guest at its claim.
    pub run: RunId,
    /// The inbound rows that it answers.
    pub messages: Vec<MessageId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, with what.
    pub ended: Option<(Timestamp, Outcome)>,
    /// A short stable word for what went wrong.
    pub error_code: Option<String>,
    /// What the fault lies with.
    pub error_scope: Option<ErrorScope>,
}

/// A row of `attempts`: one try of one provider inside a run.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// Its run.
    pub run: RunId,
    /// 1 for the first.
    pub n: u32,
    /// What answered.
    pub provider: String,
    /// Which model it was told to use.
    pub model: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, with what.
    pub ended: Option<(Timestamp, Outcome)>,
    /// The provider's own id of the conversation, once it is known.
    pub native: Option<String>,
    /// A short stable word for what went wrong.
    pub error_code: Option<String>,
    /// Tools that it started; written before the first of them acts.
    pub tools_started: u32,
    /// What it has used so far, as far as its provider says.
    pub used: Option<Usage>,
}

impl OutboundWriter {
    /// A writer for a session's file, which is created and migrated at the first write.
    #[must_use]
    pub fn new(dir: SessionDir) -> Self {
        Self { dir }
    }

    /// Opens, runs `work` in one transaction, commits and closes.
    ///
    /// # Errors
    /// When the file cannot be opened, migrated or written, or when `work` refuses; nothing is
    /// kept then.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&OutboundTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.attempt(work).map_err(|error| error.about(&self.dir.outbound_db()))
    }

    fn attempt<T>(
        &self,
        work: impl FnOnce(&OutboundTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut conn = open_session_writer(&self.dir.outbound_db(), MIGRATIONS, Patience::Long)?;
        let tx = OutboundTx { tx: conn.transaction_with_behavior(TransactionBehavior::Immediate)? };
        let value = work(&tx)?;
        tx.tx.commit()?;
        Ok(value)
    }
}

/// One transaction on `outbound.db`.
#[derive(Debug)]
pub struct OutboundTx<'c> {
    pub(super) tx: Transaction<'c>,
}

impl OutboundTx<'_> {
    /// Writes a row with the next odd number above `read`, the highest number that was read.
    ///
    /// # Errors
    /// When the file cannot be written, or the id is taken.
    pub fn append(&self, row: &NewOutbound, read: i64) -> Result<i64, StoreError> {
        let highest: i64 = self
            .tx
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM messages_out")?
            .query_row([], |found| found.get(0))?;
        let seq = (highest.max(read) + 1) | 1;
        let address = row.address.as_ref();
        self.tx
            .prepare_cached(
                "INSERT INTO messages_out (id, seq, in_reply_to, timestamp, kind, platform_id, \
                 channel_type, thread_id, content, run_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                row.id.as_str(),
                seq,
                row.in_reply_to.as_ref().map(MessageId::as_str),
                time::format(row.timestamp),
                row.kind.as_str(),
                address.map(|a| &a.platform_id),
                address.map(|a| &a.channel_type),
                address.and_then(|a| a.thread_id.as_ref()),
                row.content,
                row.run.as_ref().map(RunId::as_str),
            ])?;
        Ok(seq)
    }

    /// Says how far an inbound row came.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn ack(&self, ack: &Ack, now: Timestamp) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "INSERT INTO processing_ack (message_id, status, status_changed, run_id, error, \
                 tries, retry_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT (message_id) DO UPDATE SET status = ?2, status_changed = ?3, \
                 run_id = ?4, error = ?5, tries = ?6, retry_at = ?7",
            )?
            .execute(params![
                ack.message.as_str(),
                ack.status.as_str(),
                time::format(now),
                ack.run.as_ref().map(RunId::as_str),
                ack.error,
                ack.tries,
                ack.retry_at.map(time::format),
            ])?;
        Ok(())
    }

    /// Drops the claims on these rows, which are due again then.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn unclaim(&self, ids: &[MessageId]) -> Result<(), StoreError> {
        let mut delete = self.tx.prepare_cached(
            "DELETE FROM processing_ack WHERE message_id = ?1 AND status = 'processing'",
        )?;
        for id in ids {
            delete.execute([id.as_str()])?;
        }
        Ok(())
    }

    /// The acks of these rows with the `tries` they stand for: what the guest must not take
    /// again. Asked for pending rows only, so that it does not grow with the past.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn acks_of(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, i64>, StoreError> {
        let mut select =
            self.tx.prepare("SELECT tries FROM processing_ack WHERE message_id = ?1")?;
        let mut acks = HashMap::new();
        for id in ids {
            if let Some(tries) = select.query_row([id.as_str()], |row| row.get(0)).optional()? {
                acks.insert(id.clone(), tries);
            }
        }
        Ok(acks)
    }

    /// Writes what the guest says of a run.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_run(&self, run: &RunRow) -> Result<(), StoreError> {
        let ids: Vec<&str> = run.messages.iter().map(MessageId::as_str).collect();
        let status = if run.ended.is_some() { RunStatus::Ended } else { RunStatus::Running };
        self.tx
            .prepare_cached(
                "INSERT INTO runs (run_id, status, message_ids, started_at, ended_at, outcome, \
                 error_code, error_scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                 ON CONFLICT (run_id) DO UPDATE SET status = ?2, ended_at = ?5, outcome = ?6, \
                 error_code = ?7, error_scope = ?8",
            )?
            .execute(params![
                run.run.as_str(),
                status.as_str(),
                serde_json::json!(ids).to_string(),
                time::format(run.started_at),
                run.ended.map(|(at, _)| time::format(at)),
                run.ended.map(|(_, outcome)| outcome.as_str()),
                run.error_code,
                run.error_scope.map(ErrorScope::as_str),
            ])?;
        Ok(())
    }

    /// Writes what the guest says of an attempt.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_attempt(&self, attempt: &AttemptRow) -> Result<(), StoreError> {
        let status = attempt.ended.map_or("running", |(_, outcome)| outcome.as_str());
        let tokens = |of: fn(Usage) -> u64| {
            attempt.used.map(|used| i64::try_from(of(used)).unwrap_or(i64::MAX))
        };
        self.tx
            .prepare_cached(
                "INSERT INTO attempts (run_id, n, provider, status, started_at, ended_at, model, \
                 tools_started, input_tokens, cache_read_tokens, cache_write_tokens, \
                 output_tokens, reasoning_tokens, cost_usd, cost_known, native_session_id, \
                 error_code) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
                 ?15, ?16, ?17) \
                 ON CONFLICT (run_id, n) DO UPDATE SET status = ?4, ended_at = ?6, \
                 native_session_id = coalesce(?16, native_session_id), error_code = ?17, \
                 tools_started = max(tools_started, ?8), \
                 input_tokens = coalesce(?9, input_tokens), \
                 cache_read_tokens = coalesce(?10, cache_read_tokens), \
                 cache_write_tokens = coalesce(?11, cache_write_tokens), \
                 output_tokens = coalesce(?12, output_tokens), \
                 reasoning_tokens = coalesce(?13, reasoning_tokens), \
                 cost_usd = coalesce(?14, cost_usd), cost_known = coalesce(?15, cost_known)",
            )?
            .execute(params![
                attempt.run.as_str(),
                attempt.n,
                attempt.provider,
                status,
                time::format(attempt.started_at),
                attempt.ended.map(|(at, _)| time::format(at)),
                attempt.model,
                attempt.tools_started,
                tokens(|used| used.input_tokens),
                tokens(|used| used.cache_read_tokens),
                tokens(|used| used.cache_write_tokens),
                tokens(|used| used.output_tokens),
                tokens(|used| used.reasoning_tokens),
                attempt.used.and_then(|used| used.cost_usd),
                attempt.used.map(|used| used.cost_usd.is_some()),
                attempt.native,
                attempt.error_code,
            ])?;
        Ok(())
    }

    /// Says that something the host asked for was done.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn ack_control(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "INSERT OR IGNORE INTO control_acks (id, status, at) VALUES (?1, 'done', ?2)",
            )?
            .execute(params![id, time::format(now)])?;
        Ok(())
    }
}
