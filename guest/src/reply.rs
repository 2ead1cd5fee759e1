//! From what a provider answered to what is written: rows, acks and the run's outcome. PURE.
//!
//! Owns the rule that a turn settles whole: either all its replies and `completed`, or none of
//! them and why. Numbers, files and times come from the caller.

use std::path::PathBuf;

use jiff::Timestamp;
use schemas::{
    action::ActionRequest,
    content::{Card, Operation, Question},
    guest_side::{Ack, INTERRUPTED},
    ids::{MessageId, RunId},
    message::{
        AckStatus, Address, Destination, DestinationTarget, InboundRow, Outcome, PEER_CHANNEL,
    },
};

use crate::{limits, prompt::Unreadable, provider::Fault};

/// What a provider answers to say that it chose to be silent.
pub const NO_REPLY: &str = "[NO_REPLY]";

/// The code of a run whose messages cannot be read.
pub const UNREADABLE: &str = "unreadable_content";

/// One answer of a provider, or something else that it does over a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The message that it answers.
    pub in_reply_to: MessageId,
    /// A name in the address book; `None` is where the message came from.
    pub to: Option<String>,
    /// What it says or does.
    pub what: What,
    /// Files that go with it.
    pub files: Vec<OutFile>,
}

/// What a reply says or does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Words. Empty, or [`NO_REPLY`], is the explicit choice of no reply.
    Words(String),
    /// Changes a message.
    Change(Operation),
    /// Asks a person.
    Ask(Question),
    /// Shows a card.
    Show(Card),
    /// Asks something of the host.
    Act(ActionRequest),
}

impl Reply {
    /// Words to where the message came from.
    #[must_use]
    pub fn words(in_reply_to: MessageId, text: impl Into<String>) -> Self {
        Self { in_reply_to, to: None, what: What::Words(text.into()), files: Vec::new() }
    }
}

/// A file on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct OutFile {
    /// Its name for people; cleaned before it becomes a path.
    pub name: String,
    /// Where its bytes come from.
    pub source: FileSource,
}

/// Where the bytes of an [`OutFile`] come from.
#[derive(Debug, Clone, PartialEq)]
pub enum FileSource {
    /// They are here.
    Bytes(Vec<u8>),
    /// A file that the provider left somewhere.
    Path(PathBuf),
}

/// How a provider's turn ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEnd {
    /// The work was done.
    Done,
    /// The work could not be done, and no other provider could do it either.
    Failed(Failure),
    /// The provider could not answer; another try or another one may.
    Broke(Fault),
    /// It was asked to stop, and has: nothing of it goes on.
    Stopped,
    /// The whole process is to end with this code, as in a crash: nothing is settled.
    Exit(u8),
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// A short stable word.
    pub code: String,
    /// For people.
    pub error: String,
    /// Whether it may work later.
    pub retry: Retry,
}

/// Whether a failed turn may work later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will not.
    Never,
    /// It may, when the host says so.
    Later,
    /// It may, from this time on.
    At(Timestamp),
}

/// What the guest has claimed for one turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The run, minted at the claim.
    pub run: RunId,
    /// When it was claimed.
    pub at: Timestamp,
    /// Rows that want an answer, in order.
    pub triggers: Vec<InboundRow>,
    /// Rows that ride along.
    pub context: Vec<InboundRow>,
}

impl Claim {
    /// All rows of the claim.
    pub fn rows(&self) -> impl Iterator<Item = &InboundRow> {
        self.triggers.iter().chain(&self.context)
    }
}

/// A reply that waits for its files, its number and its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The row that it answers; `None` when the provider named none of the claim's.
    pub in_reply_to: Option<MessageId>,
    /// The origin of the row that it answers.
    pub address: Option<Address>,
    /// A name in the address book, where the provider gave one.
    pub to: Option<String>,
    /// What it says or does.
    pub what: What,
    /// Files that go with it.
    pub files: Vec<OutFile>,
}

/// How a turn is settled, in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// Replies, in order.
    pub drafts: Vec<Draft>,
    /// The guest's word about every claimed row.
    pub acks: Vec<Ack>,
    /// The run's.
    pub outcome: Outcome,
    /// What went wrong, as a short stable word.
    pub error_code: Option<String>,
}

/// Decides how a turn is settled. A provider that ended well without any answer, not even an
/// explicit empty one, has failed: nobody is left without a word by accident.
#[must_use]
pub fn settle(
    claim: &Claim,
    unreadable: &[Unreadable],
    replies: Vec<Reply>,
    failure: Option<&Failure>,
) -> Settlement {
    let all_unreadable = claim.triggers.iter().all(|row| is_unreadable(row, unreadable));
    let silent = Failure {
        code: "no_answer".to_owned(),
        error: "the provider ended without an answer".to_owned(),
        retry: Retry::Never,
    };
    let forgot = failure.is_none() && replies.is_empty() && !all_unreadable;
    let failure = if forgot { Some(&silent) } else { failure };
    let acks = claim.rows().map(|row| ack(claim, row, unreadable, failure)).collect();
    let drafts = match failure {
        None => replies.into_iter().filter(has_something).map(|r| draft(claim, r)).collect(),
        Some(_) => Vec::new(),
    };
    let error_code = match failure {
        Some(failure) => Some(failure.code.clone()),
        None => all_unreadable.then(|| UNREADABLE.to_owned()),
    };
    let outcome = if error_code.is_some() { Outcome::Failed } else { Outcome::Completed };
    Settlement { drafts, acks, outcome, error_code }
}

/// Why a turn did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokenOff {
    /// Somebody stopped it.
    Stopped,
    /// Its guest was asked to end, and tools have acted: nobody does it over by himself.
    Interrupted,
}

/// How a turn is settled that broke off: what it had said so far is said, and no more.
#[must_use]
pub fn broken_off(claim: &Claim, said: Vec<Reply>, why: BrokenOff) -> Settlement {
    let (status, outcome, error) = match why {
        BrokenOff::Stopped => (AckStatus::Cancelled, Outcome::Cancelled, None),
        BrokenOff::Interrupted => (AckStatus::Failed, Outcome::Interrupted, Some(INTERRUPTED)),
    };
    let ack = |row: &InboundRow| Ack {
        message: row.id.clone(),
        status,
        tries: row.tries,
        run: Some(claim.run.clone()),
        error: error.map(str::to_owned),
        retry_at: None,
    };
    Settlement {
        drafts: said.into_iter().filter(has_something).map(|r| draft(claim, r)).collect(),
        acks: claim.rows().map(ack).collect(),
        outcome,
        error_code: error.map(str::to_owned),
    }
}

fn has_something(reply: &Reply) -> bool {
    match &reply.what {
        What::Words(text) => {
            let text = text.trim();
            !reply.files.is_empty() || !(text.is_empty() || text == NO_REPLY)
        }
        What::Change(_) | What::Ask(_) | What::Show(_) | What::Act(_) => true,
    }
}

impl Draft {
    /// The same with the address that its name stands for now. What has no address is said where
    /// the message came from instead, without its words: they were meant for somebody else.
    #[must_use]
    pub fn addressed(mut self, book: &[Destination]) -> Self {
        let Some(name) = self.to.take() else { return self };
        let known = book.iter().find(|entry| entry.name == name);
        match known.map(|entry| &entry.target) {
            Some(DestinationTarget::Channel(address)) => self.address = Some(address.clone()),
            Some(DestinationTarget::Agent(agent)) => {
                self.address = Some(Address {
                    channel_type: PEER_CHANNEL.to_owned(),
                    platform_id: agent.clone(),
                    thread_id: None,
                });
            }
            None => {
                let name: String = name.chars().take(limits::NAME_CHARS).collect();
                self.what = What::Words(format!("(I know no destination {name:?}.)"));
                self.files.clear();
            }
        }
        self
    }
}

/// A reply with where it goes.
pub(crate) fn draft(claim: &Claim, reply: Reply) -> Draft {
    let answered = claim.rows().find(|row| row.id == reply.in_reply_to);
    // A batch has one address, so any of its rows knows it.
    let origin = answered.or_else(|| claim.triggers.first());
    let mut what = reply.what;
    if let What::Words(text) = &mut what
        && text.trim() == NO_REPLY
    {
        text.clear();
    }
    Draft {
        in_reply_to: answered.map(|row| row.id.clone()),
        address: origin.and_then(|row| row.address.clone()),
        to: reply.to,
        what,
        files: reply.files,
    }
}

fn ack(
    claim: &Claim,
    row: &InboundRow,
    unreadable: &[Unreadable],
    failure: Option<&Failure>,
) -> Ack {
    let own = unreadable.iter().find(|bad| bad.row.id == row.id);
    let (status, error, retry_at) = match (own, failure) {
        (Some(bad), _) => (AckStatus::Failed, Some(bad.why.as_str()), None),
        (None, None) => (AckStatus::Completed, None, None),
        (None, Some(failure)) => {
            let (status, at) = match failure.retry {
                Retry::Never => (AckStatus::Failed, None),
                Retry::Later => (AckStatus::Retry, None),
                Retry::At(at) => (AckStatus::Retry, Some(at)),
            };
            (status, Some(failure.error.as_str()), at)
        }
    };
    Ack {
        message: row.id.clone(),
        status,
        tries: row.tries,
        run: Some(claim.run.clone()),
        error: error.map(|text| text.chars().take(limits::ERROR_CHARS).collect()),
        retry_at,
    }
}

fn is_unreadable(row: &InboundRow, unreadable: &[Unreadable]) -> bool {
    unreadable.iter().any(|bad| bad.row.id == row.id)
}

#[cfg(test)]
mod tests {
    use schemas::message::{InboundStatus, Kind};

    use super::*;

    fn row(id: &str, trigger: bool) -> InboundRow {
        InboundRow {
            id: MessageId::parse(id).unwrap(),
            seq: 2,
            kind: Kind::Chat,
            timestamp: Timestamp::UNIX_EPOCH,
            status: InboundStatus::Pending,
            tries: 3,
            trigger,
            address: Some(Address {
                channel_type: "terminal".into(),
                platform_id: "desk".into(),
                thread_id: None,
            }),
            content: "hi".into(),
            on_wake: false,
            sender_id: None,
            solo: false,
            queue_pos: None,
        }
    }

    fn claim() -> Claim {
        Claim {
            run: RunId::mint(Timestamp::UNIX_EPOCH),
            at: Timestamp::UNIX_EPOCH,
            triggers: vec![row("a", true)],
            context: vec![row("c", false)],
        }
    }

    fn reply(to: &str, text: &str) -> Reply {
        Reply::words(MessageId::parse(to).unwrap(), text)
    }

    fn failure(retry: Retry) -> Failure {
        Failure { code: "overloaded".into(), error: "try later".into(), retry }
    }

    #[track_caller]
    fn check(settled: &Settlement, drafts: &[&str], acks: [AckStatus; 2], code: Option<&str>) {
        let texts: Vec<&What> = settled.drafts.iter().map(|d| &d.what).collect();
        let drafts: Vec<What> = drafts.iter().map(|text| What::Words((*text).into())).collect();
        let drafts: Vec<&What> = drafts.iter().collect();
        let words: Vec<AckStatus> = settled.acks.iter().map(|a| a.status).collect();
        assert_eq!((texts, words.as_slice()), (drafts, acks.as_slice()));
        assert_eq!(settled.error_code.as_deref(), code);
        assert_eq!(settled.outcome == Outcome::Completed, code.is_none());
        assert!(settled.acks.iter().all(|a| a.tries == 3 && a.run.is_some()));
    }

    #[test]
    fn replies_complete_triggers_and_context_alike() {
        use AckStatus::Completed;
        let settled = settle(&claim(), &[], vec![reply("a", "1"), reply("c", "2")], None);
        check(&settled, &["1", "2"], [Completed, Completed], None);
        assert!(settled.drafts.iter().all(|d| d.in_reply_to.is_some() && d.address.is_some()));
    }

    #[test]
    fn an_explicit_silence_completes_without_a_row() {
        use AckStatus::Completed;
        for word in ["", "  ", NO_REPLY, " [NO_REPLY]\n"] {
            let settled = settle(&claim(), &[], vec![reply("a", word)], None);
            check(&settled, &[], [Completed, Completed], None);
        }
    }

    #[test]
    fn a_silence_by_accident_is_a_failure() {
        use AckStatus::Failed;
        check(&settle(&claim(), &[], vec![], None), &[], [Failed, Failed], Some("no_answer"));
    }

    #[test]
    fn a_failure_drops_the_replies_and_says_whether_it_may_work_later() {
        use AckStatus::{Failed, Retry as Again};
        let at = Timestamp::from_second(9).unwrap();
        let cases = [
            (Retry::Never, Failed, None),
            (Retry::Later, Again, None),
            (Retry::At(at), Again, Some(at)),
        ];
        for (retry, word, retry_at) in cases {
            let failure = failure(retry);
            let settled = settle(&claim(), &[], vec![reply("a", "half")], Some(&failure));
            check(&settled, &[], [word, word], Some("overloaded"));
            assert!(settled.acks.iter().all(|a| a.retry_at == retry_at));
            assert_eq!(settled.acks[0].error.as_deref(), Some("try later"));
        }
    }

    #[test]
    fn an_unreadable_row_fails_alone() {
        use AckStatus::{Completed, Failed};
        let bad = |id| Unreadable { row: row(id, true), why: "it is null".into() };
        let settled = settle(&claim(), &[bad("c")], vec![reply("a", "1")], None);
        check(&settled, &["1"], [Completed, Failed], None);
        let settled = settle(&claim(), &[bad("a")], vec![], None);
        check(&settled, &[], [Failed, Completed], Some("unreadable_content"));
    }

    #[test]
    fn a_name_is_looked_up_and_an_unknown_one_is_said_without_its_words() {
        let entry =
            |name: &str, target| Destination { name: name.into(), display_name: None, target };
        let room =
            Address { channel_type: "slack".into(), platform_id: "ops".into(), thread_id: None };
        let book = [
            entry("ops", DestinationTarget::Channel(room.clone())),
            entry("betty", DestinationTarget::Agent("agent-b".into())),
        ];
        let to = |name: &str| {
            let reply = Reply { to: Some(name.into()), ..reply("a", "secret") };
            settle(&claim(), &[], vec![reply], None).drafts.remove(0).addressed(&book)
        };
        assert_eq!(to("ops").address, Some(room));
        let peer = to("betty").address.unwrap();
        assert_eq!((peer.channel_type.as_str(), peer.platform_id.as_str()), ("agent", "agent-b"));
        let lost = to("nobody");
        assert_eq!(lost.address, claim().triggers[0].address);
        assert_eq!(lost.what, What::Words("(I know no destination \"nobody\".)".into()));
    }

    #[test]
    fn an_answer_to_nothing_goes_to_the_batchs_room() {
        let settled = settle(&claim(), &[], vec![reply("elsewhere", "1")], None);
        assert_eq!(settled.drafts[0].in_reply_to, None);
        assert!(settled.drafts[0].address.is_some());
    }
}
