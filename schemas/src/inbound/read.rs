//! The guest's side of `inbound.db`: which rows are due, and what the host's ledger says.
//!
//! Owns the order of work (oldest waiting address first, one address per batch) and the rule that
//! the filter comes before the limit. Opens for each read; the file may not be written from here.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Control, MIGRATIONS};
use crate::{
    ids::MessageId,
    message::{Address, Destination, DestinationTarget, InboundRow, InboundStatus, Kind},
    session_dir::SessionDir,
    sqlite::{StoreError, open_session_reader},
    time,
};

/// The only way to read `inbound.db` in a guest. Holds no connection.
#[derive(Debug, Clone)]
pub struct InboundReader {
    pub(super) dir: SessionDir,
}

/// What the guest knows when it asks for work.
#[derive(Debug)]
pub struct DueQuery<'q> {
    /// The time now.
    pub now: Timestamp,
    /// Acks that the guest wrote: a row with `ack ≥ tries` is not due.
    pub acked: &'q HashMap<MessageId, i64>,
    /// Most triggers in one batch.
    pub limit: usize,
    /// Highest number of an `on_wake` row that is told: everything at a container's first read,
    /// what that read saw (its `highest_seq`) afterwards.
    pub on_wake_up_to: i64,
}

/// One batch: rows of one address, and what the guest must know beside them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DueBatch {
    /// Triggers in order of work; empty when nothing is due.
    pub triggers: Vec<InboundRow>,
    /// Context of the same address, to be told before the triggers.
    pub context: Vec<InboundRow>,
    /// When the next row that waits for its time becomes due.
    pub next_due: Option<Timestamp>,
    /// The highest number in the file: replies are numbered above it.
    pub highest_seq: i64,
}

/// Something that the host asks of a guest at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlRow {
    /// Its number; later ones are higher.
    pub id: i64,
    /// What is asked.
    pub kind: Control,
    /// When; a run that began later is not meant.
    pub at: Timestamp,
}

impl InboundReader {
    /// A reader for a session's file.
    #[must_use]
    pub fn new(dir: SessionDir) -> Self {
        Self { dir }
    }

    /// The next batch of due rows. A file that is not there yet is an empty batch.
    ///
    /// # Errors
    /// When the file cannot be read; `RollbackPending` means *again later*.
    pub fn due(&self, query: &DueQuery<'_>) -> Result<DueBatch, StoreError> {
        let Some(conn) = self.open()? else { return Ok(DueBatch::default()) };
        let mut batch = DueBatch { highest_seq: highest_seq(&conn)?, ..DueBatch::default() };
        batch.next_due = next_due(&conn, query.now)?;
        collect_due(&conn, query, &mut batch)?;
        if batch.triggers.is_empty() {
            batch.context.clear();
        }
        Ok(batch)
    }

    /// Reads whole rows again, after the claim: what counts is what stands there now.
    /// A row that is no longer there is left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn again(&self, ids: &[MessageId]) -> Result<Vec<InboundRow>, StoreError> {
        let Some(conn) = self.open()? else { return Ok(Vec::new()) };
        let mut select =
            conn.prepare(&format!("SELECT {COLUMNS} FROM messages_in WHERE id = ?1"))?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(row) = select.query_row([id.as_str()], inbound_row).optional()? {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Where text without an origin goes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn routing(&self) -> Result<Option<Address>, StoreError> {
        let Some(conn) = self.open()? else { return Ok(None) };
        let found = conn
            .query_row(
                "SELECT channel_type, platform_id, thread_id FROM session_routing WHERE id = 1",
                [],
                |row| address(row, 0),
            )
            .optional()?;
        Ok(found.flatten())
    }

    /// The address book, by name, as it is now.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a word that the contract does not have.
    pub fn destinations(&self) -> Result<Vec<Destination>, StoreError> {
        let Some(conn) = self.open()? else { return Ok(Vec::new()) };
        let mut select = conn.prepare(
            "SELECT name, display_name, type, agent_group_id, channel_type, platform_id, \
             thread_id FROM destinations ORDER BY name",
        )?;
        let rows = select.query_map([], destination)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the host asks for now, above a number, in order.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a word that the contract does not have.
    pub fn controls(&self, after: i64) -> Result<Vec<ControlRow>, StoreError> {
        let Some(conn) = self.open()? else { return Ok(Vec::new()) };
        let mut select =
            conn.prepare("SELECT id, kind, created_at FROM controls WHERE id > ?1 ORDER BY id")?;
        let rows = select.query_map([after], |row| {
            Ok(ControlRow {
                id: row.get(0)?,
                kind: word(row, 1, Control::parse)?,
                at: timestamp(row, 2)?.ok_or_else(|| unreadable(2, "no time"))?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Of these outbound rows, those that the host has given a final word about, in the mailbox
    /// or in the history that its ledger moves to.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn settled_out(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        let sql = "SELECT 1 FROM delivered WHERE message_out_id = ?1 AND status IN ('delivered', 'failed')";
        let mut settled = filter(self.open()?.as_ref(), ids, sql)?;
        let waits = "SELECT 1 FROM delivered WHERE message_out_id = ?1 AND status = 'sending'";
        let waiting = filter(self.open()?.as_ref(), ids, waits)?;
        // What was given up and is tried again still stands in the history as it ended there.
        let known: HashSet<&MessageId> = settled.iter().chain(&waiting).collect();
        let rest: Vec<MessageId> = ids.iter().filter(|id| !known.contains(id)).cloned().collect();
        if !rest.is_empty() {
            let history = open_if_there(&self.dir.history_db())?;
            settled.extend(filter(history.as_ref(), &rest, sql)?);
        }
        Ok(settled)
    }

    /// Every row without a final status, by id alone: what old acks may still be about.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pending(&self) -> Result<Vec<MessageId>, StoreError> {
        let Some(conn) = self.open()? else { return Ok(Vec::new()) };
        let mut select = conn.prepare("SELECT id FROM messages_in WHERE status = 'pending'")?;
        let ids = select.query_map([], |row| message_id(row, 0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Tries to begin a write, as a check from inside a container that it cannot. Success is the
    /// bad answer; nothing is changed by it.
    ///
    /// # Errors
    /// When the file cannot be written, as it must be.
    pub fn try_write(&self) -> Result<(), StoreError> {
        crate::sqlite::try_write(&self.dir.inbound_db())
    }

    /// Of these inbound rows, those that are still pending.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn still_pending(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        let sql = "SELECT 1 FROM messages_in WHERE id = ?1 AND status = 'pending'";
        filter(self.open()?.as_ref(), ids, sql)
    }

    pub(super) fn open(&self) -> Result<Option<Connection>, StoreError> {
        open_if_there(&self.dir.inbound_db())
    }
}

pub(super) fn open_if_there(path: &Path) -> Result<Option<Connection>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    open_session_reader(path, MIGRATIONS.len()).map(Some).map_err(|error| error.about(path))
}

fn filter(
    conn: Option<&Connection>,
    ids: &[MessageId],
    sql: &str,
) -> Result<Vec<MessageId>, StoreError> {
    let Some(conn) = conn else { return Ok(Vec::new()) };
    let mut select = conn.prepare(sql)?;
    let mut kept = Vec::new();
    for id in ids {
        if select.exists([id.as_str()])? {
            kept.push(id.clone());
        }
    }
    Ok(kept)
}

pub(super) const COLUMNS: &str = "id, seq, kind, timestamp, status, tries, trigger, channel_type, platform_id, \
                       thread_id, content, on_wake, sender_id, solo, queue_pos";

fn collect_due(
    conn: &Connection,
    query: &DueQuery<'_>,
    batch: &mut DueBatch,
) -> Result<(), StoreError> {
    let mut select = conn.prepare(&format!(
        "SELECT {COLUMNS} FROM messages_in WHERE status = 'pending' \
         AND (process_after IS NULL OR process_after <= ?1) AND (on_wake = 0 OR seq <= ?2) \
         ORDER BY coalesce(queue_pos, seq)"
    ))?;
    let mut rows = select.query(params![time::format(query.now), query.on_wake_up_to])?;
    let mut context = Vec::new();
    while let Some(row) = rows.next()? {
        let row = inbound_row(row)?;
        if query.acked.get(&row.id).is_some_and(|acked| *acked >= row.tries) {
            continue;
        }
        if !row.trigger {
            context.push(row);
        } else if let Some(first) = batch.triggers.first() {
            let joins = first.address == row.address && !alone(first) && !alone(&row);
            if joins && batch.triggers.len() < query.limit {
                batch.triggers.push(row);
            }
        } else {
            batch.triggers.push(row);
        }
    }
    // Context that was said after the last trigger belongs to a later turn of the same room.
    let origin = batch.triggers.first().and_then(|first| first.address.clone());
    let last = batch.triggers.iter().map(|row| row.seq).max().unwrap_or_default();
    context.retain(|row| row.address == origin && row.seq < last);
    batch.context = context;
    Ok(())
}

/// A row that ended its guest once must not take others along the second time.
fn alone(row: &InboundRow) -> bool {
    row.solo || row.tries > 0
}

fn next_due(conn: &Connection, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let text: Option<String> = conn.query_row(
        "SELECT min(process_after) FROM messages_in WHERE status = 'pending' AND process_after > ?1",
        [time::format(now)],
        |row| row.get(0),
    )?;
    Ok(text.as_deref().and_then(time::parse))
}

fn highest_seq(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.query_row("SELECT coalesce(max(seq), 0) FROM messages_in", [], |row| row.get(0))?)
}

pub(super) fn inbound_row(row: &Row<'_>) -> rusqlite::Result<InboundRow> {
    Ok(InboundRow {
        id: message_id(row, 0)?,
        seq: row.get(1)?,
        kind: word(row, 2, Kind::parse)?,
        timestamp: timestamp(row, 3)?.ok_or_else(|| unreadable(3, "no timestamp"))?,
        status: word(row, 4, InboundStatus::parse)?,
        tries: row.get(5)?,
        trigger: row.get(6)?,
        address: address(row, 7)?,
        content: row.get(10)?,
        on_wake: row.get(11)?,
        sender_id: row.get(12)?,
        solo: row.get(13)?,
        queue_pos: row.get(14)?,
    })
}

fn destination(row: &Row<'_>) -> rusqlite::Result<Destination> {
    let kind: String = row.get(2)?;
    let target = match kind.as_str() {
        "agent" => DestinationTarget::Agent(row.get(3)?),
        "channel" => DestinationTarget::Channel(
            address(row, 4)?.ok_or_else(|| unreadable(4, "half an address"))?,
        ),
        other => return Err(unreadable(2, &format!("unknown word {other:?}"))),
    };
    Ok(Destination { name: row.get(0)?, display_name: row.get(1)?, target })
}

pub(crate) fn message_id(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageId> {
    let text: String = row.get(column)?;
    MessageId::parse(&text).map_err(|error| unreadable(column, &error.to_string()))
}

/// Reads a time; a text that is no time is an error, not a silent `None`.
pub(crate) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    match time::parse(&text) {
        Some(at) => Ok(Some(at)),
        None => Err(unreadable(column, &format!("{text:?} is not a time"))),
    }
}

/// Reads channel, room and thread from three columns that follow each other; a row of the host's
/// own has all of them or is for nowhere.
///
/// # Errors
/// When a column holds no text.
pub fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Address>> {
    let channel_type: Option<String> = row.get(column)?;
    let platform_id: Option<String> = row.get(column + 1)?;
    let thread_id = row.get(column + 2)?;
    Ok(channel_type.zip(platform_id).map(|(channel_type, platform_id)| Address {
        channel_type,
        platform_id,
        thread_id,
    }))
}

pub(crate) fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unreadable(column, &format!("unknown word {text:?}")))
}

pub(crate) fn unreadable(column: usize, why: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
}
