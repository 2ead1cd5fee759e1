//! What the host remembers of the calls that a session's provider made to models.
//!
//! The guest asks for it where it makes them: `GET /calls?after=<n>` on the model socket. It is what
//! says first why a turn failed and what it used; a runtime's own words come second.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the socket in the folder that a container sees at `/workspace/sock`.
pub const MODEL_SOCKET: &str = "model.sock";

/// Where a guest without a container is told the whole path of the socket.
pub const MODEL_SOCKET_VARIABLE: &str = "LAZARET_MODEL_SOCKET";

/// The path on that socket at which the calls are asked for.
pub const CALLS_PATH: &str = "/calls";

/// The header in which the host names the [`CallError`] of an answer that is its own.
pub const ERROR_HEADER: &str = "x-lazaret-error";

/// The newest calls of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ModelCalls {
    /// In the order in which they began.
    pub calls: Vec<ModelCall>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCall {
    /// Rises with every call, also over the host's restarts; nothing else is promised of it.
    pub n: u64,
    /// When it began.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The route, such as `anthropic`; empty where the path named none.
    pub route: String,
    /// The path behind the route, without its query.
    pub path: String,
    /// What the guest was answered; `None` until there is an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the model's server asks to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// What went wrong on the way; an error that the model's server itself answered is in `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CallError>,
    /// The model that answered, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it used, as far as the answer said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<CallUsage>,
    /// Whether nothing more will come of it.
    pub ended: bool,
}

/// What went wrong on the way to a model or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallError {
    /// Nobody has given the host a key for this route.
    NoKey,
    /// There is no such route.
    NoRoute,
    /// The request is none that may pass.
    Refused,
    /// The request is larger than may pass.
    TooLarge,
    /// The session has as many connections as it may.
    Busy,
    /// The model's server could not be reached, or ended the connection without an answer.
    Unreachable,
    /// It did not answer, or stopped in the middle, for too long.
    Timeout,
    /// It pointed elsewhere, where the key is not carried.
    Redirect,
    /// The answer ended in the middle.
    Cut,
    /// The guest did not wait for the end.
    HungUp,
}

impl CallError {
    /// Its word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::NoRoute => "no-route",
            Self::Refused => "refused",
            Self::TooLarge => "too-large",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Redirect => "redirect",
            Self::Cut => "cut",
            Self::HungUp => "hung-up",
        }
    }
}

/// Tokens of one call. What was read from a cache does not count as input again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CallUsage {
    /// Read for the first time.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read, and known already.
    pub cache_read: u64,
    /// Read, and kept to be known.
    pub cache_write: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_same_word_in_the_header_and_in_the_list() {
        use CallError as E;
        let all = [
            E::NoKey,
            E::NoRoute,
            E::Refused,
            E::TooLarge,
            E::Busy,
            E::Unreachable,
            E::Timeout,
            E::Redirect,
            E::Cut,
            E::HungUp,
        ];
        for error in all {
            assert_eq!(serde_json::to_value(error).unwrap(), error.word());
        }
    }
}
