//! One request of a guest and its answer.
//!
//! Owns the order of the questions: may it pass, is there such a route, is there a key; and then the
//! call itself. What goes wrong on the way is answered in the shape that runtimes read, names its
//! kind in a header, and never tells what the host knows of the cause; that is for the log.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{self, HeaderMap, HeaderValue},
};
use jiff::{Timestamp, fmt::rfc2822};
use schemas::model_call::{CallError, ERROR_HEADER};
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;
use tracing::warn;

use super::{
    calls::Call,
    door::Door,
    pass::{self, Place, Wanted},
    route::Route,
    tap::{Broken, Outgoing, Tapped},
    upstream::Failure,
    usage::{Form, Said, Scanner},
};
use crate::limits::broker as limits;

/// Ours, or a model's.
pub(super) type AnswerBody = Either<Full<Bytes>, Tapped>;

/// A refusal: its kind, and words for the runtime.
type Refused = (CallError, &'static str);

/// Answers a request.
pub(super) async fn answer(door: &Door, request: Request<Incoming>) -> Response<AnswerBody> {
    let place = match pass::wanted(request.method(), request.uri()) {
        Ok(Wanted::Calls(after)) => return json_of(StatusCode::OK, &door.calls.after(after)),
        Ok(Wanted::Model(place)) => place,
        Err(words) => {
            let path = request.uri().path().to_owned();
            let place = Place { route: String::new(), path, query: None };
            return refused(door.calls.begin(&place), (CallError::Refused, words));
        }
    };
    let call = door.calls.begin(&place);
    match ask(door, &place, request).await {
        Ok(response) => pass_back(door, call, response),
        Err(why) => refused(call, why),
    }
}

/// The head of the model's answer.
async fn ask(
    door: &Door,
    place: &Place,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, Refused> {
    let broker = &door.broker;
    let Some(route) = broker.routes.iter().find(|route| route.name == place.route) else {
        return Err((CallError::NoRoute, "the host has no route of this name"));
    };
    let Some(key) = broker.secrets.get(&route.secret) else {
        warn!(route = route.name, secret = route.secret, "a model is asked for and has no key");
        return Err((CallError::NoKey, "the host has no key for this model"));
    };
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > limits::BODY_BYTES {
        return Err((CallError::TooLarge, "the request is too large"));
    }
    let refused = |words| (CallError::Refused, words);
    let mut headers = pass::onward(&parts.headers).map_err(refused)?;
    pass::add_key(&mut headers, route.auth, &key).map_err(refused)?;
    let uri = route.base.join(&place.path, place.query.as_deref());
    let uri = uri.ok_or((CallError::Refused, "the path is none"))?;
    let mut onward = Request::new(Outgoing::new(body));
    (*onward.method_mut(), *onward.uri_mut(), *onward.headers_mut()) = (parts.method, uri, headers);
    match timeout(limits::ANSWER_HEAD, broker.upstream.ask(onward)).await {
        Ok(Ok(response)) => checked(route, response),
        Ok(Err(failure)) => Err(failed(route, &failure)),
        Err(_late) => Err((CallError::Timeout, "the model did not answer in time")),
    }
}

/// An answer that points elsewhere is none: the key stays with whom it was given for.
fn checked(route: &Route, response: Response<Incoming>) -> Result<Response<Incoming>, Refused> {
    let status = response.status();
    if status.is_redirection() {
        warn!(route = route.name, base = %route.base, %status, "the base URL points elsewhere");
        return Err((CallError::Redirect, "the model's server points elsewhere"));
    }
    if status.is_informational() {
        return Err((CallError::Unreachable, "the model's server speaks no plain HTTP"));
    }
    Ok(response)
}

fn failed(route: &Route, failure: &Failure) -> Refused {
    let causes = std::iter::successors(Some(failure as &dyn std::error::Error), |e| e.source());
    let chain: Vec<String> = causes.map(ToString::to_string).collect();
    let too_large = std::iter::successors(Some(failure as &dyn std::error::Error), |e| e.source())
        .filter_map(|cause| cause.downcast_ref::<Broken>())
        .any(|broken| matches!(broken, Broken::TooLarge));
    if too_large {
        return (CallError::TooLarge, "the request is too large");
    }
    warn!(route = route.name, base = %route.base, error = chain.join(": "), "no model answers");
    (CallError::Unreachable, "the model's server cannot be reached")
}

fn pass_back(door: &Door, call: Call, response: Response<Incoming>) -> Response<AnswerBody> {
    let (mut parts, body) = response.into_parts();
    let now = door.broker.clock.now();
    call.answered(parts.status.as_u16(), retry_after_ms(&parts.headers, now));
    parts.headers = pass::back(&parts.headers);
    parts.version = hyper::Version::HTTP_11;
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let form = text(header::CONTENT_TYPE).and_then(Form::of);
    // What came compressed although nobody asked for it is not read.
    let plain = text(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    let scanner = form.filter(|_| plain).map(Scanner::new);
    Response::from_parts(parts, Either::Right(Tapped::new(body, call, scanner)))
}

/// How long a server asks to be left alone, by any of the three ways of saying so.
fn retry_after_ms(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let millis = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    let seconds = text("retry-after").and_then(|text| text.parse::<f64>().ok());
    let at = text("retry-after").and_then(|text| rfc2822::parse(text).ok());
    let until = at.and_then(|at| Duration::try_from(at.timestamp().duration_since(now)).ok());
    let told = millis.map(|ms| ms / 1000.0).or(seconds);
    let told = told.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).or(until)?;
    u64::try_from(told.min(limits::RETRY_AFTER_MAX).as_millis()).ok()
}

fn refused(mut call: Call, (error, words): Refused) -> Response<AnswerBody> {
    call.answered(status(error).as_u16(), None);
    call.end(Some(error), Said::default());
    own(error, words)
}

/// An answer of ours: why there is none of a model.
pub(super) fn own(error: CallError, words: &str) -> Response<AnswerBody> {
    let kind = match error {
        CallError::NoKey => "authentication_error",
        CallError::NoRoute => "not_found_error",
        CallError::Refused => "invalid_request_error",
        CallError::TooLarge => "request_too_large",
        CallError::Busy => "rate_limit_error",
        CallError::Unreachable
        | CallError::Timeout
        | CallError::Redirect
        | CallError::Cut
        | CallError::HungUp => "api_error",
    };
    let message = format!("{words} (lazaret: {})", error.word());
    let said = json!({ "type": "error", "error": { "type": kind, "message": message } });
    let mut response = json_of(status(error), &said);
    let word = HeaderValue::from_static(error.word());
    response.headers_mut().insert(ERROR_HEADER, word);
    response
}

fn status(error: CallError) -> StatusCode {
    match error {
        CallError::NoKey => StatusCode::UNAUTHORIZED,
        CallError::NoRoute => StatusCode::NOT_FOUND,
        CallError::Refused => StatusCode::BAD_REQUEST,
        CallError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        CallError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        CallError::Timeout => StatusCode::GATEWAY_TIMEOUT,
        CallError::Unreachable | CallError::Redirect | CallError::Cut | CallError::HungUp => {
            StatusCode::BAD_GATEWAY
        }
    }
}

fn json_of(status: StatusCode, said: &impl Serialize) -> Response<AnswerBody> {
    let text = serde_json::to_vec(said).unwrap_or_default();
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &'static str, value: &'static str, expected: Option<u64>) {
        let now = "1994-11-06T08:49:30Z".parse().unwrap();
        let headers = [(name, value)].map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        assert_eq!(retry_after_ms(&headers.into_iter().collect(), now), expected, "{value}");
    }

    #[test]
    fn a_server_says_in_three_ways_when_to_come_again() {
        check("retry-after", "7", Some(7_000));
        check("retry-after", "0.5", Some(500));
        check("retry-after-ms", "250", Some(250));
        check("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(7_000));
        check("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", None);
        check("retry-after", "99999999999999", Some(86_400_000));
        for nonsense in ["", "soon", "-3", "nan", "inf"] {
            check("retry-after", nonsense, None);
        }
    }

    #[test]
    fn an_answer_of_ours_is_one_that_runtimes_read() {
        let response = own(CallError::NoKey, "the host has no key for this model");
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers().get(ERROR_HEADER).unwrap(), "no-key");
    }
}
