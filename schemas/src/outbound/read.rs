//! What the host asks of a copy of `outbound.db`.
//!
//! Owns the checks of every value: a file that passed as a database may still hold any bytes in
//! any column. Over-long values are replaced by an empty blob in the query itself, so that they
//! are never loaded. A bad message is refused for itself; a bad ack or run is the guest's word
//! about its own work, and refuses the file.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, types::ValueRef};

use super::tables;
use crate::{
    ids::{MessageId, RunId},
    limits::{MAX_CONTENT_BYTES, MAX_RUN_MESSAGES, MAX_SEQ, MAX_TEXT_BYTES},
    message::{AckStatus, Address, Kind, OutboundRow, Outcome},
    refused::{Refused, RefusedKind},
    sqlite::hostile::HostileDb,
    time,
    usage::Usage,
};

/// A guest's database as it was at one commit, in memory.
#[derive(Debug)]
pub struct OutboundCopy {
    db: HostileDb,
    size: u64,
}

/// A row of `messages_out` that is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadRow {
    /// Its number, where it has one that a cursor may pass.
    pub seq: Option<i64>,
    /// What is wrong with it.
    pub reason: String,
}

/// The guest's word about one inbound row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckSeen {
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

/// The guest's word about one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSeen {
    /// The run.
    pub run: RunId,
    /// The inbound rows that it answers.
    pub messages: Vec<MessageId>,
    /// With what it ended; `None` while it goes on.
    pub ended: Option<Outcome>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// A short stable word for what went wrong.
    pub error_code: Option<String>,
    /// What its attempts used, as far as that is said.
    pub used: Option<Usage>,
}

impl OutboundCopy {
    pub(super) fn new(db: HostileDb, size: u64) -> Self {
        Self { db, size }
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// At most `limit` rows above a number, in order of their numbers.
    ///
    /// # Errors
    /// When the copy cannot be read in time, or is damaged.
    pub fn messages_above(
        &self,
        seq: i64,
        limit: usize,
    ) -> Result<Vec<Result<OutboundRow, BadRow>>, Refused> {
        let columns = [
            short("id"),
            short("in_reply_to"),
            short("deliver_after"),
            short("kind"),
            short("channel_type"),
            short("platform_id"),
            short("thread_id"),
            guarded("content", MAX_CONTENT_BYTES),
            short("run_id"),
            short("timestamp"),
        ]
        .join(", ");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = || -> rusqlite::Result<_> {
            let mut select = self.db.ask().prepare(&format!(
                "SELECT {}, {columns} FROM messages_out WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                short("seq")
            ))?;
            let mut rows = select.query([seq, limit])?;
            let mut found = Vec::new();
            let mut last = seq;
            while let Some(row) = rows.next()? {
                let message = message(row, last);
                last = message.as_ref().map_or_else(|bad| bad.seq.unwrap_or(last), |row| row.seq);
                found.push(message);
            }
            Ok(found)
        };
        let found = read().map_err(tables::refuse)?;
        // No row could ever come after it: the session would be deaf from then on.
        match found.last() {
            Some(Err(BadRow { seq: Some(seq), .. })) if *seq > MAX_SEQ => {
                let what = format!("a row has the number {seq}, and {MAX_SEQ} is the last");
                Err(Refused::new(RefusedKind::Hostile, what))
            }
            Some(_) | None => Ok(found),
        }
    }

    /// Refuses a guest that left more rows above a number than somebody could ever read.
    ///
    /// # Errors
    /// When it did, or the copy cannot be read in time.
    pub fn bound_backlog(&self, seq: i64, most: usize) -> Result<(), Refused> {
        let sql = "SELECT count(*) FROM \
                   (SELECT 1 FROM messages_out WHERE seq > ?1 LIMIT ?2)";
        let past = most.saturating_add(1);
        let limit = i64::try_from(past).unwrap_or(i64::MAX);
        let count: i64 =
            self.db.ask().query_row(sql, [seq, limit], |row| row.get(0)).map_err(tables::refuse)?;
        if usize::try_from(count).is_ok_and(|count| count < past) {
            return Ok(());
        }
        let what = format!("more than {most} messages wait at once");
        Err(Refused::new(RefusedKind::Hostile, what))
    }

    /// What the guest says of one inbound row.
    ///
    /// # Errors
    /// When the copy cannot be read, or what stands there is not the contract's.
    pub fn ack(&self, id: &MessageId) -> Result<Option<AckSeen>, Refused> {
        self.one(&ACK, id.as_str(), |row| {
            Ok(AckSeen {
                status: word(row, 0, "status", AckStatus::parse)?,
                tries: whole(row, 1, "tries")?,
                run: optional(row, 2, "run_id", run_id)?,
                error: text(row, 3, "error")?.map(str::to_owned),
                retry_at: optional(row, 4, "retry_at", moment)?,
            })
        })
    }

    /// What the guest says of one run.
    ///
    /// # Errors
    /// When the copy cannot be read, or what stands there is not the contract's.
    pub fn run(&self, id: &RunId) -> Result<Option<RunSeen>, Refused> {
        let used = self.used(id)?;
        self.one(&RUN, id.as_str(), |row| {
            Ok(RunSeen {
                run: id.clone(),
                messages: ids(required(row, 0, "message_ids")?)?,
                ended: optional(row, 1, "outcome", |word| {
                    Outcome::parse(word).ok_or_else(|| "is an unknown word".to_owned())
                })?,
                started_at: optional(row, 2, "started_at", moment)?
                    .ok_or_else(|| "started_at is missing".to_owned())?,
                ended_at: optional(row, 3, "ended_at", moment)?,
                error_code: text(row, 4, "error_code")?.map(str::to_owned),
                used,
            })
        })
    }

    /// The copy, for one question.
    pub(super) fn ask(&self) -> &rusqlite::Connection {
        self.db.ask()
    }

    fn one<T>(
        &self,
        ask: &Question,
        id: &str,
        make: impl FnOnce(&Row<'_>) -> Result<T, String>,
    ) -> Result<Option<T>, Refused> {
        let Question { table, key, columns } = ask;
        let columns = columns.map(short).join(", ");
        let sql = format!("SELECT {columns} FROM {table} WHERE {key} = ?1");
        let found = self.db.ask().query_row(&sql, [id], |row| Ok(make(row))).optional();
        let made = found.map_err(tables::refuse)?.transpose();
        made.map_err(|reason| Refused::new(RefusedKind::Hostile, format!("{table}: {reason}")))
    }
}

/// What is asked of a table by its key.
struct Question {
    table: &'static str,
    key: &'static str,
    columns: [&'static str; 5],
}

const ACK: Question = Question {
    table: "processing_ack",
    key: "message_id",
    columns: ["status", "tries", "run_id", "error", "retry_at"],
};

const RUN: Question = Question {
    table: "runs",
    key: "run_id",
    columns: ["message_ids", "outcome", "started_at", "ended_at", "error_code"],
};

fn short(column: &str) -> String {
    guarded(column, MAX_TEXT_BYTES)
}

/// The column, or an empty blob where it is longer than `most` or a blob anyway.
fn guarded(column: &str, most: usize) -> String {
    format!("iif(octet_length({column}) > {most}, x'', {column})")
}

fn message(row: &Row<'_>, last: i64) -> Result<OutboundRow, BadRow> {
    let seq = whole(row, 0, "seq").map_err(|reason| BadRow { seq: None, reason })?;
    let bad = |reason: String| BadRow { seq: Some(seq), reason };
    if seq % 2 == 0 || seq > MAX_SEQ {
        return Err(bad(format!("seq {seq} is even or out of range")));
    }
    if seq == last {
        return Err(bad(format!("seq {seq} stands twice")));
    }
    let read = || -> Result<OutboundRow, String> {
        Ok(OutboundRow {
            id: message_id(required(row, 1, "id")?)?,
            seq,
            in_reply_to: optional(row, 2, "in_reply_to", message_id)?,
            deliver_after: optional(row, 3, "deliver_after", moment)?,
            kind: word(row, 4, "kind", Kind::parse)?,
            address: address(row)?,
            content: required(row, 8, "content")?.to_owned(),
            run: optional(row, 9, "run_id", run_id)?,
            // A nicety: a guest whose clock says nothing loses no message over it.
            written_at: text(row, 10, "timestamp").ok().flatten().and_then(time::parse),
        })
    };
    read().map_err(bad)
}

fn address(row: &Row<'_>) -> Result<Option<Address>, String> {
    let channel_type = text(row, 5, "channel_type")?;
    let platform_id = text(row, 6, "platform_id")?;
    let thread_id = text(row, 7, "thread_id")?.map(str::to_owned);
    match (channel_type, platform_id) {
        (Some(channel), Some(platform)) => Ok(Some(Address {
            channel_type: channel.to_owned(),
            platform_id: platform.to_owned(),
            thread_id,
        })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err("half an address".to_owned()),
    }
}

pub(super) fn text<'r>(
    row: &'r Row<'_>,
    column: usize,
    name: &str,
) -> Result<Option<&'r str>, String> {
    let value = row.get_ref(column).map_err(|error| error.to_string())?;
    if matches!(value, ValueRef::Null) {
        return Ok(None);
    }
    let ValueRef::Text(bytes) = value else {
        return Err(format!("{name} is over-long or not a text"));
    };
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))?;
    if text.contains('\0') {
        return Err(format!("{name} holds a NUL"));
    }
    Ok(Some(text))
}

fn required<'r>(row: &'r Row<'_>, column: usize, name: &str) -> Result<&'r str, String> {
    text(row, column, name)?.ok_or_else(|| format!("{name} is missing"))
}

pub(super) fn optional<T>(
    row: &Row<'_>,
    column: usize,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let found = text(row, column, name)?.map(read).transpose();
    found.map_err(|reason| format!("{name}: {reason}"))
}

pub(super) fn whole(row: &Row<'_>, column: usize, name: &str) -> Result<i64, String> {
    let value = row.get_ref(column).map_err(|error| error.to_string())?;
    value.as_i64().map_err(|_| format!("{name} is not a whole number"))
}

fn word<T>(
    row: &Row<'_>,
    column: usize,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, String> {
    parse(required(row, column, name)?).ok_or_else(|| format!("{name} is an unknown word"))
}

fn message_id(text: &str) -> Result<MessageId, String> {
    MessageId::parse(text).map_err(|error| error.to_string())
}

fn run_id(text: &str) -> Result<RunId, String> {
    RunId::parse(text).map_err(|error| error.to_string())
}

pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    time::parse(text).ok_or_else(|| "is not a time".to_owned())
}

fn ids(json: &str) -> Result<Vec<MessageId>, String> {
    let ids: Vec<String> =
        serde_json::from_str(json).map_err(|error| format!("message_ids: {error}"))?;
    if ids.len() > MAX_RUN_MESSAGES {
        return Err(format!("message_ids names more than {MAX_RUN_MESSAGES}"));
    }
    ids.iter().map(|id| message_id(id)).collect()
}
