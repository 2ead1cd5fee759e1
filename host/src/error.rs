//! How the host fails: kind, cause chain, hint, and the exit code and HTTP status that follow.
//!
//! Owns the full space of kinds. `Display` is one lower-case fragment without its source; whoever
//! prints walks the chain.

use std::{error::Error as StdError, fmt};

use schemas::{
    admin::Problem,
    sqlite::{StoreError, StoreErrorKind},
};

use crate::{
    engine::{EngineError, EngineErrorKind},
    text,
};

/// What follows from a [`HostError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request itself is wrong.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// Whoever asks may not.
    Denied,
    /// It contradicts what is there: a repeated id with another body, a second host.
    Conflict,
    /// It is larger than a limit allows.
    TooLarge,
    /// A queue is full; try again.
    Busy,
    /// The disk, or what lies on it, refuses.
    Storage,
    /// The engine refuses or cannot be reached.
    Engine,
    /// No host answers.
    HostDown,
    /// A bug of ours.
    Internal,
}

/// The host's error.
#[derive(Debug)]
pub struct HostError {
    /// What follows from it.
    pub kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The host's result.
pub type Result<T> = std::result::Result<T, HostError>;

impl HostError {
    /// An error without a cause.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Message and all causes, joined for one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            // Some libraries repeat their cause in their own text.
            if !text.ends_with(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        text
    }

    /// The hint, when there is one.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What goes over the socket.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem {
            code: self.kind.code().to_owned(),
            message: self.chain(),
            hint: self.hint.clone(),
        }
    }

    /// Reads what came over the socket.
    #[must_use]
    pub fn from_problem(problem: Problem) -> Self {
        let kind = ErrorKind::ALL
            .into_iter()
            .find(|kind| kind.code() == problem.code)
            .unwrap_or(ErrorKind::Internal);
        Self { kind, message: problem.message, hint: problem.hint, source: None }
    }
}

impl ErrorKind {
    const ALL: [Self; 10] = [
        Self::Invalid,
        Self::NotFound,
        Self::Denied,
        Self::Conflict,
        Self::TooLarge,
        Self::Busy,
        Self::Storage,
        Self::Engine,
        Self::HostDown,
        Self::Internal,
    ];

    /// The stable word on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Storage => "storage",
            Self::Engine => "engine",
            Self::HostDown => "host_down",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that says the same.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::NotFound => 404,
            Self::Denied => 403,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Busy => 429,
            Self::Storage => 507,
            Self::Engine | Self::HostDown => 503,
            Self::Internal => 500,
        }
    }

    /// The exit code of the CLI: 1 refused or failed, 2 usage, 3 host not reachable.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Invalid => 2,
            Self::HostDown => 3,
            Self::NotFound
            | Self::Denied
            | Self::Conflict
            | Self::TooLarge
            | Self::Busy
            | Self::Storage
            | Self::Engine
            | Self::Internal => 1,
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for HostError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<StoreError> for HostError {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for HostError {
    fn from(error: &StoreError) -> Self {
        let hint = match error.kind {
            StoreErrorKind::Full => Some(text::FREE_SPACE),
            StoreErrorKind::ReadOnly | StoreErrorKind::Missing | StoreErrorKind::Other => {
                Some(text::CHECK_THE_HOME)
            }
            StoreErrorKind::Corrupt => Some("restore the file from a backup"),
            StoreErrorKind::Newer => Some("use the newer lazaret that wrote this file"),
            StoreErrorKind::Busy | StoreErrorKind::RollbackPending | StoreErrorKind::Invalid => {
                None
            }
        };
        Self {
            kind: ErrorKind::Storage,
            message: error.message.clone(),
            hint: hint.map(str::to_owned),
            source: error.said().map(Into::into),
        }
    }
}

impl From<EngineError> for HostError {
    fn from(error: EngineError) -> Self {
        let kind = match error.kind {
            EngineErrorKind::Unreachable
            | EngineErrorKind::Permanent
            | EngineErrorKind::Transient => ErrorKind::Engine,
        };
        Self { kind, message: error.message, hint: error.hint, source: error.source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_every_cause_once() {
        let cause = std::io::Error::other("no space left");
        let error = HostError::new(ErrorKind::Storage, "cannot write the file").because(cause);
        assert_eq!(error.chain(), "cannot write the file: no space left");
    }

    #[test]
    fn an_error_is_the_same_after_it_went_over_the_socket() {
        let error =
            HostError::new(ErrorKind::NotFound, "no agent \"bob\"").hint("did you mean bo?");
        let again = HostError::from_problem(error.problem());
        assert_eq!((again.kind, again.chain()), (error.kind, error.chain()));
        assert_eq!(again.hint_text(), Some("did you mean bo?"));
    }
}
