//! What was said to an agent before, for itself: the newest rows of the mailbox and the history.

use std::collections::HashSet;

use rusqlite::Connection;

use super::{
    InboundReader,
    read::{COLUMNS, inbound_row, open_if_there},
};
use crate::{limits::MAX_PAST_BYTES, message::InboundRow, sqlite::StoreError};

impl InboundReader {
    /// At most `limit` rows, newest first; not what waits for a later time. Content that is too
    /// long to look through is left out.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn past(&self, limit: u32) -> Result<Vec<InboundRow>, StoreError> {
        let Some(mailbox) = self.open()? else { return Ok(Vec::new()) };
        let mut rows = newest(&mailbox, limit)?;
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(limit));
        if left > 0
            && let Some(history) = open_if_there(&self.dir.history_db())?
        {
            // A row that was on its way when the host died stands in both.
            let known: HashSet<i64> = rows.iter().map(|row| row.seq).collect();
            let older = newest(&history, left)?;
            rows.extend(older.into_iter().filter(|row| !known.contains(&row.seq)));
        }
        Ok(rows)
    }
}

fn newest(conn: &Connection, limit: u32) -> Result<Vec<InboundRow>, StoreError> {
    let short = format!("iif(octet_length(content) > {MAX_PAST_BYTES}, '{{}}', content)");
    let columns = COLUMNS.replace("content", &short);
    let mut select = conn.prepare(&format!(
        "SELECT {columns} FROM messages_in \
         WHERE NOT (status IN ('pending', 'paused') AND process_after IS NOT NULL) \
         ORDER BY seq DESC LIMIT ?1"
    ))?;
    let rows = select.query_map([limit], inbound_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
