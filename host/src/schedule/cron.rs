//! A cron expression in a time zone: the first of its times after another. PURE.
//!
//! `croner` reads the expression and finds the next match on a wall clock that never jumps; from
//! the wall to the line of time it is our own step, because the crate's drops a time like
//! `30 2,14 * * *` on the day when half past two does not exist.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use crate::{
    error::{ErrorKind, HostError, Result},
    limits::task as limits,
};

/// An expression with its zone.
#[derive(Debug, Clone)]
pub struct Every {
    cron: Cron,
    zone: TimeZone,
    /// Whether its hours are fixed: then it follows the wall clock, else the hours that pass.
    fixed: bool,
}

/// A stretch of time in which the wall clock does not jump.
struct Stretch {
    offset: Offset,
    begins: Option<(Timestamp, Offset)>,
    ends: Option<Timestamp>,
}

impl Every {
    /// Reads an expression: five fields, or a word such as `@daily`.
    ///
    /// # Errors
    /// `Invalid`, with what would be right.
    pub fn read(expression: &str, zone: TimeZone) -> Result<Self> {
        let bad = |why: String| {
            HostError::new(ErrorKind::Invalid, format!("{expression:?} is no cron expression"))
                .because(why)
                .hint("minute hour day month weekday, such as \"0 8 * * MON-FRI\", or @daily")
        };
        if expression.len() > limits::CRON_BYTES || !expression.is_ascii() {
            return Err(bad("it is over-long, or holds other letters than A-Z".to_owned()));
        }
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|error| bad(error.to_string()))?;
        Ok(Self { cron, zone, fixed: has_fixed_hours(expression) })
    }

    /// The first of its times after another; `None` when none ever comes.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        for _ in 0..limits::SEARCH_STEPS {
            let stretch = self.stretch(from);
            let on_the_wall = self.on_the_wall(&stretch, from, inclusive);
            let end = stretch.ends.unwrap_or(Timestamp::MAX);
            let here = on_the_wall.filter(|at| *at < end);
            let found = self.left_out(&stretch, from, inclusive).into_iter().chain(here).min();
            if found.is_some() {
                return found;
            }
            // Nothing before the next match on the wall, whatever the clock does on the way.
            let far = on_the_wall?.checked_sub(SignedDuration::from_hours(26)).ok()?;
            (from, inclusive) = (end.max(far), true);
        }
        None
    }

    /// Its times after another, in their order.
    pub fn after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), |last| self.next(*last))
    }

    fn stretch(&self, at: Timestamp) -> Stretch {
        let until = at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at);
        let begins = self.zone.preceding(until).next().map(|change| change.timestamp());
        let before = begins.and_then(|begins| {
            let last = begins.checked_sub(SignedDuration::from_nanos(1)).ok()?;
            Some((begins, self.zone.to_offset(last)))
        });
        let ends = self.zone.following(at).next().map(|change| change.timestamp());
        Stretch { offset: self.zone.to_offset(at), begins: before, ends }
    }

    /// The next match of a wall clock that goes on as it does in this stretch.
    fn on_the_wall(
        &self,
        stretch: &Stretch,
        from: Timestamp,
        inclusive: bool,
    ) -> Option<Timestamp> {
        let wall = stretch.offset.to_datetime(from);
        let (wall, inclusive) = match stretch.begins {
            // What the clock repeats was done the first time.
            Some((begins, before)) if self.fixed && before.to_datetime(begins) > wall => {
                (before.to_datetime(begins), true)
            }
            Some(_) | None => (wall, inclusive),
        };
        let found = self.matching(wall, inclusive)?;
        stretch.offset.to_timestamp(found).ok()
    }

    /// What stood in the hour that the clock left out when this stretch began.
    fn left_out(&self, stretch: &Stretch, from: Timestamp, inclusive: bool) -> Option<Timestamp> {
        let (begins, before) = stretch.begins.filter(|_| self.fixed)?;
        let end = stretch.offset.to_datetime(begins);
        let wall = before.to_datetime(from);
        let found = self.matching(wall, inclusive).filter(|found| *found < end)?;
        before.to_timestamp(found).ok()
    }

    fn matching(&self, wall: DateTime, inclusive: bool) -> Option<DateTime> {
        // Matches are whole minutes: a wall clock between two of them has not had the later one.
        let whole = wall.with().second(0).subsec_nanosecond(0).build().ok()?;
        self.cron.find_next_occurrence(&whole, inclusive && whole == wall).ok()
    }
}

#[cfg(test)]
impl Every {
    pub(super) fn matches(&self, wall: DateTime) -> bool {
        self.cron.is_time_matching(&wall).unwrap_or(false)
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.fixed
    }
}

/// Hours that are named, as opposed to all of them or every so many.
fn has_fixed_hours(expression: &str) -> bool {
    let hours = expression.split_whitespace().nth(1);
    match hours {
        Some(hours) => !hours.starts_with('*') && hours != "0-23",
        None => !expression.trim().eq_ignore_ascii_case("@hourly"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn times(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let every = Every::read(expression, zone.clone()).unwrap();
        let times = every.after(from.parse().unwrap()).take(count);
        times.map(|at| at.to_zoned(zone.clone()).strftime("%d. %H:%M %Z").to_string()).collect()
    }

    #[test]
    fn what_stands_in_the_hour_that_is_left_out_comes_an_hour_later() {
        let berlin = |cron| times(cron, "Europe/Berlin", "2027-03-27T20:00:00Z", 3);
        assert_eq!(berlin("30 2 * * *"), ["28. 03:30 CEST", "29. 02:30 CEST", "30. 02:30 CEST"]);
        assert_eq!(berlin("30 2,14 * * *"), ["28. 03:30 CEST", "28. 14:30 CEST", "29. 02:30 CEST"]);
        assert_eq!(berlin("0 8 * * *"), ["28. 08:00 CEST", "29. 08:00 CEST", "30. 08:00 CEST"]);
        assert_eq!(
            berlin("0 1-3 * * *")[..3],
            ["28. 01:00 CET", "28. 03:00 CEST", "29. 01:00 CEST"]
        );
    }

    #[test]
    fn every_hour_goes_by_the_hours_that_there_are() {
        let spring = times("0 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2);
        assert_eq!(spring, ["28. 03:00 CEST", "28. 04:00 CEST"]);
        let autumn = times("0 * * * *", "Europe/Berlin", "2027-10-30T23:00:00Z", 3);
        assert_eq!(autumn, ["31. 02:00 CEST", "31. 02:00 CET", "31. 03:00 CET"]);
    }

    #[test]
    fn what_stands_in_the_hour_that_is_repeated_comes_once() {
        let berlin = |cron| times(cron, "Europe/Berlin", "2027-10-30T20:00:00Z", 2);
        assert_eq!(berlin("30 2 * * *"), ["31. 02:30 CEST", "01. 02:30 CET"]);
        assert_eq!(berlin("15,45 2,3 * * *"), ["31. 02:15 CEST", "31. 02:45 CEST"]);
        assert_eq!(berlin("0 3 * * *"), ["31. 03:00 CET", "01. 03:00 CET"]);
    }

    #[test]
    fn words_last_days_and_nth_weekdays_are_understood() {
        let utc = |cron| times(cron, "UTC", "2027-01-01T12:00:00Z", 2);
        assert_eq!(utc("@daily"), ["02. 00:00 UTC", "03. 00:00 UTC"]);
        assert_eq!(utc("0 0 L * *"), ["31. 00:00 UTC", "28. 00:00 UTC"]);
        assert_eq!(utc("0 9 * * FRI#2"), ["08. 09:00 UTC", "12. 09:00 UTC"]);
        assert_eq!(utc("0 0 29 2 *").len(), 2);
    }

    #[test]
    fn what_never_comes_has_no_next_time() {
        assert_eq!(times("0 0 30 2 *", "Europe/Berlin", "2027-01-01T12:00:00Z", 1).len(), 0);
    }

    #[test]
    fn what_is_no_expression_is_refused_with_what_would_be_right() {
        for bad in ["", "8 o'clock", "61 * * * *", "* * * *", "* * * * * *", "0 0 0 1 1 * 2030"] {
            let refused = Every::read(bad, TimeZone::UTC).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid, "{bad}");
            assert!(refused.hint_text().is_some_and(|hint| hint.contains("@daily")));
        }
    }
}
