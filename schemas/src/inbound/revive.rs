//! Taking up again what was given up, in the mailbox or in the history that old rows moved to.
//!
//! Owns what that means for a row: a message in is due again with a new set of tries, a post waits again
//! with all its attempts before it. What is not given up is left as it is, and said.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{InboundTx, InboundWriter, Unsettled, list, read};
use crate::{
    ids::MessageId,
    message::{DeliveryStatus, InboundStatus, LedgerRow},
    sqlite::StoreError,
    time,
};

/// What came of taking something up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revived<T> {
    /// It is tried again, from here.
    Again(T),
    /// It was not given up; this is how it stands.
    Stands(&'static str),
    /// Nobody knows it.
    Unknown,
}

impl InboundWriter {
    /// Makes a message that was given up due again. Its tries count on, from the beginning of the
    /// next set of `set`: whoever had it tried again wants as many as at first.
    ///
    /// # Errors
    /// When one of the two files cannot be read or written; nothing is changed then.
    pub fn revive_message(
        &self,
        id: &MessageId,
        set: i64,
        now: Timestamp,
    ) -> Result<Revived<Unsettled>, StoreError> {
        let history = self.history()?;
        self.write(|tx| {
            let stands = status_of(&tx.tx, id, InboundStatus::parse)?;
            let old = match (&stands, &history) {
                (None, Some(history)) => status_of(history, id, InboundStatus::parse)?,
                (Some(_), _) | (None, None) => None,
            };
            match stands.or(old) {
                None => return Ok(Revived::Unknown),
                Some(InboundStatus::Failed) => {}
                Some(other) => return Ok(Revived::Stands(other.as_str())),
            }
            if let Some(history) = history.as_ref().filter(|_| stands.is_none()) {
                tx.take_back(history, id)?;
            }
            tx.tx.execute(
                "UPDATE messages_in SET status = 'pending', tries = (tries / ?3 + 1) * ?3, \
                 process_after = ?2 WHERE id = ?1",
                params![id.as_str(), time::format(now), set],
            )?;
            let row = tx.unsettled()?.into_iter().find(|row| row.id == *id);
            Ok(row.map_or(Revived::Unknown, Revived::Again))
        })
    }

    /// Makes a post that was given up wait again, without an attempt so far; what went out of it
    /// already stays noted.
    ///
    /// # Errors
    /// When one of the two files cannot be read or written; nothing is changed then.
    pub fn revive_post(
        &self,
        id: &MessageId,
        now: Timestamp,
    ) -> Result<Revived<LedgerRow>, StoreError> {
        let found = self.in_either(|conn| list::ledger_of(conn, id))?;
        let Some(row) = found else { return Ok(Revived::Unknown) };
        if row.status != DeliveryStatus::Failed {
            return Ok(Revived::Stands(row.status.as_str()));
        }
        let again = LedgerRow {
            status: DeliveryStatus::Sending,
            attempts: 0,
            next_attempt_at: Some(now),
            ..row
        };
        self.write(|tx| tx.put_ledger(&again))?;
        Ok(Revived::Again(again))
    }
}

impl InboundTx<'_> {
    /// Copies a row out of the history, under its own number.
    fn take_back(&self, history: &Connection, id: &MessageId) -> Result<(), StoreError> {
        let mut select = history.prepare("SELECT * FROM messages_in WHERE id = ?1")?;
        let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
        let marks: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        let values = select.query_row([id.as_str()], |row| {
            (0..columns.len()).map(|n| row.get(n)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let values: Vec<rusqlite::types::Value> = values;
        let sql = format!(
            "INSERT INTO messages_in ({}) VALUES ({})",
            columns.join(", "),
            marks.join(", ")
        );
        self.tx.execute(&sql, rusqlite::params_from_iter(values))?;
        // It is no longer only remembered: it is there.
        self.tx.execute("DELETE FROM seen WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }
}

fn status_of<T>(
    conn: &Connection,
    id: &MessageId,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let found = conn
        .prepare_cached("SELECT status FROM messages_in WHERE id = ?1")?
        .query_row([id.as_str()], |row| read::word(row, 0, parse))
        .optional()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        folder::ensure,
        message::{Kind, NewInbound},
        session_dir::SessionDir,
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    fn failed(n: u32) -> LedgerRow {
        LedgerRow {
            message_out: id(&format!("out-{n}")),
            platform_message_id: Some("P1".to_owned()),
            status: DeliveryStatus::Failed,
            delivered_at: None,
            attempts: 6,
            next_attempt_at: None,
            error: Some("500".to_owned()),
        }
    }

    /// Three messages and three posts that were given up, of which the newest is in the mailbox.
    fn given_up(writer: &InboundWriter) {
        for n in 0..3 {
            let message = id(&format!("in-{n}"));
            let row = NewInbound::new(message.clone(), Kind::Chat, NOW, "{}".to_owned());
            let write = |tx: &InboundTx<'_>| {
                tx.append(&row)?;
                tx.set_status(&[message], InboundStatus::Failed)?;
                tx.put_ledger(&failed(n))
            };
            writer.write(write).unwrap();
        }
        assert!(writer.retire(1, 100, NOW).unwrap() > 0);
    }

    #[test]
    fn what_was_given_up_is_taken_up_again_out_of_the_history_too() {
        let home = tempfile::tempdir().unwrap();
        let dir = SessionDir::at(home.path());
        ensure(&dir).unwrap();
        let writer = InboundWriter::new(dir);
        given_up(&writer);
        for n in [0, 2] {
            let (message, post) = (id(&format!("in-{n}")), id(&format!("out-{n}")));
            let Revived::Again(row) = writer.revive_message(&message, 5, NOW).unwrap() else {
                panic!("{message} is not taken up")
            };
            assert_eq!((row.tries, row.seq), (5, i64::from(n) * 2 + 2));
            let again = writer.revive_message(&message, 5, NOW).unwrap();
            assert_eq!(again, Revived::Stands("pending"));
            let Revived::Again(row) = writer.revive_post(&post, NOW).unwrap() else {
                panic!("{post} is not taken up")
            };
            assert_eq!((row.attempts, row.platform_message_id.as_deref()), (0, Some("P1")));
            // Though the history says that it ended, it is not settled.
            assert!(writer.settled_out(&[post]).unwrap().is_empty());
        }
        assert_eq!(writer.revive_message(&id("nobody"), 5, NOW).unwrap(), Revived::Unknown);
        assert_eq!(writer.revive_post(&id("nobody"), NOW).unwrap(), Revived::Unknown);
        // What ended anew moves on with its new end.
        let ends = |tx: &InboundTx<'_>| {
            tx.set_status(&[id("in-0")], InboundStatus::Completed)?;
            let row = LedgerRow { status: DeliveryStatus::Delivered, ..failed(0) };
            tx.put_ledger(&row)
        };
        writer.write(ends).unwrap();
        writer.retire(1, 100, NOW).unwrap();
        let stands = writer.revive_message(&id("in-0"), 5, NOW).unwrap();
        assert_eq!(stands, Revived::Stands("completed"));
        assert_eq!(writer.revive_post(&id("out-0"), NOW).unwrap(), Revived::Stands("delivered"));
    }
}
