//! Why the app server could not answer, in our terms. PURE.
//!
//! Owns what its typed reasons stand for. What HTTP said counts first, then the typed reason, then
//! its words. It never says how long to wait: of a `Retry-After` it keeps nothing.

use serde_json::Value;

use super::{
    super::{Class, Fault},
    wire::text,
};

/// What an error of a turn stands for.
pub(super) fn fault(error: &Value) -> Fault {
    let mut words = text(error, "message").to_owned();
    let more = text(error, "additionalDetails");
    if !more.is_empty() {
        words.extend([": ", more]);
    }
    let info = error.get("codexErrorInfo").unwrap_or(&Value::Null);
    // Either a word, or a word with what is known beside it.
    let named = info.as_object().and_then(|one| one.iter().next());
    let kind = named.map(|(kind, _)| kind.as_str()).or_else(|| info.as_str()).unwrap_or_default();
    let status = named.and_then(|(_, about)| about.get("httpStatusCode")).and_then(Value::as_u64);
    match (status.and_then(|status| u16::try_from(status).ok()), class(kind)) {
        (Some(status), _) => Fault::of_status(status, None, &words),
        (None, Some(class)) => Fault::new(class, words),
        (None, None) => Fault::of_words(&words),
    }
}

fn class(kind: &str) -> Option<Class> {
    match kind {
        "contextWindowExceeded" => Some(Class::TooLong),
        "usageLimitExceeded" | "rateLimitExceeded" | "sessionBudgetExceeded" => {
            Some(Class::Limited)
        }
        "serverOverloaded" | "flexUnavailable" | "policyCapacityUnavailable" => {
            Some(Class::Overloaded)
        }
        "modelNotFound" => Some(Class::NoModel),
        "internalServerError" => Some(Class::Server),
        "unauthorized" => Some(Class::Auth),
        "badRequest" | "cyberPolicy" | "misalignmentPolicyViolation" | "inferenceHookDenied" => {
            Some(Class::Refused)
        }
        // Without a status: nobody answered.
        "httpConnectionFailed"
        | "responseStreamConnectionFailed"
        | "responseStreamDisconnected" => Some(Class::Network),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(message: &str, info: impl Into<Value>, class: Class) {
        let info = info.into();
        let error =
            json!({ "message": message, "codexErrorInfo": info, "additionalDetails": null });
        assert_eq!(fault(&error).class, class, "{message} {error}");
    }

    #[test]
    fn a_status_says_more_than_a_typed_reason_and_that_more_than_words() {
        let http = |kind: &str, status: Value| json!({ kind: { "httpStatusCode": status } });
        check("unexpected status 401", http("httpConnectionFailed", json!(401)), Class::Auth);
        check("exceeded", http("responseTooManyFailedAttempts", json!(429)), Class::Limited);
        check("Overloaded", http("httpConnectionFailed", json!(529)), Class::Overloaded);
        check("x", http("responseStreamDisconnected", json!(500)), Class::Server);
        check("Connection failed", http("httpConnectionFailed", Value::Null), Class::Network);
        check("The model does not exist", json!("modelNotFound"), Class::NoModel);
        check("ran out of room", json!("contextWindowExceeded"), Class::TooLong);
        check("high demand", json!("internalServerError"), Class::Server);
        check("no", json!("badRequest"), Class::Refused);
        check("stream disconnected before completion: x", json!("other"), Class::Network);
        check("stream disconnected: Overloaded", json!("other"), Class::Overloaded);
        check("something", Value::Null, Class::Opaque);
        check("something", json!({ "newThing": {} }), Class::Opaque);
    }

    #[test]
    fn the_whole_chain_of_causes_is_kept() {
        let error = json!({ "message": "a", "codexErrorInfo": null, "additionalDetails": "b" });
        assert_eq!(fault(&error).detail, "a: b");
        assert_eq!(fault(&Value::Null), Fault::new(Class::Opaque, ""));
    }
}
