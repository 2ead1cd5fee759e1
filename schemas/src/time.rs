//! How the contract writes time, and the clock that both sides are handed.
//!
//! Owns the one text form, RFC 3339 in UTC with milliseconds. Reading also takes SQLite's own
//! `YYYY-MM-DD HH:MM:SS` (UTC), which foreign guests write.

use std::sync::Arc;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Where the time comes from. Code takes one instead of asking the system, so a test can hold it.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A clock that is shared by the tasks of one process.
pub type SharedClock = Arc<dyn Clock>;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The form that is stored: `2026-01-02T03:04:05.678Z`; it sorts as text in order of time.
#[must_use]
pub fn format(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Reads a stored time; `None` when it is neither of the two known forms.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil = text.parse::<DateTime>().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_has_milliseconds_and_is_read_back() {
        let at = Timestamp::from_millisecond(1_700_000_000_120).unwrap();
        assert_eq!(format(at), "2023-11-14T22:13:20.120Z");
        assert_eq!(parse(&format(at)), Some(at));
    }

    #[test]
    fn sqlites_own_form_is_read_as_utc() {
        assert_eq!(parse("1970-01-01 00:00:01"), Timestamp::from_second(1).ok());
    }

    #[test]
    fn junk_is_not_a_time() {
        assert_eq!(parse("yesterday"), None);
    }
}
