//! What the end of one of Claude Code's turns means. PURE.
//!
//! Its `subtype` says `success` of failures, too, so three fields must agree before a turn counts
//! as done. A failure is classed by the status that the model's interface gave, then by Claude
//! Code's own word for it, then by its prose.

use super::line::Ended;
use crate::provider::{Class, Fault};

/// The answer of a turn, or why there is none; `error` is its last word for one.
pub(super) fn outcome(ended: &Ended, error: Option<&str>) -> Result<String, Fault> {
    let completed = ended.reason.as_deref().is_none_or(|reason| reason == "completed");
    if !ended.is_error && ended.subtype == "success" && completed {
        return Ok(ended.result.clone());
    }
    let words: Vec<&str> = std::iter::once(ended.result.as_str())
        .chain(ended.errors.iter().map(String::as_str))
        .filter(|words| !words.trim().is_empty())
        .collect();
    let words = words.join("; ");
    if let Some(status) = ended.status {
        return Err(Fault::of_status(status, None, &words));
    }
    let detail = format!(
        "{}, {}: {words}",
        error.unwrap_or(&ended.subtype),
        ended.reason.as_deref().unwrap_or("no reason")
    );
    let by_prose = Fault::of_words(&words).class;
    // `server_error` stands for a lost connection, too: the prose knows which.
    let class = match (by_prose, error.and_then(of_word)) {
        (Class::Opaque, Some(class)) => class,
        (class, None | Some(Class::Server)) => class,
        (_, Some(class)) => class,
    };
    Err(Fault::new(class, detail))
}

/// Its own words for errors; those that may be anything are not among them.
fn of_word(error: &str) -> Option<Class> {
    match error {
        "authentication_failed" | "oauth_org_not_allowed" => Some(Class::Auth),
        "billing_error" | "rate_limit" => Some(Class::Limited),
        "overloaded" => Some(Class::Overloaded),
        "server_error" => Some(Class::Server),
        "model_not_found" => Some(Class::NoModel),
        "invalid_request" => Some(Class::Refused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(
        is_error: bool,
        subtype: &str,
        reason: &str,
        status: Option<u16>,
        words: &str,
    ) -> Ended {
        let (subtype, reason) = (subtype.to_owned(), Some(reason.to_owned()));
        Ended { is_error, subtype, reason, status, result: words.to_owned(), ..Ended::default() }
    }

    #[test]
    fn a_turn_is_done_only_when_all_of_it_says_so() {
        let class = |ended: &Ended| outcome(ended, None).map_err(|fault| fault.class);
        let good = ended(false, "success", "completed", None, "hi");
        assert_eq!(class(&good), Ok("hi".to_owned()));
        for (bad, class_of_it) in [
            (ended(true, "success", "api_error", Some(401), "Invalid"), Class::Auth),
            (ended(true, "success", "api_error", Some(529), "x"), Class::Overloaded),
            (ended(true, "success", "completed", Some(429), "x"), Class::Limited),
            (ended(true, "success", "api_error", Some(404), "x"), Class::NoModel),
            (ended(true, "success", "api_error", Some(400), "Prompt is too long"), Class::TooLong),
            (ended(true, "success", "api_error", None, "refused (ECONNREFUSED)"), Class::Network),
            (ended(false, "error_during_execution", "completed", None, ""), Class::Opaque),
            (ended(false, "success", "aborted_tools", None, ""), Class::Opaque),
        ] {
            assert_eq!(class(&bad), Err(class_of_it), "{bad:?}");
        }
    }

    #[test]
    fn its_own_word_counts_where_there_is_no_status() {
        let line = ended(true, "success", "api_error", None, "Something went wrong");
        let class = |error| outcome(&line, Some(error)).unwrap_err().class;
        assert_eq!(class("rate_limit"), Class::Limited);
        assert_eq!(class("server_error"), Class::Server);
        assert_eq!(class("unknown"), Class::Opaque);
        let lost = ended(true, "success", "api_error", None, "Connection lost (ECONNRESET)");
        assert_eq!(outcome(&lost, Some("server_error")).unwrap_err().class, Class::Network);
    }
}
