//! Taking out what one person said, while the numbers and the outcomes of their rows stay.
//!
//! Owns what is left of such a row: its place in the conversation, and nothing of the person. What
//! stood there is overwritten in the file, not only let go.

use rusqlite::{Connection, TransactionBehavior};

use super::{InboundWriter, MIGRATIONS};
use crate::{
    ids::{InboxId, MessageId},
    sqlite::{Patience, StoreError, open_session_writer},
};

/// What stands where something was said; a chat message, for whoever still reads it.
const ERASED: &str = r#"{"erased":true,"text":"[erased]"}"#;

/// What of a person there is, or was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traces {
    /// Their rows.
    pub rows: Vec<MessageId>,
    /// The attachment folders that those named.
    pub inboxes: Vec<InboxId>,
}

impl InboundWriter {
    /// What senders said, in the mailbox and in the history.
    ///
    /// # Errors
    /// When one of the two files cannot be read.
    pub fn traces(&self, senders: &[String]) -> Result<Traces, StoreError> {
        self.of_senders(senders, false)
    }

    /// Takes out what senders said, and answers what that was. Their attachment folders are the
    /// caller's to remove, afterwards: what a crash leaves of them is swept.
    ///
    /// # Errors
    /// When one of the two files cannot be read or written.
    pub fn erase(&self, senders: &[String]) -> Result<Traces, StoreError> {
        self.of_senders(senders, true)
    }

    fn of_senders(&self, senders: &[String], erase: bool) -> Result<Traces, StoreError> {
        let mut found = Traces::default();
        if self.dir().inbound_db().exists() {
            let mailbox =
                open_session_writer(&self.dir().inbound_db(), MIGRATIONS, Patience::Short)?;
            one_file(mailbox, senders, erase, &mut found)?;
        }
        if let Some(history) = self.history()? {
            one_file(history, senders, erase, &mut found)?;
        }
        Ok(found)
    }
}

fn one_file(
    mut conn: Connection,
    senders: &[String],
    erase: bool,
    found: &mut Traces,
) -> Result<(), StoreError> {
    conn.pragma_update(None, "secure_delete", true)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sender in senders {
        let mut select = tx.prepare("SELECT id, inbox FROM messages_in WHERE sender_id = ?1")?;
        let mut rows = select.query([sender])?;
        while let Some(row) = rows.next()? {
            let (id, inbox): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            found.rows.extend(MessageId::parse(&id).ok());
            found.inboxes.extend(inbox.and_then(|inbox| InboxId::parse(&inbox).ok()));
        }
        if erase {
            tx.execute(
                "UPDATE messages_in SET content = ?2, sender_id = NULL, inbox = NULL, \
                 digest = NULL WHERE sender_id = ?1",
                [sender.as_str(), ERASED],
            )?;
        }
    }
    Ok(tx.commit()?)
}
