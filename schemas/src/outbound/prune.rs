//! Keeping `outbound.db` small: what the host has settled goes.
//!
//! Owns which rows are old. Whether they are settled is the host's word in `inbound.db`, so the
//! guest asks its reader in between; the newest rows stay, and with them the highest number.

use super::{MIGRATIONS, OutboundTx, OutboundWriter};
use crate::{
    ids::MessageId,
    sqlite::{Patience, StoreError, open_session_writer, vacuum_if_sparse},
};

impl OutboundWriter {
    /// Gives free pages back when they are more than half of the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn compact(&self) -> Result<(), StoreError> {
        let conn = open_session_writer(&self.dir.outbound_db(), MIGRATIONS, Patience::Long)?;
        vacuum_if_sparse(&conn)
    }
}

impl OutboundTx<'_> {
    /// Ids of old rows that may go once the host has settled them: at most `batch`, oldest first,
    /// never one of the newest `keep`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn old_messages(&self, keep: u32, batch: u32) -> Result<Vec<MessageId>, StoreError> {
        self.old(
            "SELECT id FROM messages_out WHERE seq <= (SELECT seq FROM messages_out \
             ORDER BY seq DESC LIMIT 1 OFFSET ?1) ORDER BY seq LIMIT ?2",
            keep,
            batch,
        )
    }

    /// Ids of old acks that may go once the host has folded them; see
    /// [`old_messages`](Self::old_messages).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn old_acks(&self, keep: u32, batch: u32) -> Result<Vec<MessageId>, StoreError> {
        self.old(
            "SELECT message_id FROM processing_ack WHERE rowid <= (SELECT rowid FROM \
             processing_ack ORDER BY rowid DESC LIMIT 1 OFFSET ?1) ORDER BY rowid LIMIT ?2",
            keep,
            batch,
        )
    }

    /// Removes settled messages and folded acks.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prune(&self, messages: &[MessageId], acks: &[MessageId]) -> Result<(), StoreError> {
        for id in messages {
            self.tx
                .prepare_cached("DELETE FROM messages_out WHERE id = ?1")?
                .execute([id.as_str()])?;
        }
        for id in acks {
            self.tx
                .prepare_cached("DELETE FROM processing_ack WHERE message_id = ?1")?
                .execute([id.as_str()])?;
        }
        Ok(())
    }

    /// Removes runs that ended and that no ack names any more, with their attempts: at most
    /// `batch`, oldest first, never one of the newest `keep`. Answers how many went.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prune_runs(&self, keep: u32, batch: u32) -> Result<usize, StoreError> {
        let mut select = self.tx.prepare(
            "SELECT run_id FROM runs WHERE status = 'ended' AND rowid <= (SELECT rowid FROM runs \
             ORDER BY rowid DESC LIMIT 1 OFFSET ?1) AND run_id NOT IN (SELECT run_id FROM \
             processing_ack WHERE run_id IS NOT NULL) ORDER BY rowid LIMIT ?2",
        )?;
        let ids: Vec<String> =
            select.query_map([keep, batch], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for id in &ids {
            for sql in
                ["DELETE FROM attempts WHERE run_id = ?1", "DELETE FROM runs WHERE run_id = ?1"]
            {
                self.tx.prepare_cached(sql)?.execute([id])?;
            }
        }
        Ok(ids.len())
    }

    fn old(&self, sql: &str, keep: u32, batch: u32) -> Result<Vec<MessageId>, StoreError> {
        let mut select = self.tx.prepare(sql)?;
        let mut rows = select.query([keep.max(1), batch])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            ids.extend(MessageId::parse(&id).ok());
        }
        Ok(ids)
    }
}
