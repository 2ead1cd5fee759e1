//! Keeping `inbound.db` small: finished rows move to `history.db`.
//!
//! Owns the order of the two files: a row is committed to the history before it leaves the
//! mailbox, so a crash in between leaves it in both, and the next pass finishes the move. The row
//! with the highest number stays, so that numbers go on; ids stay in `seen`.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{InboundWriter, MIGRATIONS};
use crate::{
    ids::{InboxId, MessageId},
    sqlite::{Patience, StoreError, open_session_writer},
    time,
};

impl InboundWriter {
    /// Moves at most `batch` finished rows of each table, oldest first, leaving the newest
    /// `keep`. Answers how many rows moved.
    ///
    /// # Errors
    /// When one of the two files cannot be read or written; nothing is lost then.
    pub fn retire(&self, keep: u32, batch: u32, now: Timestamp) -> Result<usize, StoreError> {
        let messages = self.finished_messages(keep, batch)?;
        let ledger = self.finished_ledger(keep, batch)?;
        if messages.is_empty() && ledger.is_empty() {
            return Ok(0);
        }
        self.copy_to_history(&messages, &ledger)?;
        self.write(|tx| {
            for id in &messages {
                tx.tx
                    .prepare_cached(
                        "INSERT OR IGNORE INTO seen (id, client_id, digest, at) \
                         SELECT id, client_id, digest, ?2 FROM messages_in WHERE id = ?1",
                    )?
                    .execute(params![id, time::format(now)])?;
                tx.tx.prepare_cached("DELETE FROM messages_in WHERE id = ?1")?.execute([id])?;
            }
            for id in &ledger {
                tx.tx
                    .prepare_cached("DELETE FROM delivered WHERE message_out_id = ?1")?
                    .execute([id])?;
            }
            Ok(())
        })?;
        Ok(messages.len() + ledger.len())
    }

    /// Gives free pages back when they are more than half of the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn compact(&self) -> Result<(), StoreError> {
        let conn = open_session_writer(&self.dir().inbound_db(), MIGRATIONS, Patience::Short)?;
        crate::sqlite::vacuum_if_sparse(&conn)
    }

    /// Of these outbound rows, those that the ledger has its final word about, in the mailbox or
    /// in the history that old words move to.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn settled_out(&self, ids: &[MessageId]) -> Result<HashSet<MessageId>, StoreError> {
        let (mut settled, waits) = self.write(|tx| {
            let settled = final_words(&tx.tx, ids)?;
            Ok((settled, known(&tx.tx, ids, "status = 'sending'")?))
        })?;
        // What was given up and is tried again still stands in the history as it ended there.
        let open = |id: &&MessageId| !settled.contains(*id) && !waits.contains(*id);
        let rest: Vec<MessageId> = ids.iter().filter(open).cloned().collect();
        if !rest.is_empty()
            && let Some(history) = self.history()?
        {
            settled.extend(final_words(&history, &rest)?);
        }
        Ok(settled)
    }

    /// The attachment folders that a row names, in the mailbox or in the history.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn inboxes(&self) -> Result<HashSet<InboxId>, StoreError> {
        let mut named = self.write(|tx| inboxes(&tx.tx))?;
        if let Some(history) = self.history()? {
            named.extend(inboxes(&history)?);
        }
        Ok(named)
    }

    pub(super) fn history(&self) -> Result<Option<Connection>, StoreError> {
        let path = self.dir().history_db();
        if !path.exists() {
            return Ok(None);
        }
        open_session_writer(&path, MIGRATIONS, Patience::Short).map(Some)
    }

    fn finished_messages(&self, keep: u32, batch: u32) -> Result<Vec<String>, StoreError> {
        self.ids(
            "SELECT id FROM messages_in WHERE status IN ('completed', 'failed', 'cancelled') \
             AND recurrence IS NULL AND seq <= (SELECT seq FROM messages_in ORDER BY seq DESC \
             LIMIT 1 OFFSET ?1) ORDER BY seq LIMIT ?2",
            keep.max(1),
            batch,
        )
    }

    fn finished_ledger(&self, keep: u32, batch: u32) -> Result<Vec<String>, StoreError> {
        self.ids(
            "SELECT message_out_id FROM delivered WHERE status IN ('delivered', 'failed') \
             AND rowid <= (SELECT rowid FROM delivered ORDER BY rowid DESC LIMIT 1 OFFSET ?1) \
             ORDER BY rowid LIMIT ?2",
            keep.max(1),
            batch,
        )
    }

    fn ids(&self, sql: &str, keep: u32, batch: u32) -> Result<Vec<String>, StoreError> {
        let conn = open_session_writer(&self.dir().inbound_db(), MIGRATIONS, Patience::Short)?;
        let mut select = conn.prepare(sql)?;
        let rows = select.query_map([keep, batch], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn copy_to_history(&self, messages: &[String], ledger: &[String]) -> Result<(), StoreError> {
        let mut history =
            open_session_writer(&self.dir().history_db(), MIGRATIONS, Patience::Short)?;
        attach_inbound(&history, &self.dir().inbound_db())?;
        let tx = history.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in messages {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO main.messages_in SELECT * FROM mailbox.messages_in WHERE id = ?1",
            )?
            .execute([id])?;
        }
        for id in ledger {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO main.delivered SELECT * FROM mailbox.delivered \
                 WHERE message_out_id = ?1",
            )?
            .execute([id])?;
        }
        tx.commit()?;
        Ok(())
    }
}

fn final_words(conn: &Connection, ids: &[MessageId]) -> Result<HashSet<MessageId>, StoreError> {
    known(conn, ids, "status <> 'sending'")
}

fn known(
    conn: &Connection,
    ids: &[MessageId],
    which: &str,
) -> Result<HashSet<MessageId>, StoreError> {
    let sql = format!("SELECT 1 FROM delivered WHERE message_out_id = ?1 AND {which}");
    let mut select = conn.prepare(&sql)?;
    let mut settled = HashSet::new();
    for id in ids {
        if select.exists([id.as_str()])? {
            settled.insert(id.clone());
        }
    }
    Ok(settled)
}

fn inboxes(conn: &Connection) -> Result<HashSet<InboxId>, StoreError> {
    let mut select = conn.prepare("SELECT inbox FROM messages_in WHERE inbox IS NOT NULL")?;
    let mut rows = select.query([])?;
    let mut inboxes = HashSet::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let inbox = InboxId::parse(&text).map_err(|e| StoreError::invalid(e.to_string()))?;
        inboxes.insert(inbox);
    }
    Ok(inboxes)
}

/// Attached for reading only: the transaction writes one file, so no super-journal is made.
fn attach_inbound(history: &Connection, inbound: &std::path::Path) -> Result<(), StoreError> {
    history.execute("ATTACH DATABASE ?1 AS mailbox", [inbound.to_string_lossy()])?;
    Ok(())
}
