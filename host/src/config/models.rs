//! `[models.<route>]`: where models are asked, and with which secret.
//!
//! What is there without a word may be changed key by key; a route of the operator's own needs its
//! base URL. An unknown key or word is an error that names the nearest known one.

use serde::Deserialize;
use toml::Table;

use crate::{
    broker::{Auth, BaseUrl, Route},
    error::{ErrorKind, HostError, Result},
    limits::{self, broker},
    text,
};

const KEYS: [&str; 3] = ["base_url", "secret", "auth"];
const AUTHS: [&str; 2] = ["x-api-key", "bearer"];

/// The path at which calls are asked for cannot be a route.
const TAKEN: &str = "calls";

#[derive(Deserialize)]
struct Written {
    base_url: Option<String>,
    secret: Option<String>,
    auth: Option<String>,
}

/// All routes: the built-in ones as changed, then the operator's own.
pub(super) fn read(models: &Table) -> Result<Vec<Route>> {
    let mut routes = Route::built_in();
    if models.len() > broker::ROUTES {
        let what = format!("more than {} models", broker::ROUTES);
        return Err(HostError::new(ErrorKind::Invalid, what));
    }
    for (name, said) in models {
        let written = written(name, said)?;
        let at = |error: HostError| {
            let what = format!("models.{name}: {}", error.chain());
            let said = HostError::new(ErrorKind::Invalid, what);
            error.hint_text().map(str::to_owned).into_iter().fold(said, HostError::hint)
        };
        let known = routes.iter().position(|route| route.name == *name);
        let base = written.base_url.as_deref().map(BaseUrl::parse).transpose().map_err(at)?;
        let auth = written.auth.as_deref().map(auth).transpose().map_err(at)?;
        if let Some(secret) = &written.secret {
            named(secret).map_err(at)?;
        }
        let Some(route) = known.and_then(|at| routes.get_mut(at)) else {
            named(name).map_err(at)?;
            let base = base.ok_or_else(|| {
                at(HostError::new(ErrorKind::Invalid, "a route needs a base_url")
                    .hint("base_url = \"https://…\""))
            })?;
            let secret = written.secret.unwrap_or_else(|| name.clone());
            let auth = auth.unwrap_or(Auth::Bearer);
            routes.push(Route { name: name.clone(), base, secret, auth });
            continue;
        };
        route.base = base.unwrap_or_else(|| route.base.clone());
        route.secret = written.secret.unwrap_or_else(|| route.secret.clone());
        route.auth = auth.unwrap_or(route.auth);
    }
    Ok(routes)
}

fn written(name: &str, said: &toml::Value) -> Result<Written> {
    let invalid = |what: String| HostError::new(ErrorKind::Invalid, what);
    let Some(table) = said.as_table() else {
        let what = format!("models.{name} is no table");
        return Err(invalid(what).hint(format!("[models.{name}]")));
    };
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let error = invalid(format!("unknown key {key:?} in models.{name}"));
        return Err(error.hint(text::did_you_mean(key, KEYS)));
    }
    table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| invalid(format!("models.{name}: {}", error.message())))
}

fn auth(word: &str) -> Result<Auth> {
    match word {
        "x-api-key" => Ok(Auth::XApiKey),
        "bearer" => Ok(Auth::Bearer),
        other => Err(HostError::new(ErrorKind::Invalid, format!("unknown auth {other:?}"))
            .hint(text::did_you_mean(other, AUTHS))),
    }
}

fn named(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = !name.is_empty() && name.len() <= limits::NAME_BYTES && name.bytes().all(plain);
    if fits && !name.starts_with('-') && name != TAKEN {
        return Ok(());
    }
    Err(HostError::new(ErrorKind::Invalid, format!("{name:?} is no name")).hint(format!(
        "up to {} of a-z, 0-9 and -, not beginning with -, and not {TAKEN:?}",
        limits::NAME_BYTES
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(toml: &str) -> Result<Vec<Route>> {
        let table: Table = toml.parse().unwrap();
        let models = table.get("models").and_then(toml::Value::as_table);
        read(&models.cloned().unwrap_or_default())
    }

    fn shown(toml: &str) -> String {
        let line = |route: &Route| {
            format!("{} {} {} {:?}", route.name, route.base, route.secret, route.auth)
        };
        routes(toml).unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_there_is_changed_and_what_is_not_is_added() {
        insta::assert_snapshot!(shown(""), @r"
        anthropic https://api.anthropic.com anthropic XApiKey
        openai https://api.openai.com/v1 openai Bearer
        ");
        let toml = "[models.anthropic]\nsecret = 'mine'\n[models.local]\n\
                    base_url = 'http://127.0.0.1:11434/v1/'\n[models.corp]\n\
                    base_url = 'https://llm.example.com'\nsecret = 'corp-key'\nauth = 'x-api-key'";
        insta::assert_snapshot!(shown(toml), @r"
        anthropic https://api.anthropic.com mine XApiKey
        openai https://api.openai.com/v1 openai Bearer
        corp https://llm.example.com corp-key XApiKey
        local http://127.0.0.1:11434/v1 local Bearer
        ");
    }

    #[track_caller]
    fn check_refused(toml: &str, words: &str, hint: &str) {
        let refused = routes(toml).unwrap_err();
        assert!(refused.chain().contains(words), "{}", refused.chain());
        assert!(
            refused.hint_text().unwrap_or_default().contains(hint),
            "{:?}",
            refused.hint_text()
        );
    }

    #[test]
    fn what_is_not_known_names_the_nearest_known() {
        check_refused("[models.openai]\nbase_ulr = 'x'", "unknown key \"base_ulr\"", "base_url");
        check_refused("[models.openai]\nauth = 'baerer'", "unknown auth \"baerer\"", "bearer");
        check_refused("[models.openai]\nsecret = 7", "integer", "");
        check_refused("[models]\nopenai = 7", "no table", "[models.openai]");
        check_refused("[models.mine]\nauth = 'bearer'", "needs a base_url", "https");
        check_refused("[models.openai]\nbase_url = 'http://api.openai.com'", "https", "https");
        check_refused("[models.calls]\nbase_url = 'https://a.example'", "no name", "calls");
        check_refused("[models.Mine]\nbase_url = 'https://a.example'", "no name", "a-z");
        check_refused("[models.openai]\nsecret = '../x'", "no name", "a-z");
    }
}
