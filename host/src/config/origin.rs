//! Which word held in the end, and where it came from.
//!
//! Owns the explanation only: the value is read from the decided [`Config`], and the origin is the
//! first place in the order in which deciding looks.

use std::path::Path;

use serde::Serialize;

use super::{Config, FILE_NAME, File, LogFormat, Surroundings, places, resolve};
use crate::error::Result;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its key, as in the file.
    pub key: &'static str,
    /// What holds.
    pub value: String,
    /// Who said so.
    pub from: String,
}

/// Every setting with its value and origin; `home` is the flag.
///
/// # Errors
/// As [`Config::load`].
pub fn effective(home: Option<&Path>) -> Result<Vec<Setting>> {
    let around = Surroundings::read();
    let flag = home.is_some();
    let home = places::canonical(&places::home(home, &around)?)?;
    let file = File::read(&home.join(FILE_NAME))?;
    let config = resolve(home, file.clone(), &around)?;
    Ok(settings(&config, &file, &around, flag))
}

fn settings(config: &Config, file: &File, around: &Surroundings, flag: bool) -> Vec<Setting> {
    let origin = |variables: &[&'static str], in_file: bool, otherwise: &str| {
        let said = variables.iter().find(|name| around.env.contains_key(*name));
        match said {
            Some(name) => (*name).to_owned(),
            None if in_file => FILE_NAME.to_owned(),
            None => otherwise.to_owned(),
        }
    };
    let home = if flag {
        "--home".to_owned()
    } else {
        origin(&["LAZARET_HOME", "XDG_DATA_HOME"], false, "default")
    };
    let beside = if around.guest_beside.is_some() { "beside lazaret" } else { "default" };
    // A guest beside us comes before the file's.
    let guest = origin(&["LAZARET_GUEST"], file.guest.is_some() && beside == "default", beside);
    let system = if around.time_zone.is_some() { "the system" } else { "default" };
    let shown = |path: Option<&Path>| path.map(|path| path.display().to_string());
    let or = |value: Option<String>, otherwise: &str| value.unwrap_or_else(|| otherwise.to_owned());
    let log_format = match config.log_format {
        LogFormat::Auto => "auto",
        LogFormat::Pretty => "pretty",
        LogFormat::Json => "json",
    };
    let engine = origin(&["LAZARET_ENGINE", "DOCKER_HOST"], file.engine.is_some(), "default");
    [
        ("home", config.home.display().to_string(), home),
        (
            "run_dir",
            config.run_dir.display().to_string(),
            origin(&["LAZARET_RUN_DIR"], false, "default"),
        ),
        ("engine", or(config.engine.docker_host.clone(), "the first that answers"), engine),
        ("guest", or(shown(config.guest.as_deref()), "none"), guest),
        (
            "image",
            or(config.image.clone(), "built-in"),
            origin(&[], file.image.is_some(), "default"),
        ),
        (
            "idle_timeout",
            format!("{} s", config.idle_timeout.as_secs()),
            origin(&[], file.idle_timeout.is_some(), "default"),
        ),
        (
            "max_containers",
            config.max_containers.to_string(),
            origin(&[], file.max_containers.is_some(), "default"),
        ),
        ("keep", kept(config.keep_days), origin(&[], file.keep.is_some(), "default")),
        ("models", models(config), origin(&[], !file.models.is_empty(), "default")),
        (
            "log",
            or(config.log.clone(), "each command's own"),
            origin(&["LAZARET_LOG"], file.log.is_some(), "default"),
        ),
        (
            "log_format",
            log_format.to_owned(),
            origin(&["LAZARET_LOG_FORMAT"], file.log_format.is_some(), "default"),
        ),
        ("time_zone", config.time_zone.clone(), origin(&[], file.time_zone.is_some(), system)),
    ]
    .into_iter()
    .map(|(key, value, from)| Setting { key, value, from })
    .collect()
}

fn models(config: &Config) -> String {
    let shown = config.models.iter().map(|route| format!("{} at {}", route.name, route.base));
    shown.collect::<Vec<_>>().join(", ")
}

fn kept(days: Option<u32>) -> String {
    days.map_or_else(|| "forever".to_owned(), |days| format!("{days} days"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

    use super::*;

    #[test]
    fn every_setting_says_who_set_it() {
        let file = File::parse("engine = 'unix:///a'\nidle_timeout = '5m'\nlog = 'warn'").unwrap();
        let env = BTreeMap::from([("LAZARET_LOG", OsString::from("debug"))]);
        let around = Surroundings { env, uid: 1000, ..Surroundings::default() };
        let config = resolve(PathBuf::from("/srv/home"), file.clone(), &around).unwrap();
        let said: Vec<String> = settings(&config, &file, &around, true)
            .iter()
            .filter(|one| one.key != "run_dir")
            .map(|one| format!("{} = {} ({})", one.key, one.value, one.from))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        home = /srv/home (--home)
        engine = unix:///a (lazaret.toml)
        guest = none (default)
        image = built-in (default)
        idle_timeout = 300 s (lazaret.toml)
        max_containers = 64 (default)
        keep = forever (default)
        models = anthropic at https://api.anthropic.com, openai at https://api.openai.com/v1 (default)
        log = debug (LAZARET_LOG)
        log_format = auto (default)
        time_zone = UTC (default)
        ");
    }
}
