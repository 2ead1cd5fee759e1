//! One look at what a guest wrote, on a blocking thread.
//!
//! Owns what is read in one go: new rows, the acks of the rows that wait, and the runs they name.
//! Decides nothing. A hostile file can hang only the thread that looks at it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use schemas::{
    host_side::{
        AckSeen, BadRow, InboundWriter, OutboundCopy, OutboundReader, Reading, Refused, RunSeen,
        ToolSeen, Unsettled,
    },
    ids::{MessageId, RunId},
    message::{AckStatus, OutboundRow},
};

use crate::{
    error::{ErrorKind, HostError},
    limits,
};

/// The reader is kept for the life of the task: it holds the one descriptor of the file.
pub(super) type SharedReader = Arc<Mutex<OutboundReader>>;

/// What a look is to find out.
#[derive(Debug)]
pub(super) struct Ask {
    /// Rows above this number are new.
    pub(super) cursor: i64,
    /// The rows whose acks matter.
    pub(super) open: Vec<Unsettled>,
    /// Look even if the file seems unchanged.
    pub(super) force: bool,
    /// Whether there is room for new rows; without, they stay in the file for a later look.
    pub(super) take_rows: bool,
    /// Until a task has seen every row once: skip what the ledger has a final word about.
    pub(super) catch_up: Option<InboundWriter>,
}

/// What a look found.
#[derive(Debug)]
pub(super) enum Found {
    /// No file, or no change.
    Nothing,
    /// Cannot be told now: the guest died while writing, or our own ledger cannot be read. What
    /// is not known to be new is never sent.
    NotSettled,
    /// Something new.
    Fresh(Box<Fresh>),
    /// The files broke the contract.
    Refused(Refused),
}

/// What is new.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// Rows in order of their numbers.
    pub(super) rows: Vec<Result<OutboundRow, BadRow>>,
    /// The guest's word about each row that waits.
    pub(super) acks: Vec<(Unsettled, Option<AckSeen>)>,
    /// The runs that those acks name.
    pub(super) runs: BTreeMap<RunId, RunSeen>,
    /// Those of them that have started a tool, as far as somebody must know.
    pub(super) acted: BTreeSet<RunId>,
    /// The tool that runs now, if one does.
    pub(super) tool: Option<ToolSeen>,
    /// The highest number that was looked at.
    pub(super) cursor: i64,
    /// Whether there may be more rows than this look took.
    pub(super) more: bool,
}

/// Looks; blocks. Answers what was found and how long the look took.
pub(super) fn look(reader: &SharedReader, ask: &Ask) -> (Found, Duration) {
    let began = Instant::now();
    let found = match read(reader, ask.force) {
        Ok(Reading::Absent | Reading::Unchanged) => Found::Nothing,
        Ok(Reading::NotSettled) => Found::NotSettled,
        Ok(Reading::Copy(copy)) => match collect(&copy, ask) {
            Ok(Some(fresh)) => Found::Fresh(Box::new(fresh)),
            Ok(None) => Found::NotSettled,
            Err(refused) => Found::Refused(refused),
        },
        Err(refused) => Found::Refused(refused),
    };
    (found, began.elapsed())
}

fn read(reader: &SharedReader, force: bool) -> Result<Reading, Refused> {
    // A look that panicked left the reader whole: it only keeps a descriptor and a counter.
    reader.lock().unwrap_or_else(PoisonError::into_inner).read(force)
}

/// A look for somebody who asks about the past; the session's own next look misses nothing.
pub(super) fn peek(reader: &SharedReader) -> Result<Reading, Refused> {
    reader.lock().unwrap_or_else(PoisonError::into_inner).peek()
}

/// All rows above a number, page by page.
pub(super) fn pages_above(
    copy: &OutboundCopy,
    mut cursor: i64,
) -> impl Iterator<Item = Result<Vec<OutboundRow>, Refused>> {
    std::iter::from_fn(move || {
        let page = match copy.messages_above(cursor, limits::ROWS_PER_LOOK) {
            Ok(page) => page,
            Err(refused) => return Some(Err(refused)),
        };
        cursor = page.iter().rev().find_map(|row| match row {
            Ok(row) => Some(row.seq),
            Err(bad) => bad.seq,
        })?;
        Some(Ok(page.into_iter().flatten().collect()))
    })
}

/// What went wrong when somebody asked about the past.
pub(super) fn unreadable(refused: Refused) -> HostError {
    HostError::new(ErrorKind::Storage, "cannot read the session").because(refused)
}

fn collect(copy: &OutboundCopy, ask: &Ask) -> Result<Option<Fresh>, Refused> {
    let mut fresh = Fresh { cursor: ask.cursor, more: !ask.take_rows, ..Fresh::default() };
    if ask.take_rows && !take_rows(copy, ask, &mut fresh)? {
        return Ok(None);
    }
    for row in &ask.open {
        let ack = copy.ack(&row.id)?;
        if let Some(ack) = ack.as_ref().filter(|ack| ack.tries >= row.tries) {
            look_at_tools(copy, ack, &mut fresh)?;
        }
        if let Some(run) = ack.as_ref().and_then(|ack| ack.run.as_ref())
            && !fresh.runs.contains_key(run)
            && let Some(seen) = copy.run(run)?
        {
            fresh.runs.insert(run.clone(), seen);
        }
        fresh.acks.push((row.clone(), ack));
    }
    Ok(Some(fresh))
}

/// Whether what is not done yet may be done again. What is over needs no such question.
fn look_at_tools(copy: &OutboundCopy, ack: &AckSeen, fresh: &mut Fresh) -> Result<(), Refused> {
    match ack.status {
        AckStatus::Completed | AckStatus::Failed | AckStatus::Cancelled => return Ok(()),
        AckStatus::Processing if fresh.tool.is_none() => fresh.tool = copy.tool()?,
        AckStatus::Processing | AckStatus::Retry => {}
    }
    if let Some(run) = ack.run.as_ref()
        && copy.tools_started(run)?
    {
        fresh.acted.insert(run.clone());
    }
    Ok(())
}

/// Takes the next page of rows; `false` when it cannot be told which of them are new.
fn take_rows(copy: &OutboundCopy, ask: &Ask, fresh: &mut Fresh) -> Result<bool, Refused> {
    loop {
        let page = copy.messages_above(fresh.cursor, limits::ROWS_PER_LOOK)?;
        let full = page.len() == limits::ROWS_PER_LOOK;
        let before = fresh.cursor;
        for row in page {
            let seq = match &row {
                Ok(row) => Some(row.seq),
                Err(bad) => bad.seq,
            };
            fresh.cursor = fresh.cursor.max(seq.unwrap_or(fresh.cursor));
            fresh.rows.push(row);
        }
        if let Some(writer) = &ask.catch_up
            && !skip_settled(&mut fresh.rows, writer)
        {
            return Ok(false);
        }
        let moved = fresh.cursor > before;
        fresh.more = full && moved;
        // Settled rows of the past are stepped over in one go; new ones are taken page by page.
        if !fresh.more {
            return Ok(true);
        }
        if !fresh.rows.is_empty() {
            copy.bound_backlog(fresh.cursor, limits::BACKLOG_ROWS)?;
            return Ok(true);
        }
    }
}

/// Takes out what the ledger has a final word about; `false` when the ledger cannot be read.
fn skip_settled(rows: &mut Vec<Result<OutboundRow, BadRow>>, writer: &InboundWriter) -> bool {
    let ids: Vec<MessageId> = rows.iter().flatten().map(|row| row.id.clone()).collect();
    let Ok(settled) = writer.settled_out(&ids) else { return false };
    rows.retain(|row| !row.as_ref().is_ok_and(|row| settled.contains(&row.id)));
    true
}
