//! What of a guest's request may pass, and as what it goes on. PURE.
//!
//! Closed by default: a method, a path and headers that a model's interface needs, and nothing that
//! could lead elsewhere, switch protocols, or carry somebody's credentials. The guest may write what
//! it likes; here it is read once, strictly, and what goes on is built anew.

use hyper::{
    HeaderMap, Method,
    header::{self, HeaderName, HeaderValue},
    http::Uri,
};
use schemas::model_call::CALLS_PATH;

use super::route::Auth;
use crate::{limits::broker as limits, secrets::Secret};

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The calls with a number above this one.
    Calls(u64),
    /// A path behind a route.
    Model(Place),
}

/// A path behind a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) route: String,
    /// Begins with a slash.
    pub(super) path: String,
    pub(super) query: Option<String>,
}

/// Why a request does not pass; the words are for the runtime that made it.
pub(super) type Refusal = &'static str;

/// Reads the first line of a request.
pub(super) fn wanted(method: &Method, uri: &Uri) -> Result<Wanted, Refusal> {
    if *method != Method::GET && *method != Method::POST {
        return Err("only GET and POST pass here");
    }
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err("a path is asked for here, not a whole address");
    }
    let (path, query) = (uri.path(), uri.query());
    if path.len() + query.map_or(0, str::len) > limits::TARGET_BYTES {
        return Err("the path is too long");
    }
    if path == CALLS_PATH {
        return calls(method, query).ok_or("GET /calls?after=NUMBER");
    }
    let rest = path.strip_prefix('/').ok_or("a path begins with /")?;
    let (route, behind) = rest.split_once('/').unwrap_or((rest, ""));
    let behind = format!("/{behind}");
    if behind != "/" && !behind.split('/').skip(1).all(plain) {
        return Err("the path holds what no model's path does");
    }
    let query = query.map(str::to_owned);
    Ok(Wanted::Model(Place { route: route.to_owned(), path: behind, query }))
}

fn calls(method: &Method, query: Option<&str>) -> Option<Wanted> {
    if *method != Method::GET {
        return None;
    }
    let after = match query {
        None => 0,
        Some(query) => query.strip_prefix("after=")?.parse().ok()?,
    };
    Some(Wanted::Calls(after))
}

/// One part of a path: not empty, no step elsewhere, and nothing that a server might read as a
/// separator once it has decoded it.
fn plain(part: &str) -> bool {
    const MARKS: &[u8] = b"-._~!$&'()*+,;=:@";
    let mut bytes = part.bytes();
    let mut decoded = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !byte.is_ascii_alphanumeric() && !MARKS.contains(&byte) {
                return false;
            }
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next(), bytes.next()].map(|digit| digit.and_then(hex));
        let [Some(high), Some(low)] = digits else { return false };
        let byte = high * 16 + low;
        if byte < b' ' || b"/\\%?#\x7f".contains(&byte) {
            return false;
        }
        decoded.push(byte);
    }
    !part.is_empty() && !is_step(&decoded)
}

/// Some servers read `..;x` as a step, too.
fn is_step(decoded: &[u8]) -> bool {
    let step = decoded.split(|byte| *byte == b';').next().unwrap_or_default();
    step == b"." || step == b".."
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Headers that concern one connection only, in both directions.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers in which a guest could carry credentials or pretend to be somebody, and those that are
/// made anew.
const GUESTS_OWN: [&str; 16] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "cookie2",
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "host",
    "expect",
    "content-length",
    "accept-encoding",
];

/// Headers of an answer that stay here: a session of the key's owner is not the guest's.
const SERVERS_OWN: [&str; 4] = ["set-cookie", "set-cookie2", "alt-svc", "clear-site-data"];

/// The headers that go on to the model's server, but for the key.
///
/// # Errors
/// When the guest wants another protocol, which nothing here speaks.
pub(super) fn onward(guests: &HeaderMap) -> Result<HeaderMap, Refusal> {
    if guests.contains_key(header::UPGRADE) {
        return Err("nothing is upgraded here; ask by plain HTTP");
    }
    let mut headers = without(guests, &GUESTS_OWN);
    // What it used is read from the answer, which no guest gains by having compressed: between the
    // two of them lies one machine.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(headers)
}

/// The headers that go back to the guest.
pub(super) fn back(servers: &HeaderMap) -> HeaderMap {
    without(servers, &SERVERS_OWN)
}

fn without(all: &HeaderMap, own: &[&str]) -> HeaderMap {
    let connection = all.get_all(header::CONNECTION).iter();
    let named: Vec<String> = connection
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let stays = |name: &HeaderName| {
        let name = name.as_str();
        HOP_BY_HOP.contains(&name) || own.contains(&name) || named.iter().any(|one| one == name)
    };
    let passes = all.iter().filter(|(name, _)| !stays(name));
    passes.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The beginning of Anthropic's tokens of a person's login, which are no keys and go as bearers.
const LOGIN_TOKEN: &str = "sk-ant-oat";

/// What Anthropic wants to see beside such a token.
const LOGIN_BETA: &str = "oauth-2025-04-20";

/// Adds the key.
///
/// # Errors
/// When the key is none that a header can hold.
pub(super) fn add_key(headers: &mut HeaderMap, auth: Auth, key: &Secret) -> Result<(), Refusal> {
    let login = auth == Auth::XApiKey && key.expose().starts_with(LOGIN_TOKEN);
    let (name, value) = match auth {
        Auth::XApiKey if !login => {
            (HeaderName::from_static("x-api-key"), HeaderValue::from_str(key.expose()))
        }
        Auth::XApiKey | Auth::Bearer => {
            let bearer = zeroize::Zeroizing::new(format!("Bearer {}", key.expose()));
            (header::AUTHORIZATION, HeaderValue::from_str(&bearer))
        }
    };
    let mut value = value.map_err(|_| "the key that the host was given is none")?;
    value.set_sensitive(true);
    headers.insert(name, value);
    if login {
        headers.append("anthropic-beta", HeaderValue::from_static(LOGIN_BETA));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(target: &str) -> Result<Wanted, Refusal> {
        wanted(&Method::POST, &target.parse().unwrap())
    }

    #[track_caller]
    fn check(target: &str, route: &str, path: &str, query: Option<&str>) {
        let place = Place {
            route: route.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
        };
        assert_eq!(read(target), Ok(Wanted::Model(place)));
    }

    #[test]
    fn a_path_is_a_route_and_what_is_behind_it() {
        check("/anthropic/v1/messages", "anthropic", "/v1/messages", None);
        check("/anthropic/v1/messages?beta=true", "anthropic", "/v1/messages", Some("beta=true"));
        check("/openai/models/gpt-5:latest", "openai", "/models/gpt-5:latest", None);
        check("/mine/models/a%20b", "mine", "/models/a%20b", None);
        check("/openai", "openai", "/", None);
        check("/openai/", "openai", "/", None);
        check("/nowhere/x", "nowhere", "/x", None);
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_does_not_pass() {
        for target in [
            "/openai/../admin",
            "/openai/./x",
            "/openai/a/..",
            "/openai/..;/x",
            "/openai/%2e%2e/x",
            "/openai/%2E%2E%3b/x",
            "/openai/.%2e/x",
            "/openai/a%2fb",
            "/openai/a%5cb",
            "/openai/%252e",
            "/openai/a%00b",
            "/openai/a%0d%0ab",
            "/openai/a%3fb",
            "/openai/a%zz",
            "/openai/a%2",
            "/openai//evil.example/x",
            "/openai/a//b",
            "/openai/a/",
            "/openai/a|b",
            "http://evil.example/openai/x",
            "evil.example:443",
            "*",
        ] {
            assert!(read(target).is_err(), "{target}: {:?}", read(target));
        }
        let long = format!("/openai/{}", "x".repeat(limits::TARGET_BYTES));
        assert!(read(&long).is_err());
        for method in ["CONNECT", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert!(wanted(&method, &"/openai/x".parse().unwrap()).is_err(), "{method}");
        }
    }

    #[test]
    fn the_calls_are_asked_for_after_a_number() {
        let get = |target: &str| wanted(&Method::GET, &target.parse().unwrap());
        assert_eq!(get("/calls"), Ok(Wanted::Calls(0)));
        assert_eq!(get("/calls?after=17"), Ok(Wanted::Calls(17)));
        for bad in ["/calls?after=-1", "/calls?after=", "/calls?before=1", "/calls?after=1&x"] {
            assert!(get(bad).is_err(), "{bad}");
        }
        assert!(read("/calls").is_err());
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_guests_credentials_and_its_connection_stay_behind() {
        let all = headers(&[
            ("authorization", "Bearer guess"),
            ("x-api-key", "guess"),
            ("cookie", "a=b"),
            ("host", "evil.example"),
            ("connection", "close, X-Secret-Hop"),
            ("x-secret-hop", "1"),
            ("te", "trailers"),
            ("accept-encoding", "gzip, br"),
            ("anthropic-version", "2023-06-01"),
            ("content-type", "application/json"),
        ]);
        let onward = onward(&all).unwrap();
        let mut names: Vec<&str> = onward.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-encoding", "anthropic-version", "content-type"]);
        assert_eq!(onward.get("accept-encoding").unwrap(), "identity");
    }

    #[test]
    fn nothing_is_upgraded() {
        assert!(onward(&headers(&[("connection", "upgrade"), ("upgrade", "websocket")])).is_err());
    }

    #[test]
    fn a_servers_cookies_and_connection_stay_here() {
        let all = headers(&[
            ("set-cookie", "session=1"),
            ("transfer-encoding", "chunked"),
            ("retry-after", "7"),
            ("content-type", "text/event-stream"),
        ]);
        let back = back(&all);
        let mut names: Vec<&str> = back.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "retry-after"]);
    }

    #[test]
    fn a_key_goes_where_its_server_looks_for_it() {
        let with = |auth, key: &str| {
            let mut headers = headers(&[("anthropic-beta", "tools-1")]);
            add_key(&mut headers, auth, &Secret::new(key.to_owned())).unwrap();
            headers
        };
        assert_eq!(with(Auth::XApiKey, "sk-1").get("x-api-key").unwrap(), "sk-1");
        assert_eq!(with(Auth::Bearer, "sk-1").get("authorization").unwrap(), "Bearer sk-1");
        let login = with(Auth::XApiKey, "sk-ant-oat01-x");
        assert_eq!(login.get("authorization").unwrap(), "Bearer sk-ant-oat01-x");
        assert!(!login.contains_key("x-api-key"));
        let betas: Vec<_> = login.get_all("anthropic-beta").iter().collect();
        assert_eq!(betas, ["tools-1", LOGIN_BETA]);
        // Whoever prints the headers prints no key.
        assert!(!format!("{login:?}").contains("sk-ant"));
    }

    proptest! {
        /// Whatever passes stays behind the base, however a server may decode it once.
        #[test]
        fn what_passes_never_leaves_the_base(behind in "[ -~]{0,40}") {
            let Ok(uri) = format!("/openai/{behind}").parse::<Uri>() else { return Ok(()) };
            let Ok(Wanted::Model(place)) = wanted(&Method::GET, &uri) else { return Ok(()) };
            prop_assert_eq!(place.route, "openai");
            let decoded = percent_decoded(&place.path);
            let parts: Vec<&[u8]> = decoded.split(|byte| *byte == b'/').collect();
            prop_assert!(parts.iter().all(|part| *part != b".." && *part != b"."));
            prop_assert!(!place.path.starts_with("//"));
            prop_assert!(!decoded.contains(&b'\\') && !decoded.iter().any(u8::is_ascii_control));
        }
    }

    fn percent_decoded(text: &str) -> Vec<u8> {
        let mut decoded = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            match after.split_at_checked(2) {
                Some((digits, after)) if *first == b'%' => {
                    let digits = std::str::from_utf8(digits).unwrap();
                    decoded.push(u8::from_str_radix(digits, 16).unwrap());
                    rest = after;
                }
                Some(_) | None => {
                    decoded.push(*first);
                    rest = after;
                }
            }
        }
        decoded
    }
}
