//! The tool that a guest runs: written before it acts, gone after it.
//!
//! Owns `container_state`, and the word that a dead guest's work is not to be repeated: a run
//! whose attempt had started a tool is over, whoever finds it.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    read::{OutboundCopy, moment, optional, text, whole},
    tables,
    write::OutboundTx,
};
use crate::{
    ids::RunId,
    limits::MAX_TOOL_TIMEOUT,
    message::{AckStatus, Outcome},
    refused::{Refused, RefusedKind},
    sqlite::StoreError,
    time,
};

/// What a run's row says of a turn that broke off after a tool had started.
pub const INTERRUPTED: &str = "interrupted";

/// A row of `container_state`: the tool that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRow {
    /// Its name.
    pub name: String,
    /// How long it may take without a sign of progress, as far as it said so.
    pub timeout: Option<Duration>,
    /// When it started.
    pub started_at: Timestamp,
}

/// The guest's word about the tool that runs. The name is nobody's business here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolSeen {
    /// How long it may take without a sign of progress; never more than the contract allows.
    pub timeout: Duration,
    /// When it started, by the guest's clock.
    pub started_at: Option<Timestamp>,
}

impl OutboundTx<'_> {
    /// Says which tool runs, or that none does.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_tool(&self, tool: Option<&ToolRow>, now: Timestamp) -> Result<(), StoreError> {
        let timeout = tool.and_then(|tool| tool.timeout).map(|timeout| timeout.as_millis());
        self.tx
            .prepare_cached(
                "INSERT INTO container_state (id, current_tool, tool_declared_timeout_ms, \
                 tool_started_at, updated_at) VALUES (1, ?1, ?2, ?3, ?4) ON CONFLICT (id) DO \
                 UPDATE SET current_tool = ?1, tool_declared_timeout_ms = ?2, \
                 tool_started_at = ?3, updated_at = ?4",
            )?
            .execute(params![
                tool.map(|tool| &tool.name),
                timeout.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
                tool.map(|tool| time::format(tool.started_at)),
                time::format(now),
            ])?;
        Ok(())
    }

    /// Settles what a guest that is no more left behind. A claim of a run that had started no tool
    /// is dropped: its row is due again. One of a run that had is over: a repeat could do twice
    /// what was done once. Answers how many claims there were.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn release_claims(&self, now: Timestamp) -> Result<usize, StoreError> {
        let now = time::format(now);
        let (failed, interrupted) = (AckStatus::Failed.as_str(), Outcome::Interrupted.as_str());
        let over = self.tx.execute(
            "UPDATE processing_ack SET status = ?1, status_changed = ?2, error = ?3 \
             WHERE status = 'processing' AND run_id IN \
             (SELECT run_id FROM attempts WHERE tools_started > 0)",
            params![failed, now, INTERRUPTED],
        )?;
        let dropped =
            self.tx.execute("DELETE FROM processing_ack WHERE status = 'processing'", [])?;
        self.tx.execute(
            "UPDATE runs SET status = 'ended', ended_at = ?1, outcome = ?2, error_code = \
             (SELECT ?3 FROM attempts WHERE attempts.run_id = runs.run_id AND tools_started > 0) \
             WHERE status = 'running'",
            params![now, interrupted, INTERRUPTED],
        )?;
        self.tx.execute(
            "UPDATE attempts SET status = 'ended', ended_at = ?1 WHERE status = 'running'",
            [&now],
        )?;
        self.tx.execute("DELETE FROM container_state", [])?;
        Ok(over + dropped)
    }
}

impl OutboundCopy {
    /// Whether any attempt of a run had started a tool.
    ///
    /// # Errors
    /// When the copy cannot be read, or what stands there is not the contract's.
    pub fn tools_started(&self, run: &RunId) -> Result<bool, Refused> {
        let sql = "SELECT coalesce(max(tools_started), 0) FROM attempts WHERE run_id = ?1";
        let found = self.ask().query_row(sql, [run.as_str()], |row| Ok(whole(row, 0, "tools")));
        let started = found.map_err(tables::refuse)?;
        let started = started.map_err(|reason| hostile("attempts", &reason))?;
        Ok(started > 0)
    }

    /// The tool that runs, as the guest says.
    ///
    /// # Errors
    /// When the copy cannot be read, or what stands there is not the contract's.
    pub fn tool(&self) -> Result<Option<ToolSeen>, Refused> {
        let sql = "SELECT iif(current_tool IS NULL, NULL, 'some'), \
                   coalesce(tool_declared_timeout_ms, 0), \
                   iif(octet_length(tool_started_at) > 64, x'', tool_started_at) \
                   FROM container_state WHERE id = 1";
        let read = |row: &rusqlite::Row<'_>| -> Result<Option<ToolSeen>, String> {
            if text(row, 0, "current_tool")?.is_none() {
                return Ok(None);
            }
            let declared = whole(row, 1, "tool_declared_timeout_ms")?;
            let declared = Duration::from_millis(u64::try_from(declared).unwrap_or_default());
            let started_at = optional(row, 2, "tool_started_at", moment)?;
            Ok(Some(ToolSeen { timeout: declared.min(MAX_TOOL_TIMEOUT), started_at }))
        };
        let found = self.ask().query_row(sql, [], |row| Ok(read(row))).optional();
        let found = found.map_err(tables::refuse)?.transpose();
        Ok(found.map_err(|reason| hostile("container_state", &reason))?.flatten())
    }
}

fn hostile(table: &str, reason: &str) -> Refused {
    Refused::new(RefusedKind::Hostile, format!("{table}: {reason}"))
}
