//! Why the host will not take what lies in a guest's folder.
//!
//! Owns the closed list of reasons. Each is a fact about the guest's files, not a failure of the
//! host: the session is set aside with the message as its notice.

use std::error::Error;

/// What is wrong, as far as the caller acts differently on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusedKind {
    /// A directory, FIFO, socket or device where a file belongs.
    NotRegular,
    /// The file has another name somewhere.
    Linked,
    /// A symbolic link, or a name that is not one safe path component.
    OutsideFolder,
    /// Above the size that is let in.
    TooLarge,
    /// Somebody held the lock longer than it is waited for.
    LockHeld,
    /// The journal beside the database is not a file of its own.
    Journal,
    /// Not a database, a damaged one, or one in WAL mode.
    NotADatabase,
    /// A database, with other tables than the contract's.
    ForeignSchema,
    /// Written by a newer contract than this program knows.
    Newer,
    /// It ran into a limit or a deadline, or says what the contract does not allow.
    Hostile,
    /// The system refused; the cause says why. A file that is not there is `NotFound` in it.
    Io,
}

/// Something in a guest's folder that the host will not take.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What follows from it.
    pub kind: RefusedKind,
    /// One lower-case fragment without the cause.
    pub message: String,
    /// The system's or `SQLite`'s own word.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Refused {
    /// A refusal without a cause.
    #[must_use]
    pub fn new(kind: RefusedKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn because(
        kind: RefusedKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// Whether the reason is only that nothing lies there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        let io = self.source.as_deref().and_then(|source| source.downcast_ref::<std::io::Error>());
        io.is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }
}
