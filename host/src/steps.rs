//! The steps of a message's life by name: the places where a test may end the host.
//!
//! Owns the list and the port through which it is watched. The program that people install watches
//! nothing, and then a step is one look at an empty handle; no setting, no argument and no variable
//! can change that. A test gives a watch of its own: one that kills the process, or, where many
//! hosts share one, one that unwinds. Between two steps of this list lies either nothing durable or
//! exactly one commit, one call of the engine, or one post.

use std::{fmt, sync::Arc};

/// What has just been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// 1: a message is in the daemon's hands; nothing is durable.
    Heard,
    /// 2: what routing must know is read.
    FactsRead,
    /// 3: who gets it is decided.
    Routed,
    /// 4: the session's row is there.
    SessionFound,
    /// 4: the central row says that the session must be looked at after a crash.
    MarkedAwake,
    /// 5: attachments are on the disk; no row names them yet.
    FilesWritten,
    /// 5: the row is durable; nobody was answered.
    RowWritten,
    /// 5: whoever brought it was answered.
    Acknowledged,
    /// 6: routing, destinations and `session.json` are written anew.
    WakePrepared,
    /// 7: the engine started a container; the session does not know it yet.
    ContainerStarted,
    /// 10: what the guest wrote was seen; nothing follows from it yet.
    ReplySeen,
    /// 10: runs are settled in the central database, their rows not folded in the session's file.
    RunsSettled,
    /// 10: rows that are over are folded.
    RowsFolded,
    /// 11: a post is about to be handed to its channel; where it must be, `sending` is durable.
    PostBegun,
    /// 12: the channel took it; the ledger does not say so.
    Posted,
    /// 11: the ledger says what became of it.
    LedgerWritten,
    /// A container ended; its claims are not given back.
    ExitSeen,
    /// The central row says that the session sleeps; its task has not ended.
    MarkedAsleep,
    /// An action of the guest is done; neither its answer nor the ledger's word is written.
    ActionDone,
    /// A command of a chat is done; that it is obeyed stands nowhere, but where it did something.
    CommandDone,
    /// A command of a chat is obeyed, and that it is stands in the central database; nobody knows.
    CommandObeyed,
    /// What waits for a person's yes is written down; nobody was told.
    ApprovalAsked,
    /// The yes or no is durable; nothing was done about it.
    ApprovalAnswered,
    /// What was approved is done; that it is done is not written down.
    ApprovalCarriedOut,
    /// What came of it is written down; whoever asked does not know.
    ApprovalFinished,
    /// Whoever asked was told; that they were is not written down.
    ApprovalTold,
    /// A question to a person is durable; it was not posted.
    QuestionWritten,
    /// The answer to it is durable; the agent does not know.
    QuestionAnswered,
    /// A task's time has come, and its occurrence is written down; its row is not.
    OccurrenceDecided,
    /// The row of an occurrence is durable; that it is stands nowhere else.
    OccurrenceWritten,
    /// A host that starts has read what an earlier one left; it has adopted nothing.
    Begun,
}

impl Step {
    /// All of them, in the order of a message's life.
    pub const ALL: [Self; 31] = [
        Self::Heard,
        Self::FactsRead,
        Self::Routed,
        Self::SessionFound,
        Self::MarkedAwake,
        Self::FilesWritten,
        Self::RowWritten,
        Self::Acknowledged,
        Self::WakePrepared,
        Self::ContainerStarted,
        Self::ReplySeen,
        Self::RunsSettled,
        Self::RowsFolded,
        Self::PostBegun,
        Self::Posted,
        Self::LedgerWritten,
        Self::ExitSeen,
        Self::MarkedAsleep,
        Self::ActionDone,
        Self::CommandDone,
        Self::CommandObeyed,
        Self::ApprovalAsked,
        Self::ApprovalAnswered,
        Self::ApprovalCarriedOut,
        Self::ApprovalFinished,
        Self::ApprovalTold,
        Self::QuestionWritten,
        Self::QuestionAnswered,
        Self::OccurrenceDecided,
        Self::OccurrenceWritten,
        Self::Begun,
    ];

    /// The step of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| format!("{step:?}") == name)
    }
}

type Watch = Arc<dyn Fn(Step) + Send + Sync>;

/// Who is told of each step; mostly nobody.
#[derive(Clone, Default)]
pub struct Steps(Option<Watch>);

impl Steps {
    /// Steps that a test watches. What it does at a step is done in the middle of the host's own
    /// code, and it need not return.
    #[must_use]
    pub fn watched(watch: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(watch)))
    }

    /// A step was taken.
    #[inline]
    pub fn reached(&self, step: Step) {
        if let Some(watch) = &self.0 {
            watch(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Steps(watched)" } else { "Steps" })
    }
}
