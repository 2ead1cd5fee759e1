//! The steps of a turn by name: the places where a test may end the guest.
//!
//! Owns the list and the port through which it is watched. `lazaret-guest` watches nothing, and no
//! file, argument or variable can change that: what runs in a container obeys no stranger. Between
//! two steps of this list lies either nothing durable or exactly one commit; what a task's script
//! commits before the provider is asked has tests of its own.

use std::fmt;

/// What has just been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The guest began: claims that a dead one left are given back.
    Begun,
    /// 8: rows that are due were read.
    Read,
    /// 8: they are claimed.
    Claimed,
    /// 8: they were read once more, and nobody was asked yet.
    ReadAgain,
    /// 9: the run has its row.
    RunWritten,
    /// 9: it stands in the file that a tool acts; it does not know that it may.
    ToolRecorded,
    /// 9: what a tool posts stands in the file; the tool does not know it yet.
    Posted,
    /// 9: the provider is done; nothing of its answer is written.
    Answered,
    /// 10: the replies' files lie in the outbox; no row names them.
    FilesWritten,
    /// 10: replies, acks and the end of the run are durable.
    Settled,
}

impl Step {
    /// All of them, in the order of a turn.
    pub const ALL: [Self; 10] = [
        Self::Begun,
        Self::Read,
        Self::Claimed,
        Self::ReadAgain,
        Self::RunWritten,
        Self::ToolRecorded,
        Self::Posted,
        Self::Answered,
        Self::FilesWritten,
        Self::Settled,
    ];

    /// The step of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| format!("{step:?}") == name)
    }
}

/// Who is told of each step; mostly nobody.
#[derive(Default)]
pub struct Steps(Option<Box<dyn Fn(Step) + Send + Sync>>);

impl Steps {
    /// Steps that a test watches. What it does at a step need not return.
    #[must_use]
    pub fn watched(watch: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(watch)))
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
