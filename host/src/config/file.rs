//! `<home>/lazaret.toml`: which keys there are, and what they may say.
//!
//! An unknown key is an error with the nearest known one: a setting that is silently ignored is
//! one that somebody relies on.

use std::{io, path::Path, path::PathBuf, time::Duration};

use jiff::SignedDuration;
use serde::Deserialize;

use crate::{
    broker::Route,
    error::{ErrorKind, HostError, Result},
    limits, text,
};

const KEYS: [&str; 10] = [
    "engine",
    "guest",
    "image",
    "idle_timeout",
    "max_containers",
    "keep",
    "models",
    "log",
    "log_format",
    "time_zone",
];

/// A table of its own, read by `models`.
const MODELS: &str = "models";

/// How the host logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Reads the word.
    pub(super) fn parse(word: &str) -> Result<Self> {
        match word {
            "auto" => Ok(Self::Auto),
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            other => Err(HostError::new(
                ErrorKind::Invalid,
                format!("{other:?} is not a log format: auto, pretty or json"),
            )),
        }
    }
}

/// The file, with nothing decided yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) engine: Option<String>,
    pub(super) guest: Option<PathBuf>,
    pub(super) image: Option<String>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_containers: Option<usize>,
    pub(super) keep: Option<u32>,
    /// Empty where it says nothing.
    pub(super) models: Vec<Route>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) time_zone: Option<String>,
}

/// The file as it is written; `File` is what it means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    engine: Option<String>,
    guest: Option<PathBuf>,
    image: Option<String>,
    idle_timeout: Option<String>,
    max_containers: Option<usize>,
    keep: Option<String>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    time_zone: Option<String>,
}

impl File {
    /// Reads the file; one that is not there says nothing.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let said = match std::fs::read_to_string(path) {
            Ok(said) => said,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                let what = format!("cannot read {}", path.display());
                return Err(HostError::new(ErrorKind::Storage, what)
                    .because(error)
                    .hint(text::CHECK_OR_CHOOSE_HOME));
            }
        };
        Self::parse(&said).map_err(|error| {
            let hint = error.hint_text().unwrap_or(text::FILE_HINT).to_owned();
            let what = format!("{}: {}", path.display(), error.chain());
            HostError::new(ErrorKind::Invalid, what).hint(hint)
        })
    }

    /// Reads the text of the file.
    pub(super) fn parse(said: &str) -> Result<Self> {
        let table: toml::Table = said.parse().map_err(|error| bad(&error))?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let error = HostError::new(ErrorKind::Invalid, format!("unknown key {key:?}"));
            return Err(error.hint(text::did_you_mean(key, KEYS)));
        }
        let mut table = table;
        let models = match table.remove(MODELS) {
            Some(toml::Value::Table(models)) => super::models::read(&models)?,
            Some(_) => {
                let what = format!("{MODELS} is no table");
                return Err(HostError::new(ErrorKind::Invalid, what).hint("[models.anthropic]"));
            }
            None => Vec::new(),
        };
        let written: Written = table.try_into().map_err(|error| bad(&error))?;
        Ok(Self {
            engine: written.engine,
            guest: written.guest,
            image: written.image,
            idle_timeout: written.idle_timeout.as_deref().map(idle_timeout).transpose()?,
            max_containers: written.max_containers.map(max_containers).transpose()?,
            keep: written.keep.as_deref().map(keep).transpose()?,
            models,
            log: written.log,
            log_format: written.log_format,
            time_zone: written.time_zone.map(time_zone).transpose()?,
        })
    }
}

fn bad(error: &toml::de::Error) -> HostError {
    HostError::new(ErrorKind::Invalid, error.message().to_owned())
}

/// A length of time as people write it: `90s`, `10m`, `2h`.
#[must_use]
pub fn length_of_time(word: &str) -> Option<Duration> {
    word.parse::<SignedDuration>().ok().and_then(|length| length.try_into().ok())
}

/// A length of time in days, as people write it: `90d`, `26w`, `2y`; 0 is `forever`.
#[must_use]
pub fn length_in_days(word: &str) -> Option<u32> {
    if word == "forever" {
        return Some(0);
    }
    let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    let days = match word.strip_prefix(digits) {
        Some("d") => 1,
        Some("w") => 7,
        Some("y") => 365,
        Some(_) | None => return None,
    };
    let number: u32 = digits.parse().ok()?;
    number.checked_mul(days).filter(|days| *days > 0)
}

fn keep(word: &str) -> Result<u32> {
    length_in_days(word).ok_or_else(|| {
        let what = format!("keep {word:?} is not a length of time of a day or more");
        HostError::new(ErrorKind::Invalid, what)
            .hint("write it like \"90d\", \"2y\" or \"forever\"")
    })
}

fn idle_timeout(word: &str) -> Result<Duration> {
    length_of_time(word).filter(|length| *length >= limits::IDLE_TIMEOUT_MIN).ok_or_else(|| {
        HostError::new(
            ErrorKind::Invalid,
            format!("idle_timeout {word:?} is not a length of time of a second or more"),
        )
        .hint("write it like \"90s\", \"10m\" or \"2h\"")
    })
}

fn max_containers(count: usize) -> Result<usize> {
    if count == 0 {
        let what = "max_containers is 0: no agent could ever answer";
        return Err(HostError::new(ErrorKind::Invalid, what).hint("1 or more"));
    }
    Ok(count)
}

fn time_zone(name: String) -> Result<String> {
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(name),
        Err(error) => {
            let what = format!("time_zone {name:?} is not known");
            Err(HostError::new(ErrorKind::Invalid, what)
                .because(error)
                .hint("use an IANA name such as \"Europe/Zurich\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*, sample};

    use super::*;

    #[track_caller]
    fn check_refused(toml: &str, message: &str, hint: &str) {
        let error = File::parse(toml).unwrap_err();
        assert!(error.chain().contains(message), "{}", error.chain());
        assert!(error.hint_text().unwrap_or_default().contains(hint), "{:?}", error.hint_text());
    }

    #[test]
    fn every_key_is_read() {
        let toml = "engine = 'unix:///run/docker.sock'\nguest = '/opt/guest'\nimage = 'node:22'\n\
                    idle_timeout = '90s'\nmax_containers = 20\nkeep = '26w'\nlog = 'debug'\nlog_format = 'json'\ntime_zone = 'UTC'\n\
                    [models.local]\nbase_url = 'http://127.0.0.1:1'";
        let file = File::parse(toml).unwrap();
        assert_eq!(file.idle_timeout, Some(Duration::from_secs(90)));
        assert_eq!((file.max_containers, file.log_format), (Some(20), Some(LogFormat::Json)));
        assert_eq!((file.keep, file.models.len()), (Some(182), 3));
        assert_eq!(file.guest.as_deref(), Some(Path::new("/opt/guest")));
    }

    #[test]
    fn times_are_read_in_days_weeks_and_years() {
        let read = ["90d", "26w", "2y", "forever"].map(|text| length_in_days(text).unwrap());
        assert_eq!(read, [90, 182, 730, 0]);
        for wrong in ["", "0d", "90", "3m", "-1d", "d", "99999999999y"] {
            assert_eq!(length_in_days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
        check_refused("idle_timout = '1m'", "unknown key \"idle_timout\"", "idle_timeout");
        check_refused("[mounts]\na = 1", "unknown key \"mounts\"", "engine, guest, image");
    }

    #[test]
    fn a_value_of_the_wrong_shape_is_an_error_that_names_it() {
        check_refused("idle_timeout = 'soon'", "\"soon\"", "90s");
        check_refused("idle_timeout = '-5m'", "\"-5m\"", "90s");
        check_refused("keep = '90'", "\"90\"", "90d");
        check_refused("keep = '0d'", "a day or more", "forever");
        check_refused("max_containers = 0", "no agent", "1 or more");
        check_refused("log_format = 'xml'", "xml", "");
        check_refused("time_zone = 'Mars/Base'", "Mars/Base", "IANA");
        check_refused("image = 7", "integer", "");
        check_refused("models = 7", "no table", "[models.");
        check_refused("image = ", "", "");
    }

    /// Our keys, and others, with values of any shape.
    fn written() -> impl Strategy<Value = String> {
        let key = prop_oneof![4 => sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => any::<String>()];
        let value = prop_oneof![
            any::<String>().prop_map(toml::Value::from),
            "-?[0-9]{1,20}[smhdwy]{0,2}".prop_map(toml::Value::from),
            any::<i64>().prop_map(toml::Value::from),
            any::<bool>().prop_map(toml::Value::from),
            collection::vec(any::<i64>(), 0..3).prop_map(toml::Value::from),
        ];
        let table = collection::btree_map(key, value, 0..9)
            .prop_map(|map| map.into_iter().collect::<toml::Table>().to_string());
        prop_oneof![3 => table, 1 => any::<String>(), 1 => Just("[".repeat(10_000))]
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_file_is_read_within_bounds_or_refused_in_words(said in written()) {
            match File::parse(&said) {
                Ok(file) => {
                    prop_assert!(file.idle_timeout.is_none_or(|it| it >= limits::IDLE_TIMEOUT_MIN));
                    prop_assert!(file.max_containers != Some(0));
                }
                Err(refused) => prop_assert!(!refused.chain().trim().is_empty()),
            }
        }
    }
}
