//! What a tool says or asks for while the turn goes on: in the file at once, delivered at once.
//!
//! Owns that it stands there with the word that the turn has acted, in one transaction, so that no
//! run which posted is ever repeated blindly; and that the answer at the end of the turn does not
//! say the same words in the same place once more.

use schemas::{
    ids::MessageId,
    message::{Address, NewOutbound},
};

use crate::{
    attempt::Attempt,
    error::GuestError,
    mailbox::Mailbox,
    outbox,
    reply::{Claim, Draft, OutFile, Reply, What, draft},
    rows,
    steps::Step,
};

/// Something that is to stand in the file before the turn goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// A name in the address book; `None` is where the message came from.
    pub to: Option<String>,
    /// What it says or does. A question without an id gets that of its row.
    pub what: What,
    /// Files that go with it.
    pub files: Vec<OutFile>,
}

/// It stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The number that it can be changed by later.
    pub number: i64,
    /// The row's id, which also names a request or a question in its answer.
    pub id: MessageId,
}

/// Words that were posted in this turn, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    address: Option<Address>,
    text: String,
}

impl Sent {
    fn of(draft: &Draft) -> Option<Self> {
        let What::Words(text) = &draft.what else { return None };
        let text = text.trim();
        let sent = || Self { address: draft.address.clone(), text: text.to_owned() };
        (!text.is_empty()).then(sent)
    }

    /// Whether this says the same in the same place, and nothing besides.
    pub(crate) fn says(&self, draft: &Draft) -> bool {
        draft.files.is_empty() && Self::of(draft).as_ref() == Some(self)
    }
}

/// Writes a post with its files. `None` when the disk refuses: nothing of it is kept then.
pub(crate) fn put(
    mailbox: &Mailbox,
    claim: &Claim,
    by: &Attempt,
    (reply, read): (Reply, i64),
) -> Option<(Posted, Option<Sent>)> {
    let id = MessageId::mint(mailbox.now());
    match write(mailbox, claim, by, (reply, &id), read) {
        Ok((number, sent)) => {
            mailbox.steps.reached(Step::Posted);
            Some((Posted { number, id }, sent))
        }
        Err(error) => {
            tracing::error!(error = error.chain(), "cannot write what a tool posts");
            outbox::remove(&mailbox.dir, std::slice::from_ref(&id));
            None
        }
    }
}

fn write(
    mailbox: &Mailbox,
    claim: &Claim,
    by: &Attempt,
    (reply, id): (Reply, &MessageId),
    read: i64,
) -> Result<(i64, Option<Sent>), GuestError> {
    let mut draft = draft(claim, reply);
    if draft.to.is_some() {
        draft = draft.addressed(&mailbox.inbound.destinations()?);
    }
    if let What::Ask(question) = &mut draft.what
        && question.question_id.is_empty()
    {
        question.question_id = id.to_string();
    }
    let now = mailbox.now();
    let filed = outbox::put(&mailbox.dir, id, &draft.files)?;
    if !filed.names.is_empty() {
        mailbox.steps.reached(Step::FilesWritten);
    }
    let row: NewOutbound = rows::outbound(claim, &draft, (id, now), filed);
    let number = mailbox.commit(|tx| {
        tx.put_run(&rows::run(claim, None))?;
        tx.put_attempt(&rows::attempt(claim, by, None, None))?;
        tx.append(&row, read)
    })?;
    Ok((number, Sent::of(&draft)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(room: &str, text: &str) -> Draft {
        Draft {
            in_reply_to: None,
            address: Some(Address {
                channel_type: "terminal".to_owned(),
                platform_id: room.to_owned(),
                thread_id: None,
            }),
            to: None,
            what: What::Words(text.to_owned()),
            files: Vec::new(),
        }
    }

    #[test]
    fn only_the_same_words_in_the_same_place_are_the_same() {
        let sent = Sent::of(&words("desk", " done\n")).unwrap();
        assert!(sent.says(&words("desk", "done ")));
        assert!(!sent.says(&words("ops", "done")));
        assert!(!sent.says(&words("desk", "done.")));
        let file =
            OutFile { name: "a".to_owned(), source: crate::reply::FileSource::Bytes(Vec::new()) };
        assert!(!sent.says(&Draft { files: vec![file], ..words("desk", "done") }));
        assert_eq!(Sent::of(&words("desk", " ")), None);
    }
}
