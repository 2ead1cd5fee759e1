//! Why a provider could not answer, in terms that say what to try next. PURE.
//!
//! Owns the classes of errors and how one is told from another: what HTTP said counts first, then
//! the runtime's own typed reason, then its words. What nobody can name is [`Class::Opaque`]: it
//! counts against the provider, and the operator is alerted.

use std::time::Duration;

use schemas::guest_side::ErrorScope;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The key is missing, wrong, or may not do this.
    Auth,
    /// Too many requests, or no credit left.
    Limited,
    /// The model's servers are full.
    Overloaded,
    /// The model's servers failed.
    Server,
    /// Nobody answered, or the line was cut.
    Network,
    /// There is no such model, or not for us.
    NoModel,
    /// The conversation is longer than the model can read.
    TooLong,
    /// The request was refused as it stands.
    Refused,
    /// Nothing came for too long.
    Silent,
    /// The runtime's process ended in the middle of a turn.
    Exited,
    /// The runtime said something that is not its protocol.
    Garbled,
    /// The runtime is not there, or cannot be started.
    Missing,
    /// It gave no reason.
    Opaque,
}

impl Class {
    /// The stable word in rows and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Limited => "limited",
            Self::Overloaded => "overloaded",
            Self::Server => "server_error",
            Self::Network => "network",
            Self::NoModel => "no_model",
            Self::TooLong => "too_long",
            Self::Refused => "refused",
            Self::Silent => "no_progress",
            Self::Exited => "exited",
            Self::Garbled => "garbled",
            Self::Missing => "missing",
            Self::Opaque => "opaque",
        }
    }

    /// What is out of order: this model alone, or all of its provider.
    #[must_use]
    pub fn scope(self) -> ErrorScope {
        match self {
            Self::NoModel | Self::TooLong | Self::Refused => ErrorScope::Model,
            Self::Auth
            | Self::Limited
            | Self::Overloaded
            | Self::Server
            | Self::Network
            | Self::Silent
            | Self::Exited
            | Self::Garbled
            | Self::Missing
            | Self::Opaque => ErrorScope::Provider,
        }
    }

    /// Whether the same request may work a few seconds later.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::Limited
            | Self::Overloaded
            | Self::Server
            | Self::Network
            | Self::Exited
            | Self::Garbled => true,
            Self::Auth
            | Self::NoModel
            | Self::TooLong
            | Self::Refused
            | Self::Silent
            | Self::Missing
            | Self::Opaque => false,
        }
    }
}

impl Class {
    /// Whether the whole turn may be tried again later, when nobody else is left.
    #[must_use]
    pub fn may_pass(self) -> bool {
        self.is_transient() || matches!(self, Self::Silent | Self::Opaque)
    }
}

/// Why a provider could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub class: Class,
    /// How long to wait before another try, where somebody said so.
    pub retry_after: Option<Duration>,
    /// The whole chain of causes, for the operator; never for a room.
    pub detail: String,
}

impl Fault {
    /// A fault of a class.
    pub fn new(class: Class, detail: impl Into<String>) -> Self {
        Self { class, retry_after: None, detail: detail.into() }
    }

    /// What an HTTP status stands for; the words tell apart what shares a status.
    #[must_use]
    pub fn of_status(status: u16, retry_after: Option<Duration>, words: &str) -> Self {
        let class = match status {
            401 | 403 => Class::Auth,
            402 | 429 => Class::Limited,
            404 => Class::NoModel,
            408 => Class::Network,
            413 => Class::TooLong,
            529 | 503 => Class::Overloaded,
            500..=599 => Class::Server,
            _ => of_words(words).unwrap_or(Class::Refused),
        };
        Self { class, retry_after, detail: format!("HTTP {status}: {words}") }
    }

    /// What words stand for, where nothing better is known.
    #[must_use]
    pub fn of_words(words: &str) -> Self {
        Self::new(of_words(words).unwrap_or(Class::Opaque), words)
    }
}

/// Anchored prose: phrases that the runtimes use for one thing only.
fn of_words(words: &str) -> Option<Class> {
    let words = words.to_lowercase();
    let table: [(&str, Class); 26] = [
        ("prompt is too long", Class::TooLong),
        ("context_length_exceeded", Class::TooLong),
        ("maximum context length", Class::TooLong),
        ("model_not_found", Class::NoModel),
        ("not_found_error", Class::NoModel),
        ("authentication_error", Class::Auth),
        ("authentication_failed", Class::Auth),
        ("permission_error", Class::Auth),
        ("oauth_org_not_allowed", Class::Auth),
        ("invalid api key", Class::Auth),
        ("invalid x-api-key", Class::Auth),
        ("unauthorized", Class::Auth),
        ("billing_error", Class::Limited),
        ("insufficient_quota", Class::Limited),
        ("rate_limit", Class::Limited),
        ("rate limit", Class::Limited),
        ("overloaded", Class::Overloaded),
        ("econnrefused", Class::Network),
        ("connection refused", Class::Network),
        ("econnreset", Class::Network),
        ("enetunreach", Class::Network),
        ("stream disconnected", Class::Network),
        ("stream ended", Class::Network),
        ("internal server error", Class::Server),
        ("api_error", Class::Server),
        ("server_error", Class::Server),
    ];
    table.iter().find(|(phrase, _)| words.contains(phrase)).map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_more_than_words() {
        let of = |status, words| Fault::of_status(status, None, words).class;
        assert_eq!(of(404, "rate limit"), Class::NoModel);
        for (status, class) in [
            (401, Class::Auth),
            (403, Class::Auth),
            (408, Class::Network),
            (429, Class::Limited),
            (500, Class::Server),
            (503, Class::Overloaded),
            (529, Class::Overloaded),
        ] {
            assert_eq!(of(status, "anything"), class, "{status}");
            assert_eq!(class.scope(), ErrorScope::Provider, "{status}");
        }
        assert_eq!(of(400, "prompt is too long: 2 > 1"), Class::TooLong);
        assert_eq!(of(400, "tools.0: bad"), Class::Refused);
        assert_eq!(of(404, "").scope(), ErrorScope::Model);
    }

    #[test]
    fn words_are_read_where_there_is_nothing_else_and_a_blank_reason_is_opaque() {
        let of = |words: &str| Fault::of_words(words).class;
        assert_eq!(of("API Error: Connection refused (ECONNREFUSED)"), Class::Network);
        assert_eq!(of("Invalid API key - Fix external API key"), Class::Auth);
        assert_eq!(of("Overloaded"), Class::Overloaded);
        for blank in ["", "unknown error", "something"] {
            assert_eq!(of(blank), Class::Opaque, "{blank}");
        }
        assert!(!Class::Opaque.is_transient());
    }
}
