//! What a person may see of `inbound.db`: its rows and its ledger, the newest first.
//!
//! Owns that old rows are found where they moved to, in `history.db`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    InboundWriter,
    read::{address, message_id, timestamp, unreadable, word},
};
use crate::{
    ids::MessageId,
    message::{Address, DeliveryStatus, InboundStatus, Kind, LedgerRow},
    sqlite::StoreError,
};

/// An inbound row as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRow {
    /// Its id.
    pub id: MessageId,
    /// Its number.
    pub seq: i64,
    /// What it is.
    pub kind: Kind,
    /// When it was said.
    pub timestamp: Timestamp,
    /// How far it came.
    pub status: InboundStatus,
    /// Not before.
    pub process_after: Option<Timestamp>,
    /// Attempts so far.
    pub tries: i64,
    /// Where it was said.
    pub address: Option<Address>,
    /// Who said it.
    pub sender_id: Option<String>,
    /// JSON, typed by kind.
    pub content: String,
}

impl InboundWriter {
    /// The newest rows, newest first, in the mailbox and then in the history.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn newest(&self, limit: u32) -> Result<Vec<ListedRow>, StoreError> {
        let mut rows = self.write(|tx| listed(&tx.tx, limit))?;
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(limit));
        if left > 0
            && let Some(history) = self.history()?
        {
            let known: Vec<MessageId> = rows.iter().map(|row| row.id.clone()).collect();
            rows.extend(listed(&history, left)?.into_iter().filter(|row| !known.contains(&row.id)));
        }
        Ok(rows)
    }

    /// The ledger of posts, in the history and then in the mailbox: the last word counts.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn ledger(&self) -> Result<Vec<LedgerRow>, StoreError> {
        let mut rows = match self.history()? {
            Some(history) => ledger(&history)?,
            None => Vec::new(),
        };
        rows.extend(self.write(|tx| ledger(&tx.tx))?);
        Ok(rows)
    }
}

fn listed(conn: &Connection, limit: u32) -> Result<Vec<ListedRow>, StoreError> {
    let mut select = conn.prepare(
        "SELECT id, seq, kind, timestamp, status, process_after, tries, channel_type, \
         platform_id, thread_id, sender_id, content FROM messages_in ORDER BY seq DESC LIMIT ?1",
    )?;
    let rows = select.query_map([limit], |row| {
        Ok(ListedRow {
            id: message_id(row, 0)?,
            seq: row.get(1)?,
            kind: word(row, 2, Kind::parse)?,
            timestamp: timestamp(row, 3)?.ok_or_else(|| unreadable(3, "no timestamp"))?,
            status: word(row, 4, InboundStatus::parse)?,
            process_after: timestamp(row, 5)?,
            tries: row.get(6)?,
            address: address(row, 7)?,
            sender_id: row.get(10)?,
            content: row.get(11)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn ledger(conn: &Connection) -> Result<Vec<LedgerRow>, StoreError> {
    let mut select = conn.prepare(LEDGER)?;
    let rows = select.query_map([], ledger_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The ledger's word about one row.
pub(super) fn ledger_of(
    conn: &Connection,
    id: &MessageId,
) -> Result<Option<LedgerRow>, StoreError> {
    let sql = format!("{LEDGER} WHERE message_out_id = ?1");
    Ok(conn.prepare_cached(&sql)?.query_row([id.as_str()], ledger_row).optional()?)
}

const LEDGER: &str = "SELECT message_out_id, platform_message_id, status, delivered_at, attempts, \
                      next_attempt_at, error FROM delivered";

fn ledger_row(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    Ok(LedgerRow {
        message_out: message_id(row, 0)?,
        platform_message_id: row.get(1)?,
        status: word(row, 2, DeliveryStatus::parse)?,
        delivered_at: timestamp(row, 3)?,
        attempts: row.get(4)?,
        next_attempt_at: timestamp(row, 5)?,
        error: row.get(6)?,
    })
}
