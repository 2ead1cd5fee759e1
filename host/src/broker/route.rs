//! Where the calls of a route go, and which key they carry. PURE.
//!
//! Owns the routes that are there without a word from the operator, and what a base URL may be:
//! `https`, or plain `http` to this very machine, and then only where an operator wrote it. The
//! guest chooses a path behind it and nothing else.

use std::fmt;

use hyper::http::{Uri, uri};
use serde::Deserialize;

use crate::error::{ErrorKind, HostError, Result};

/// How a key is shown to the model's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// In a header of its own, as Anthropic has it.
    XApiKey,
    /// As a bearer of the key, as most have it.
    Bearer,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its name: the first part of a path on the model socket.
    pub name: String,
    /// What the rest of that path is appended to.
    pub base: BaseUrl,
    /// The name of the secret that is its key.
    pub secret: String,
    /// How that is shown.
    pub auth: Auth,
}

impl Route {
    /// What is there unless the operator says otherwise.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        let route = |name: &str, host: &'static str, path: &str, auth| Self {
            name: name.to_owned(),
            base: BaseUrl {
                plain: false,
                authority: uri::Authority::from_static(host),
                path: path.to_owned(),
            },
            secret: name.to_owned(),
            auth,
        };
        vec![
            route("anthropic", "api.anthropic.com", "", Auth::XApiKey),
            route("openai", "api.openai.com", "/v1", Auth::Bearer),
        ]
    }
}

/// Where a model's server lies.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Without TLS: only to this machine.
    plain: bool,
    authority: uri::Authority,
    /// Without a slash at its end.
    path: String,
}

impl BaseUrl {
    /// Reads one.
    ///
    /// # Errors
    /// What it may not be, and what would be right.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            Err(HostError::new(ErrorKind::Invalid, format!("base_url {text:?} {why}"))
                .hint("such as \"https://api.anthropic.com\""))
        };
        let Ok(parts) = text.parse::<Uri>().map(Uri::into_parts) else {
            return refused("is no URL");
        };
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return refused("is no whole URL");
        };
        let plain = scheme == uri::Scheme::HTTP;
        if !plain && scheme != uri::Scheme::HTTPS {
            return refused("is neither https nor http");
        }
        if authority.as_str().contains('@') {
            return refused("holds a name or a password: keys are secrets of their own");
        }
        if plain && !is_this_machine(authority.host()) {
            return refused("would show the key to everybody on the way: only https leaves here");
        }
        let path = parts.path_and_query.as_ref().map_or("/", uri::PathAndQuery::path);
        if text.contains(['?', '#']) || path.split('/').any(|part| part == "." || part == "..") {
            return refused("ends with more than a plain path");
        }
        let path = path.trim_end_matches('/').to_owned();
        Ok(Self { plain, authority, path })
    }

    /// The whole address of what the guest asks for; the path begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let behind = match query {
            Some(query) => format!("{}{path}?{query}", self.path),
            None => format!("{}{path}", self.path),
        };
        let scheme = if self.plain { uri::Scheme::HTTP } else { uri::Scheme::HTTPS };
        let whole = Uri::builder().scheme(scheme).authority(self.authority.clone());
        whole.path_and_query(behind).build().ok()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.plain { "http" } else { "https" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<core::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_safe_for_a_key() {
        for good in [
            "https://api.anthropic.com",
            "https://models.example.com:8443/v1",
            "http://127.0.0.1:8399/s/say:hi@x",
            "http://[::1]:80/v1",
            "http://localhost:11434/v1",
        ] {
            assert_eq!(BaseUrl::parse(good).unwrap().to_string(), good);
        }
        assert_eq!(
            BaseUrl::parse("https://a.example/v1/").unwrap().to_string(),
            "https://a.example/v1"
        );
        for (bad, why) in [
            ("api.anthropic.com", "no whole URL"),
            ("", "no URL"),
            ("ftp://a.example", "neither"),
            ("http://a.example", "only https"),
            ("http://127.0.0.1.example", "only https"),
            ("http://localhost.example", "only https"),
            ("http://10.0.0.1/v1", "only https"),
            ("https://me:pw@a.example", "password"),
            ("https://a.example/v1?x=1", "plain path"),
            ("https://a.example/v1#x", "plain path"),
            ("https://a.example/../v1", "plain path"),
        ] {
            let refused = BaseUrl::parse(bad).unwrap_err();
            assert!(refused.chain().contains(why), "{bad}: {}", refused.chain());
        }
    }

    #[test]
    fn a_path_is_appended_to_the_base() {
        let base = BaseUrl::parse("https://a.example/v1").unwrap();
        let joined = base.join("/responses", Some("a=b")).unwrap();
        assert_eq!(joined, "https://a.example/v1/responses?a=b");
        let anthropic = Route::built_in().remove(0);
        let joined = anthropic.base.join("/v1/messages", None).unwrap();
        assert_eq!(joined, "https://api.anthropic.com/v1/messages");
    }
}
