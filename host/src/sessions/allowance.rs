//! PURE: how often something may happen within a stretch of time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The last times at which something happened.
#[derive(Debug, Default)]
pub(super) struct Allowance(VecDeque<Timestamp>);

impl Allowance {
    /// Whether it may happen once more now; then it counts.
    pub(super) fn take(&mut self, now: Timestamp, most: usize, within: SignedDuration) -> bool {
        while self.0.front().is_some_and(|at| now.duration_since(*at) >= within) {
            self.0.pop_front();
        }
        let may = self.0.len() < most;
        if may {
            self.0.push_back(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_used_up_and_comes_back_with_time() {
        let (mut left, minute) = (Allowance::default(), SignedDuration::from_mins(1));
        let mut at = |second| left.take(Timestamp::from_second(second).unwrap(), 2, minute);
        assert_eq!(
            [0, 1, 2, 59, 60, 60, 61].map(&mut at),
            [true, true, false, false, true, false, true]
        );
    }
}
