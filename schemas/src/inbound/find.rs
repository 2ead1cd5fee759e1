//! Which message somebody means, on the host's side: by number, by id, or by the platform's id.
//!
//! Owns looking into the mailbox first and the history after it, so that an old message is found
//! as well as a new one.

use rusqlite::{Connection, OptionalExtension, params};

use super::{InboundWriter, read};
use crate::{
    ids::MessageId,
    message::{Address, platform_ids},
    sqlite::StoreError,
};

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameIn {
    /// The row's id.
    pub id: MessageId,
    /// Where it was said.
    pub address: Option<Address>,
}

impl InboundWriter {
    /// The message that came in under a number.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn came_in(&self, seq: i64) -> Result<Option<CameIn>, StoreError> {
        self.in_either(|conn| came_in(conn, "seq = ?1", params![seq]))
    }

    /// The message that came in under one of these ids.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn came_in_as(&self, id: &str, or: &str) -> Result<Option<CameIn>, StoreError> {
        self.in_either(|conn| came_in(conn, "id IN (?1, ?2)", params![id, or]))
    }

    /// The platform's id of what went out from a row; of several parts the first.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn posted_as(&self, out: &MessageId) -> Result<Option<String>, StoreError> {
        self.in_either(|conn| {
            let found = conn
                .prepare_cached(
                    "SELECT platform_message_id FROM delivered WHERE message_out_id = ?1 \
                     AND status = 'delivered'",
                )?
                .query_row([out.as_str()], |row| row.get::<_, Option<String>>(0))
                .optional()?;
            Ok(platform_ids(found.flatten().as_deref()).into_iter().next())
        })
    }

    pub(super) fn in_either<T>(
        &self,
        ask: impl Fn(&Connection) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if let Some(found) = self.write(|tx| ask(&tx.tx))? {
            return Ok(Some(found));
        }
        self.history()?.map_or(Ok(None), |history| ask(&history))
    }
}

fn came_in(
    conn: &Connection,
    which: &str,
    params: impl rusqlite::Params,
) -> Result<Option<CameIn>, StoreError> {
    let sql = format!(
        "SELECT id, channel_type, platform_id, thread_id FROM messages_in WHERE {which} LIMIT 1"
    );
    let found = conn.prepare(&sql)?.query_row(params, |row| {
        Ok(CameIn { id: read::message_id(row, 0)?, address: read::address(row, 1)? })
    });
    Ok(found.optional()?)
}
