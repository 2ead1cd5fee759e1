//! What an agent said before, for itself: the newest rows of its own file.

use rusqlite::Row;

use super::{MIGRATIONS, OutboundWriter};
use crate::{
    ids::{MessageId, RunId},
    inbound::{address, message_id, timestamp, unreadable, word},
    limits::MAX_PAST_BYTES,
    message::{Kind, NewOutbound},
    sqlite::{StoreError, open_session_reader},
};

impl OutboundWriter {
    /// At most `limit` rows with their numbers, newest first. Content that is too long to look
    /// through is left out. Nobody is woken by it: the file is not opened for writing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn past(&self, limit: u32) -> Result<Vec<(i64, NewOutbound)>, StoreError> {
        let path = self.dir.outbound_db();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let read = || -> Result<_, StoreError> {
            let conn = open_session_reader(&path, MIGRATIONS.len())?;
            let mut select = conn.prepare(&format!(
                "SELECT seq, id, in_reply_to, timestamp, kind, channel_type, platform_id, \
                 thread_id, iif(octet_length(content) > {MAX_PAST_BYTES}, '{{}}', content), \
                 run_id FROM messages_out ORDER BY seq DESC LIMIT ?1"
            ))?;
            let rows = select.query_map([limit], said)?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        read().map_err(|error: StoreError| error.about(&path))
    }
}

fn said(row: &Row<'_>) -> rusqlite::Result<(i64, NewOutbound)> {
    let text = |column: usize| row.get::<_, Option<String>>(column);
    let written = NewOutbound {
        id: message_id(row, 1)?,
        in_reply_to: text(2)?.and_then(|id| MessageId::parse(&id).ok()),
        timestamp: timestamp(row, 3)?.ok_or_else(|| unreadable(3, "no timestamp"))?,
        kind: word(row, 4, Kind::parse)?,
        address: address(row, 5)?,
        content: row.get(8)?,
        run: text(9)?.and_then(|id| RunId::parse(&id).ok()),
    };
    Ok((row.get(0)?, written))
}
