//! What a task must be to be saved. PURE, but for the time zones, which are the machine's.

use jiff::{
    Timestamp,
    tz::{self, TimeZone},
};
use schemas::time;

use super::{Every, at};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits::task as limits,
};

/// When a task is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Once, then.
    pub once: Option<&'a str>,
    /// Or again and again.
    pub every: Option<&'a str>,
    /// Where both are told.
    pub zone: &'a str,
    /// Whether a script may spare the model's call.
    pub scripted: bool,
    /// Whether somebody said that it is to be often.
    pub often: bool,
}

/// When a task is due, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// Its next times.
    pub times: Vec<Timestamp>,
    /// Its one time.
    pub once: Option<Timestamp>,
    /// Its expression.
    pub every: Option<String>,
    /// Its zone.
    pub zone: String,
}

impl When {
    /// The first of its times.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.times.first().copied()
    }
}

/// Reads when a task is wanted, and tells its next times.
///
/// # Errors
/// `Invalid`, with the reason and what would be right.
pub fn check(wanted: Wanted<'_>, now: Timestamp) -> Result<When> {
    let here = zone(wanted.zone)?;
    let zone = wanted.zone.to_owned();
    match (wanted.once, wanted.every) {
        (Some(once), None) => {
            let once = at(once, &here, now)?;
            Ok(When { times: vec![once], once: Some(once), every: None, zone })
        }
        (None, Some(text)) => {
            let every = Every::read(text, here)?;
            let mut times: Vec<Timestamp> = every.after(now).take(limits::TIMES_CHECKED).collect();
            if times.is_empty() {
                let what = format!("{text:?} never comes");
                return Err(
                    HostError::new(ErrorKind::Invalid, what).hint("the month may have no such day")
                );
            }
            if !wanted.scripted && !wanted.often {
                seldom_enough(text, &times)?;
            }
            times.truncate(limits::TIMES_SHOWN);
            Ok(When { times, once: None, every: Some(text.to_owned()), zone })
        }
        (Some(_), Some(_)) | (None, None) => {
            Err(HostError::new(ErrorKind::Invalid, "a task is done at a time, or every so often")
                .hint("give --at or --every"))
        }
    }
}

fn seldom_enough(text: &str, times: &[Timestamp]) -> Result<()> {
    let close = times.windows(2).find(|pair| match pair {
        [one, next] => next.duration_since(*one) < limits::OFTEN,
        _ => false,
    });
    let Some([one, next]) = close else { return Ok(()) };
    let minutes = limits::OFTEN.as_secs() / 60;
    let what = format!("{text:?} comes more often than every {minutes} minutes");
    let why = format!("at {} and at {}", time::format(*one), time::format(*next));
    Err(HostError::new(ErrorKind::Invalid, what)
        .because(why)
        .hint("each time costs a model's call: give it a script that can spare it, or say --often"))
}

/// A time zone by its IANA name.
///
/// # Errors
/// `Invalid`, with the nearest names.
pub fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        let all: Vec<String> = tz::db().available().map(|zone| zone.to_string()).collect();
        let wanted = name.to_lowercase();
        let far = |known: &str| {
            let known = known.to_lowercase();
            let city = known.rsplit('/').next().unwrap_or_default();
            strsim::damerau_levenshtein(&wanted, &known)
                .min(strsim::damerau_levenshtein(&wanted, city) + 1)
        };
        let mut near: Vec<(usize, &String)> = all.iter().map(|zone| (far(zone), zone)).collect();
        near.sort();
        let names: Vec<&str> = near.iter().take(3).map(|(_, zone)| zone.as_str()).collect();
        HostError::new(ErrorKind::Invalid, format!("no time zone {name:?}"))
            .hint(format!("did you mean {}?", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>(once: Option<&'a str>, every: Option<&'a str>) -> Wanted<'a> {
        Wanted { once, every, zone: "Europe/Berlin", scripted: false, often: false }
    }

    fn now() -> Timestamp {
        "2026-11-20T20:00:00Z".parse().unwrap()
    }

    #[track_caller]
    fn refused(wanted: Wanted<'_>, why: &str) {
        let error = check(wanted, now()).unwrap_err();
        assert!(error.chain().contains(why), "{}", error.chain());
        assert!(error.hint_text().is_some(), "{}", error.chain());
    }

    #[test]
    fn a_task_is_wanted_once_or_again_and_again() {
        let once = check(wanted(Some("+1h"), None), now()).unwrap();
        assert_eq!((once.times.len(), once.every), (1, None));
        let daily = check(wanted(None, Some("0 8 * * *")), now()).unwrap();
        assert_eq!(daily.first().map(|at| at.to_string()).unwrap(), "2026-11-21T07:00:00Z");
        assert_eq!(daily.times.len(), limits::TIMES_SHOWN);
        refused(wanted(None, None), "a task is done at a time, or every so often");
        refused(wanted(Some("+1h"), Some("@daily")), "at a time, or every so often");
    }

    #[test]
    fn what_comes_too_often_needs_a_script_or_a_word() {
        for often in ["*/5 * * * *", "0,10 8 * * *", "59 7 * * *,0 8 * * *", "* * * * *"] {
            let wanted = wanted(None, Some(often));
            assert!(check(wanted, now()).is_err(), "{often}");
        }
        let wanted = wanted(None, Some("*/5 * * * *"));
        refused(wanted, "more often than every 15 minutes");
        assert!(check(Wanted { scripted: true, ..wanted }, now()).is_ok());
        assert!(check(Wanted { often: true, ..wanted }, now()).is_ok());
        let quarter = Wanted { every: Some("*/15 * * * *"), ..wanted };
        assert!(check(quarter, now()).is_ok());
    }

    #[test]
    fn what_never_comes_and_a_zone_that_is_none_are_refused() {
        refused(wanted(None, Some("0 0 31 6 *")), "never comes");
        let zone = Wanted { zone: "Berlin", ..wanted(Some("+1h"), None) };
        refused(zone, "no time zone");
        let hint = check(zone, now()).unwrap_err();
        assert!(hint.hint_text().unwrap().contains("Europe/Berlin"), "{:?}", hint.hint_text());
    }
}
