//! What holds for every expression, zone and moment: the times are those of the table in `mod`,
//! found one by one by asking the zone about every minute.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use proptest::prelude::*;

use super::Every;

const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    // Half an hour, and in the other half of the year.
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/St_Johns",
    "Africa/Casablanca",
    // It left out a whole day.
    "Pacific/Apia",
];

fn field(max: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        (0..max).prop_map(|n| n.to_string()),
        (0..max, 0..max).prop_map(|(a, b)| format!("{a},{b}")),
        (0..max - 1).prop_map(move |a| format!("{a}-{}", max - 1)),
        (2..max / 2).prop_map(|n| format!("*/{n}")),
    ]
}

/// A day around a change of the clock, and some without.
fn moment() -> impl Strategy<Value = (TimeZone, Timestamp)> {
    (0..ZONES.len(), 0_i64..30, -2_000_i64..2_000).prop_map(|(zone, changes, minutes)| {
        let zone = TimeZone::get(ZONES[zone]).unwrap();
        let from: Timestamp = "2011-01-01T00:00:00Z".parse().unwrap();
        let change = zone.following(from).nth(usize::try_from(changes).unwrap());
        let near = change.map_or(from, |change| change.timestamp());
        let at = near + SignedDuration::from_mins(minutes);
        (zone, at)
    })
}

/// All times within some days, each minute of the wall clock on its own.
fn by_hand(every: &Every, zone: &TimeZone, fixed: bool, from: Timestamp) -> BTreeSet<Timestamp> {
    let mut times = BTreeSet::new();
    let wall = from.to_zoned(zone.clone()).datetime() - 2.days();
    let mut wall: DateTime = wall.with().second(0).subsec_nanosecond(0).build().unwrap();
    let end = wall + 5.days();
    while wall < end {
        if every.matches(wall) {
            let there = zone.to_ambiguous_timestamp(wall);
            match there.offset() {
                AmbiguousOffset::Gap { .. } if !fixed => {}
                AmbiguousOffset::Gap { .. } | AmbiguousOffset::Unambiguous { .. } => {
                    times.insert(there.compatible().unwrap());
                }
                AmbiguousOffset::Fold { before, after } => {
                    times.insert(before.to_timestamp(wall).unwrap());
                    if !fixed {
                        times.insert(after.to_timestamp(wall).unwrap());
                    }
                }
            }
        }
        wall += 1.minute();
    }
    times
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_time_is_lost_or_doubled_over_any_change_of_the_clock(
        (zone, from) in moment(),
        minute in field(60),
        hour in field(24),
        seconds in 0_i64..60,
    ) {
        let from = from + SignedDuration::from_secs(seconds);
        let every = Every::read(&format!("{minute} {hour} * * *"), zone.clone()).unwrap();
        let all = by_hand(&every, &zone, every.is_fixed(), from);
        let until = from + SignedDuration::from_hours(48);
        let wanted: Vec<Timestamp> =
            all.into_iter().filter(|at| *at > from && *at <= until).collect();
        let found: Vec<Timestamp> = every.after(from).take_while(|at| *at <= until).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn the_next_time_is_strictly_later_and_the_same_from_wherever_it_is_asked(
        (zone, from) in moment(),
        minute in field(60),
        hour in field(24),
        between in 0.0_f64..1.0,
    ) {
        let every = Every::read(&format!("{minute} {hour} * * *"), zone).unwrap();
        let next = every.next(from).unwrap();
        prop_assert!(next > from);
        // A clock that was set back asks once more, from earlier or from in between.
        let gap = next.duration_since(from).mul_f64(between);
        let asked = from.checked_add(gap).unwrap();
        if asked < next {
            prop_assert_eq!(every.next(asked), Some(next));
        }
    }
}
