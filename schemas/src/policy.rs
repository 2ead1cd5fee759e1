//! The words of the rules that an operator sets: when an agent engages, whom it hears, who may
//! what.
//!
//! Owns the words as they stand in columns and in JSON; the rules themselves are the host's.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::column_words;

column_words!(
    /// Which session a message of a wiring belongs to.
    #[derive(Default)]
    SessionMode {
        /// One per agent and room.
        #[default]
        Shared = "shared",
        /// One per agent, room and thread.
        PerThread = "per-thread",
        /// One per agent, over all rooms that are wired so.
        AgentShared = "agent-shared",
    }
);

column_words!(
    /// When an agent of a room engages.
    EngageMode {
        /// When the text matches a regular expression; without one, always.
        Pattern = "pattern",
        /// When it is mentioned, or spoken to in a direct message.
        Mention = "mention",
        /// When it is mentioned, and from then on in that thread.
        MentionSticky = "mention-sticky",
    }
);

column_words!(
    /// Whose messages a wiring hears at all.
    SenderScope {
        /// Everybody's whom the room lets through.
        All = "all",
        /// Owners', admins' and members' only, in a public room too.
        Known = "known",
    }
);

column_words!(
    /// What becomes of a message that its agent does not engage over.
    IgnoredPolicy {
        /// Nothing.
        Drop = "drop",
        /// It is kept, and rides along with the next message that wakes the agent.
        Accumulate = "accumulate",
    }
);

column_words!(
    /// What becomes of a stranger's message in a room.
    UnknownSenderPolicy {
        /// It is dropped.
        Strict = "strict",
        /// An owner or admin is asked, once for each sender.
        RequestApproval = "request_approval",
        /// It is heard.
        Public = "public",
    }
);

column_words!(
    /// What a person is.
    Role {
        /// May do everything.
        Owner = "owner",
        /// May rewire and decide, for all agents or for one.
        Admin = "admin",
        /// May talk to one agent.
        Member = "member",
    }
);

column_words!(
    /// How much of the operator's commands an agent may use.
    #[derive(Default)]
    CliScope {
        /// Nothing.
        #[default]
        Disabled = "disabled",
        /// What is about itself.
        Own = "own",
        /// Everything; what changes something still waits for a person.
        All = "all",
    }
);

column_words!(
    /// Where an approval stands.
    ApprovalStatus {
        /// Waits for an answer.
        Pending = "pending",
        /// A person said yes.
        Approved = "approved",
        /// A person said no.
        Rejected = "rejected",
        /// Nobody answered in time.
        Expired = "expired",
    }
);

column_words!(
    /// What becomes of a task's times that passed while nobody was there.
    #[derive(Default)]
    Missed {
        /// Nothing: the next one is the next one.
        Skip = "skip",
        /// The last of them is made up for.
        #[default]
        Once = "once",
        /// Each of them, as far as that is bearable.
        All = "all",
    }
);

column_words!(
    /// Where a task stands.
    TaskStatus {
        /// It is done at its next time.
        Active = "active",
        /// Not before somebody resumes it.
        Paused = "paused",
        /// Its one time is over.
        Done = "done",
        /// Its one time went wrong.
        Failed = "failed",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
);

column_words!(
    /// What came of one time that a task was to be done.
    Occurred {
        /// It was done.
        Completed = "completed",
        /// It could not be done.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// It ended under the guest's hands.
        Interrupted = "interrupted",
        /// It was let go by, as the task or a bound has it.
        Skipped = "skipped",
    }
);

column_words!(
    /// What becomes of a turn whose provider failed after tools had acted.
    #[derive(Default)]
    AfterSideEffects {
        /// The next one goes on, and is told what was done.
        #[default]
        Handoff = "handoff",
        /// Nobody does; the room is told, and asked.
        Fail = "fail",
    }
);

/// One that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainEntry {
    /// Its word.
    pub provider: String,
    /// Which model of it; `None` leaves it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl fmt::Display for ChainEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}:{model}", self.provider),
            None => f.write_str(&self.provider),
        }
    }
}
