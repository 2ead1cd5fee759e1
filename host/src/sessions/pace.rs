//! How often a guest's file may be looked at.
//!
//! Owns the budget: over any longer stretch looking takes a tenth of one processor at most, however
//! much the guest writes. Short of that a look waits for nothing: a turn has two or three of them
//! within a few milliseconds, and the one that finds the reply must not be held up by the one
//! before it.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{LOOK_CREDIT, LOOK_PACE};

/// What was spent, as the moment at which it will be made up for.
#[derive(Debug)]
pub(super) struct Pace {
    made_up_at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { made_up_at: now }
    }

    /// Notes a look that just ended; answers when the next one may begin.
    pub(super) fn looked(&mut self, now: Instant, cost: Duration) -> Instant {
        self.made_up_at = self.made_up_at.max(now) + cost * LOOK_PACE;
        self.made_up_at.checked_sub(LOOK_CREDIT).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Duration = Duration::from_micros(200);

    #[test]
    fn the_looks_of_one_turn_wait_for_nothing() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!((0..3).all(|_| pace.looked(now, SMALL) <= now));
    }

    #[test]
    fn a_guest_that_writes_without_end_costs_a_tenth() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let (mut now, mut spent) = (began, Duration::ZERO);
        for _ in 0..1_000 {
            now += SMALL;
            spent += SMALL;
            now = now.max(pace.looked(now, SMALL));
        }
        assert!(spent * 9 < now - began, "{spent:?} of {:?}", now - began);
    }

    #[test]
    fn a_large_file_is_waited_for() {
        let now = Instant::now();
        let cost = Duration::from_millis(24);
        assert_eq!(Pace::new(now).looked(now, cost), now + cost * LOOK_PACE - LOOK_CREDIT);
    }
}
