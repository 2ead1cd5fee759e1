//! One time, as people write it. PURE.

use jiff::{
    Span, Timestamp, ToSpan, Unit,
    civil::{DateTime, Time},
    tz::TimeZone,
};

use crate::{
    error::{ErrorKind, HostError, Result},
    limits::task as limits,
};

/// Reads a time: RFC 3339, a date with a time in the zone, a time of day (the next one), or how
/// long from now.
///
/// # Errors
/// `Invalid` for what is none of them, for what is past, and for what is too far ahead.
pub fn at(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp> {
    let text = text.trim();
    let refused = |what: &str| HostError::new(ErrorKind::Invalid, format!("{text:?} {what}"));
    let read = read(text, zone, now).ok_or_else(|| {
        refused("is no time").hint("such as 2027-01-31T08:00 (in the zone), 08:00, or +20m")
    })?;
    // What is stored has milliseconds.
    let at = read.round(Unit::Millisecond).unwrap_or(read);
    if at <= now {
        return Err(refused("is past").hint("give a time that is still to come"));
    }
    if at.duration_since(now) > limits::AHEAD {
        return Err(refused("is too far ahead").hint("ten years at most"));
    }
    Ok(at)
}

fn read(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let here = now.to_zoned(zone.clone());
    if let Some(pause) = text.strip_prefix('+') {
        let pause: Span = pause.trim().parse().ok()?;
        return here.checked_add(pause).ok().map(|at| at.timestamp());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // A time of day first: a date alone is no time.
    if let Some(time) = time_of_day(text) {
        let today = zone.to_timestamp(here.date().to_datetime(time)).ok()?;
        if today > now {
            return Some(today);
        }
        let tomorrow = here.date().checked_add(1.day()).ok()?;
        return zone.to_timestamp(tomorrow.to_datetime(time)).ok();
    }
    let civil = text.contains(':').then(|| text.parse::<DateTime>().ok()).flatten()?;
    zone.to_timestamp(civil).ok()
}

fn time_of_day(text: &str) -> Option<Time> {
    (!text.contains('-')).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = "2027-03-27T12:00:00Z".parse().unwrap();
        let read = at(text, &zone, now).map_or_else(|e| e.chain(), |at| at.to_string());
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn a_time_is_read_as_people_write_it() {
        check("2027-03-27T14:30:00+01:00", "2027-03-27T13:30:00Z");
        check("2027-03-29T08:00", "2027-03-29T06:00:00Z");
        check("2027-03-29 08:00:30", "2027-03-29T06:00:30Z");
        check("14:00", "2027-03-27T13:00:00Z");
        check("12:30", "2027-03-28T10:30:00Z");
        check("+20m", "2027-03-27T12:20:00Z");
        check("+1h 30m", "2027-03-27T13:30:00Z");
        // A day is a day of the wall, also when it has 23 hours.
        check("+1d", "2027-03-28T11:00:00Z");
        check("2027-03-28T02:30", "2027-03-28T01:30:00Z");
    }

    #[test]
    fn what_is_no_time_or_past_or_too_far_is_refused() {
        for bad in ["", "soon", "2027-03-29", "25:00", "+", "+x", "8"] {
            check(bad, &format!("{bad:?} is no time"));
        }
        check("2027-03-27T12:00:00Z", "\"2027-03-27T12:00:00Z\" is past");
        check("+-5m", "\"+-5m\" is past");
        check("2099-01-01T00:00", "\"2099-01-01T00:00\" is too far ahead");
    }
}
