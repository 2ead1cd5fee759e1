//! A session's messages, both ways, with what became of them: for the one who asks why something
//! did not arrive.

use std::collections::HashMap;

use jiff::Timestamp;
use schemas::{
    host_side::{InboundWriter, Reading},
    ids::{MessageId, SessionId},
    message::{Address, InboundStatus, LedgerRow},
};
use serde::{Deserialize, Serialize};

use super::{
    container::WorkDone,
    intake::blocking,
    look::{SharedReader, pages_above, peek, unreadable},
    runner::Runner,
};
use crate::{
    error::{ErrorKind, Result},
    limits,
    requests::Answer,
    text::turns as words,
};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageInfo {
    /// Its id.
    pub id: MessageId,
    /// Its session.
    pub session: SessionId,
    /// Its number; even ones came in, odd ones went out.
    pub seq: i64,
    /// Whether it came in.
    pub came_in: bool,
    /// What it is.
    pub kind: String,
    /// When it was said; a guest's rows have no time of their own.
    pub at: Option<Timestamp>,
    /// How far it came: for what came in whether it was answered, for what went out whether it
    /// was delivered.
    pub status: String,
    /// Attempts so far.
    pub tries: i64,
    /// When it is tried again.
    pub again_at: Option<Timestamp>,
    /// The last error.
    pub error: Option<String>,
    /// Where it was said, or goes.
    pub address: Option<Address>,
    /// Who said it.
    pub sender: Option<String>,
    /// JSON, typed by kind.
    pub content: String,
}

impl MessageInfo {
    /// Whether it was given up.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.status == InboundStatus::Failed.as_str()
    }
}

impl Runner {
    /// The newest messages, oldest first.
    pub(super) fn list_messages(&mut self, limit: u32, answer: Answer<Vec<MessageInfo>>) {
        let (reader, writer) = (self.reader.clone(), self.writer.clone());
        let session = self.facts.record.id.clone();
        let collect = move || newest((&reader, &writer), &session, limit);
        self.beside(async move {
            let mut listed = blocking(collect.clone()).await;
            for _ in 0..limits::HALF_WRITTEN_TRIES {
                if !matches!(&listed, Err(failure) if failure.kind == ErrorKind::Busy) {
                    break;
                }
                tokio::time::sleep(limits::HALF_WRITTEN_PAUSE).await;
                listed = blocking(collect.clone()).await;
            }
            drop(answer.send(listed));
            WorkDone::Nothing
        });
    }
}

fn newest(
    (reader, writer): (&SharedReader, &InboundWriter),
    session: &SessionId,
    limit: u32,
) -> Result<Vec<MessageInfo>> {
    let mut all = came_in(writer, session, limit)?;
    all.extend(went_out(reader, writer, session)?);
    all.sort_by_key(|one| one.seq);
    let surplus = all.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(all.split_off(surplus))
}

fn came_in(writer: &InboundWriter, session: &SessionId, limit: u32) -> Result<Vec<MessageInfo>> {
    let rows = writer.newest(limit)?;
    Ok(rows
        .into_iter()
        .map(|row| MessageInfo {
            id: row.id,
            session: session.clone(),
            seq: row.seq,
            came_in: true,
            kind: row.kind.as_str().to_owned(),
            at: Some(row.timestamp),
            status: row.status.as_str().to_owned(),
            tries: row.tries,
            again_at: row.process_after.filter(|_| row.status == InboundStatus::Pending),
            error: None,
            address: row.address,
            sender: row.sender_id,
            content: row.content,
        })
        .collect())
}

fn went_out(
    reader: &SharedReader,
    writer: &InboundWriter,
    session: &SessionId,
) -> Result<Vec<MessageInfo>> {
    let ledger: HashMap<MessageId, LedgerRow> =
        writer.ledger()?.into_iter().map(|row| (row.message_out.clone(), row)).collect();
    let copy = match peek(reader).map_err(unreadable)? {
        Reading::Copy(copy) => copy,
        Reading::Absent | Reading::Unchanged => return Ok(Vec::new()),
        Reading::NotSettled => return Err(words::half_written(session)),
    };
    let mut said = Vec::new();
    for page in pages_above(&copy, 0) {
        for row in page.map_err(unreadable)? {
            let ledger = ledger.get(&row.id);
            said.push(MessageInfo {
                session: session.clone(),
                seq: row.seq,
                came_in: false,
                kind: row.kind.as_str().to_owned(),
                at: ledger.and_then(|row| row.delivered_at),
                status: ledger.map_or("new", |row| row.status.as_str()).to_owned(),
                tries: ledger.map_or(0, |row| i64::from(row.attempts)),
                again_at: ledger.and_then(|row| row.next_attempt_at),
                error: ledger.and_then(|row| row.error.clone()),
                address: row.address,
                sender: None,
                content: row.content,
                id: row.id,
            });
        }
    }
    Ok(said)
}
