//! What a session throws away because it is older than its agent keeps things.
//!
//! Owns the order: the rows of the mailbox and the history, then the files that they named, then
//! files that went out, then logs. The row of the highest number and the words about posts that
//! the guest's own file still holds stay. Runs in the session's task, as every write of its files
//! does; the guest's file is the guest's to prune.

use std::{collections::HashSet, fs, path::Path, time::SystemTime};

use jiff::Timestamp;
use schemas::{
    host_side::{InboundWriter, OutboxReader, Reading, Refused, RefusedKind},
    ids::MessageId,
};
use tracing::{info, warn};

use super::{
    intake::blocking,
    lifecycle::State,
    look::{SharedReader, peek},
    runner::Runner,
};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits::upkeep as limits,
    requests::Answer,
};

impl Runner {
    /// Throws away what was said before a time.
    pub(super) async fn throw_away(&mut self, before: Timestamp, answer: Answer<()>) {
        let done = self.older_goes(before).await;
        if let Err(failure) = &done {
            warn!(error = %failure.chain(), "cannot throw away what is too old");
        }
        // Whoever asked may be gone; that is no failure.
        drop(answer.send(done));
    }

    /// The container ends, and no other is started before somebody made room.
    pub(super) async fn holds_too_much(&mut self, words: String) {
        if self.state == State::Awake {
            self.on_refused(Refused::new(RefusedKind::TooLarge, words)).await;
        }
    }

    async fn older_goes(&mut self, before: Timestamp) -> Result<()> {
        if self.context.upkeep.is_backing_up() {
            return Err(HostError::new(ErrorKind::Busy, "a backup is being made"));
        }
        // A crash between rows and their files is looked after at the next start.
        self.mark().await?;
        let (writer, reader) = (self.writer.clone(), self.reader.clone());
        let now = self.context.clock.now();
        let work = blocking(move || older_goes(&writer, &reader, before, now));
        let (rows, oldest) = self.past_leases(work).await?;
        if rows > 0 {
            info!(rows, "threw away what was too old");
        }
        self.context.store.set_oldest(self.facts.record.id.clone(), oldest).await
    }
}

fn older_goes(
    writer: &InboundWriter,
    reader: &SharedReader,
    before: Timestamp,
    now: Timestamp,
) -> Result<(usize, Option<Timestamp>)> {
    let Some(posts) = posts(reader)? else {
        return Err(HostError::new(ErrorKind::Busy, "the agent's file is being written"));
    };
    let dir = writer.dir();
    // Files that went out, while the ledger still says that they did.
    let outbox = OutboxReader::new(dir.clone());
    for id in writer.delivered_before(before)? {
        if let Err(failure) = outbox.remove(&id) {
            warn!(message_id = %id, error = %failure, "cannot remove files that went out");
        }
    }
    let mut rows = 0;
    loop {
        let gone = writer.expire(before, &posts, limits::BATCH)?;
        writer.remove_inboxes(&gone.inboxes).map_err(|error| {
            HostError::new(ErrorKind::Storage, "cannot remove attachments").because(error)
        })?;
        rows += gone.rows;
        if gone.rows == 0 {
            break;
        }
    }
    if let Ok(forgotten) = now.checked_sub(limits::SEEN_KEPT) {
        rows += writer.forget_seen(forgotten)?;
    }
    writer.compact()?;
    writer.compact_history()?;
    old_logs(&dir.log_dir(), before);
    Ok((rows, writer.oldest()?))
}

/// The posts that the guest's file holds; `None` when that cannot be said now.
fn posts(reader: &SharedReader) -> Result<Option<HashSet<MessageId>>> {
    let refused = |e| HostError::new(ErrorKind::Storage, "cannot read the session").because(e);
    let copy = match peek(reader).map_err(refused)? {
        Reading::Copy(copy) => copy,
        Reading::Absent => return Ok(Some(HashSet::new())),
        Reading::Unchanged | Reading::NotSettled => return Ok(None),
    };
    let (mut posts, mut cursor) = (HashSet::new(), 0);
    loop {
        let page = copy.messages_above(cursor, crate::limits::ROWS_PER_LOOK).map_err(refused)?;
        let last = page.iter().rev().find_map(|row| match row {
            Ok(row) => Some(row.seq),
            Err(bad) => bad.seq,
        });
        posts.extend(page.into_iter().flatten().map(|row| row.id));
        match last {
            Some(seq) => cursor = seq,
            None => return Ok(Some(posts)),
        }
    }
}

/// What containers printed, and what was put aside by a reset.
fn old_logs(folder: &Path, before: Timestamp) {
    let before = SystemTime::from(before);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(found) = entry.metadata() else { continue };
        if found.modified().is_ok_and(|at| at < before) {
            let path = entry.path();
            let gone =
                if found.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = gone {
                warn!(path = %path.display(), %error, "cannot remove an old log");
            }
        }
    }
}
