//! Why a guest ended otherwise than by request: kind, cause and message.
//!
//! Owns the mapping to exit codes, which is all that the host sees of it.

use std::error::Error;

use schemas::sqlite::{StoreError, StoreErrorKind};

/// What follows from a [`GuestError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestErrorKind {
    /// `session.json` or the command line is not what this program expects.
    Config,
    /// A file was written by a newer contract.
    Newer,
    /// A session file is damaged.
    Damaged,
    /// The host is in the middle of something: again later, for as long as it takes.
    NotYet,
    /// The disk is full, read-only or failing; may work later.
    Disk,
    /// The provider asked the whole process to end with this code.
    Exit(u8),
}

/// Why the guest ended.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct GuestError {
    /// What follows from it.
    pub kind: GuestErrorKind,
    /// One lower-case fragment without the cause.
    pub message: String,
    /// The cause, when there is one.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl GuestError {
    /// An error with a cause.
    pub fn new(
        kind: GuestErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// An error without a cause below it.
    pub fn bare(kind: GuestErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// What the process ends with: the codes of `sysexits.h`, which no shell uses itself.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            GuestErrorKind::Config => 78,
            GuestErrorKind::Newer => 76,
            GuestErrorKind::Damaged => 65,
            GuestErrorKind::NotYet => 75,
            GuestErrorKind::Disk => 74,
            GuestErrorKind::Exit(code) => code,
        }
    }

    /// The message and all its causes on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

impl From<StoreError> for GuestError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind {
            StoreErrorKind::Newer => GuestErrorKind::Newer,
            StoreErrorKind::Corrupt | StoreErrorKind::Invalid => GuestErrorKind::Damaged,
            StoreErrorKind::RollbackPending => GuestErrorKind::NotYet,
            StoreErrorKind::Busy
            | StoreErrorKind::Full
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::Missing
            | StoreErrorKind::Other => GuestErrorKind::Disk,
        };
        Self::new(kind, "session file", error)
    }
}
