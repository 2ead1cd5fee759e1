//! The host's side of `inbound.db`: open, write in one transaction, close.
//!
//! Owns numbering and idempotency: a number is allocated in the inserting transaction, and an id
//! that exists is answered, never written twice.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::MIGRATIONS;
use crate::{
    ids::{InboxId, MessageId, SessionId},
    message::{
        Address, DeliveryStatus, Destination, DestinationTarget, InboundStatus, Kind, LedgerRow,
        NewInbound,
    },
    session_dir::SessionDir,
    sqlite::{Patience, StoreError, open_session_writer},
    time,
};

/// The only way to write `inbound.db`. Holds no connection: each [`write`](Self::write) opens,
/// commits and closes.
#[derive(Debug, Clone)]
pub struct InboundWriter {
    dir: SessionDir,
}

/// What an append found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The row is new.
    New {
        /// Its number.
        seq: i64,
    },
    /// The id, or the client's id, is known with the same digest.
    AlreadyThere {
        /// The first one's id.
        id: MessageId,
        /// The first one's number; `None` once the row has moved to the history.
        seq: Option<i64>,
    },
    /// The id, or the client's id, is known with another digest.
    Conflict {
        /// The first one's id.
        id: MessageId,
    },
}

/// What the host must know of a row that has no final status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The row.
    pub id: MessageId,
    /// Its number.
    pub seq: i64,
    /// What it is.
    pub kind: Kind,
    /// Attempts so far.
    pub tries: i64,
    /// Whether it wakes the agent.
    pub trigger: bool,
    /// Not before.
    pub process_after: Option<Timestamp>,
    /// Where its reply goes.
    pub address: Option<Address>,
}

impl InboundWriter {
    /// A writer for a session's file, which is created and migrated at the first write.
    #[must_use]
    pub fn new(dir: SessionDir) -> Self {
        Self { dir }
    }

    /// Opens, runs `work` in one transaction, commits and closes.
    ///
    /// # Errors
    /// When the file cannot be opened, migrated or written, or when `work` refuses; nothing is
    /// kept then. A guest that holds a lock past about 250 ms is `Busy`.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&InboundTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.attempt(work).map_err(|error| error.about(&self.dir.inbound_db()))
    }

    fn attempt<T>(
        &self,
        work: impl FnOnce(&InboundTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut conn = open_session_writer(&self.dir.inbound_db(), MIGRATIONS, Patience::Short)?;
        let tx = InboundTx { tx: conn.transaction_with_behavior(TransactionBehavior::Immediate)? };
        let value = work(&tx)?;
        tx.tx.commit()?;
        Ok(value)
    }

    /// The session's folder.
    #[must_use]
    pub fn dir(&self) -> &SessionDir {
        &self.dir
    }
}

/// One transaction on `inbound.db`.
#[derive(Debug)]
pub struct InboundTx<'c> {
    pub(super) tx: Transaction<'c>,
}

impl InboundTx<'_> {
    /// Writes a row, or says that it is there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&self, row: &NewInbound) -> Result<Appended, StoreError> {
        if let Some(known) = self.known(row)? {
            return Ok(known);
        }
        let seq = self.next_seq()?;
        let address = row.address.as_ref();
        self.tx
            .prepare_cached(
                "INSERT INTO messages_in (id, seq, kind, timestamp, process_after, trigger, \
                 platform_id, channel_type, thread_id, content, source_session_id, on_wake, \
                 sender_id, solo, client_id, inbox, digest, recurrence, series_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
                 ?17, ?18, ?19)",
            )?
            .execute(params![
                row.id.as_str(),
                seq,
                row.kind.as_str(),
                time::format(row.timestamp),
                row.process_after.map(time::format),
                row.trigger,
                address.map(|a| &a.platform_id),
                address.map(|a| &a.channel_type),
                address.and_then(|a| a.thread_id.as_ref()),
                row.content,
                row.source_session.as_ref().map(SessionId::as_str),
                row.on_wake,
                row.sender_id,
                row.solo,
                row.client_id,
                row.inbox.as_ref().map(InboxId::as_str),
                row.digest,
                row.recurrence,
                row.series_id,
            ])?;
        Ok(Appended::New { seq })
    }

    /// Gives rows their final (or any other) status.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_status(&self, ids: &[MessageId], status: InboundStatus) -> Result<(), StoreError> {
        let mut set = self.tx.prepare_cached("UPDATE messages_in SET status = ?2 WHERE id = ?1")?;
        for id in ids {
            set.execute(params![id.as_str(), status.as_str()])?;
        }
        Ok(())
    }

    /// Releases claims that died with their guest: one more try, not before `at`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn retry(&self, ids: &[MessageId], at: Timestamp) -> Result<(), StoreError> {
        let mut set = self.tx.prepare_cached(
            "UPDATE messages_in SET tries = tries + 1, process_after = ?2 \
             WHERE id = ?1 AND status = 'pending'",
        )?;
        for id in ids {
            set.execute(params![id.as_str(), time::format(at)])?;
        }
        Ok(())
    }

    /// Every row without a final status, in the guest's order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn unsettled(&self) -> Result<Vec<Unsettled>, StoreError> {
        let mut select = self.tx.prepare_cached(
            "SELECT id, seq, tries, trigger, process_after, channel_type, platform_id, thread_id, \
             kind FROM messages_in WHERE status = 'pending' ORDER BY coalesce(queue_pos, seq)",
        )?;
        let rows = select.query_map([], |row| {
            Ok(Unsettled {
                id: super::read::message_id(row, 0)?,
                seq: row.get(1)?,
                tries: row.get(2)?,
                trigger: row.get(3)?,
                process_after: super::read::timestamp(row, 4)?,
                address: super::read::address(row, 5)?,
                kind: super::read::word(row, 8, Kind::parse)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Replaces the whole address book.
    ///
    /// # Errors
    /// When the file cannot be written, or a name stands twice.
    pub fn replace_destinations(&self, book: &[Destination]) -> Result<(), StoreError> {
        self.tx.execute("DELETE FROM destinations", [])?;
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO destinations (name, display_name, type, channel_type, platform_id, \
             thread_id, agent_group_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for entry in book {
            let (word, address, agent) = match &entry.target {
                DestinationTarget::Channel(address) => ("channel", Some(address), None),
                DestinationTarget::Agent(agent) => ("agent", None, Some(agent)),
            };
            insert.execute(params![
                entry.name,
                entry.display_name,
                word,
                address.map(|a| &a.channel_type),
                address.map(|a| &a.platform_id),
                address.and_then(|a| a.thread_id.as_ref()),
                agent,
            ])?;
        }
        Ok(())
    }

    /// Sets where text without an origin goes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_routing(&self, default: Option<&Address>) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "INSERT INTO session_routing (id, channel_type, platform_id, thread_id) \
                 VALUES (1, ?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET \
                 channel_type = ?1, platform_id = ?2, thread_id = ?3",
            )?
            .execute(params![
                default.map(|a| &a.channel_type),
                default.map(|a| &a.platform_id),
                default.and_then(|a| a.thread_id.as_ref()),
            ])?;
        Ok(())
    }

    /// Writes the ledger's word about one outbound row.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_ledger(&self, row: &LedgerRow) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "INSERT INTO delivered (message_out_id, platform_message_id, status, \
                 delivered_at, attempts, next_attempt_at, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT (message_out_id) DO UPDATE SET platform_message_id = ?2, status = ?3, \
                 delivered_at = ?4, attempts = ?5, next_attempt_at = ?6, error = ?7",
            )?
            .execute(params![
                row.message_out.as_str(),
                row.platform_message_id,
                row.status.as_str(),
                row.delivered_at.map(time::format),
                row.attempts,
                row.next_attempt_at.map(time::format),
                row.error,
            ])?;
        Ok(())
    }

    /// The ledger's rows without a final word: handed to a channel, or waiting for an attempt.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a word that the contract does not have.
    pub fn sending(&self) -> Result<Vec<LedgerRow>, StoreError> {
        let mut select = self.tx.prepare_cached(
            "SELECT message_out_id, platform_message_id, delivered_at, attempts, next_attempt_at, \
             error FROM delivered WHERE status = 'sending'",
        )?;
        let rows = select.query_map([], |row| {
            Ok(LedgerRow {
                message_out: super::read::message_id(row, 0)?,
                platform_message_id: row.get(1)?,
                status: DeliveryStatus::Sending,
                delivered_at: super::read::timestamp(row, 2)?,
                attempts: row.get(3)?,
                next_attempt_at: super::read::timestamp(row, 4)?,
                error: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn known(&self, row: &NewInbound) -> Result<Option<Appended>, StoreError> {
        let found: Option<(String, Option<i64>, Option<String>)> = self
            .tx
            .prepare_cached(
                "SELECT id, seq, digest FROM messages_in WHERE id = ?1 OR client_id = ?2 \
                 UNION ALL SELECT id, NULL, digest FROM seen WHERE id = ?1 OR client_id = ?2 LIMIT 1",
            )?
            .query_row(params![row.id.as_str(), row.client_id], |found| {
                Ok((found.get(0)?, found.get(1)?, found.get(2)?))
            })
            .optional()?;
        let Some((id, seq, digest)) = found else { return Ok(None) };
        let id = MessageId::parse(&id).map_err(|e| StoreError::invalid(e.to_string()))?;
        if digest.is_some() && row.digest.is_some() && digest != row.digest {
            return Ok(Some(Appended::Conflict { id }));
        }
        Ok(Some(Appended::AlreadyThere { id, seq }))
    }

    fn next_seq(&self) -> Result<i64, StoreError> {
        let highest: i64 = self
            .tx
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM messages_in")?
            .query_row([], |row| row.get(0))?;
        Ok(highest + 2)
    }
}
