//! Throwing away what was said long ago.
//!
//! Owns what may go: rows with their final word, never the one with the highest number, and the
//! ledger's word about a post only once the guest's file does not hold that post any more, for else
//! it would be posted again. Rows go before their files: what is left after a crash is swept.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{InboundTx, InboundWriter};
use crate::{
    ids::{InboxId, MessageId},
    sqlite::StoreError,
    time,
};

/// What went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expired {
    /// Rows of all kinds.
    pub rows: usize,
    /// The attachment folders that they named.
    pub inboxes: Vec<InboxId>,
}

/// Finished, of no schedule, older than `?1`.
const OLD: &str = "status IN ('completed', 'failed', 'cancelled') AND recurrence IS NULL \
                   AND timestamp < ?1";

impl InboundWriter {
    /// Deletes at most `batch` rows of each table that are older than `before`. The ledger's words
    /// about `posts`, those that the guest's file still holds, stay.
    ///
    /// # Errors
    /// When one of the two files cannot be read or written; what went is gone in full then.
    pub fn expire(
        &self,
        before: Timestamp,
        posts: &HashSet<MessageId>,
        batch: u32,
    ) -> Result<Expired, StoreError> {
        let mut gone = Expired::default();
        if let Some(mut history) = self.history()? {
            let tx = history.transaction_with_behavior(TransactionBehavior::Immediate)?;
            messages(&tx, &format!("{OLD} LIMIT ?2"), (before, batch), &mut gone)?;
            ledger(&tx, (before, posts), batch, &mut gone)?;
            tx.commit()?;
        }
        let from_mailbox = self.write(|tx| {
            let mut gone = Expired::default();
            let newest = "seq < (SELECT max(seq) FROM messages_in)";
            remember(tx, &format!("{OLD} AND {newest} LIMIT ?2"), (before, batch))?;
            messages(&tx.tx, &format!("{OLD} AND {newest} LIMIT ?2"), (before, batch), &mut gone)?;
            ledger(&tx.tx, (before, posts), batch, &mut gone)?;
            Ok(gone)
        })?;
        gone.rows += from_mailbox.rows;
        gone.inboxes.extend(from_mailbox.inboxes);
        Ok(gone)
    }

    /// The posts that were delivered before a time, as far as the ledger still says so.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn delivered_before(&self, before: Timestamp) -> Result<Vec<MessageId>, StoreError> {
        let mut posts = self.write(|tx| delivered(&tx.tx, before))?;
        if let Some(history) = self.history()? {
            posts.extend(delivered(&history, before)?);
        }
        Ok(posts)
    }

    /// Gives free pages of the history back when they are more than half of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn compact_history(&self) -> Result<(), StoreError> {
        self.history()?.map_or(Ok(()), |history| crate::sqlite::vacuum_if_sparse(&history))
    }

    /// Forgets ids of rows that left the mailbox before a time: their senders do not repeat them
    /// any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_seen(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(|tx| {
            Ok(tx.tx.execute("DELETE FROM seen WHERE at < ?1", [time::format(before)])?)
        })
    }

    /// When the oldest thing was said that [`InboundWriter::expire`] may take.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn oldest(&self) -> Result<Option<Timestamp>, StoreError> {
        const MAILBOX: &str = "SELECT min(timestamp) FROM messages_in WHERE status IN \
            ('completed', 'failed', 'cancelled') AND recurrence IS NULL \
            AND seq < (SELECT max(seq) FROM messages_in)";
        let mut oldest = self.write(|tx| first(&tx.tx, MAILBOX))?;
        if let Some(history) = self.history()? {
            let said = first(&history, "SELECT min(timestamp) FROM messages_in")?;
            oldest = [oldest, said].into_iter().flatten().min();
        }
        Ok(oldest)
    }

    /// Removes the attachment folders of rows that went.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_inboxes(&self, inboxes: &[InboxId]) -> std::io::Result<()> {
        for inbox in inboxes {
            match std::fs::remove_dir_all(self.dir().inbox_of(inbox)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// A sender that repeats it within the window is still told that it is known.
fn remember(
    tx: &InboundTx<'_>,
    which: &str,
    (before, batch): (Timestamp, u32),
) -> Result<(), StoreError> {
    tx.tx.execute(
        &format!(
            "INSERT OR IGNORE INTO seen (id, client_id, digest, at) \
             SELECT id, client_id, digest, timestamp FROM messages_in WHERE {which}"
        ),
        params![time::format(before), batch],
    )?;
    Ok(())
}

fn messages(
    tx: &Transaction<'_>,
    which: &str,
    (before, batch): (Timestamp, u32),
    gone: &mut Expired,
) -> Result<(), StoreError> {
    let mut delete = tx.prepare(&format!(
        "DELETE FROM messages_in WHERE id IN (SELECT id FROM messages_in WHERE {which}) \
         RETURNING inbox"
    ))?;
    let rows = delete
        .query_map(params![time::format(before), batch], |row| row.get::<_, Option<String>>(0))?;
    for inbox in rows {
        gone.rows += 1;
        gone.inboxes.extend(inbox?.and_then(|inbox| InboxId::parse(&inbox).ok()));
    }
    Ok(())
}

fn ledger(
    tx: &Transaction<'_>,
    (before, posts): (Timestamp, &HashSet<MessageId>),
    batch: u32,
    gone: &mut Expired,
) -> Result<(), StoreError> {
    let mut select = tx.prepare(
        "SELECT message_out_id FROM delivered WHERE status IN ('delivered', 'failed') \
         AND delivered_at < ?1 AND rowid < (SELECT max(rowid) FROM delivered)",
    )?;
    let rows = select.query_map([time::format(before)], |row| row.get::<_, String>(0))?;
    let mut old = Vec::new();
    for id in rows {
        let id = id?;
        let kept = MessageId::parse(&id).is_ok_and(|id| posts.contains(&id));
        if !kept && old.len() < usize::try_from(batch).unwrap_or(usize::MAX) {
            old.push(id);
        }
    }
    let mut delete = tx.prepare("DELETE FROM delivered WHERE message_out_id = ?1")?;
    for id in old {
        gone.rows += delete.execute([id])?;
    }
    Ok(())
}

fn delivered(conn: &Connection, before: Timestamp) -> Result<Vec<MessageId>, StoreError> {
    let mut select = conn.prepare(
        "SELECT message_out_id FROM delivered WHERE status = 'delivered' AND delivered_at < ?1",
    )?;
    let rows = select.query_map([time::format(before)], |row| row.get::<_, String>(0))?;
    let mut posts = Vec::new();
    for id in rows {
        posts.extend(MessageId::parse(&id?).ok());
    }
    Ok(posts)
}

fn first(conn: &Connection, sql: &str) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<String> = conn.query_row(sql, [], |row| row.get(0))?;
    Ok(found.as_deref().and_then(time::parse))
}
