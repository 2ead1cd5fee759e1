//! PURE: how fast a channel is posted to.
//!
//! Owns the one number that a token bucket needs: the moment up to which its tokens are given away.
//! Whoever asks gets a moment of their own, so those who wait go in the order in which they asked.

use std::time::{Duration, Instant};

/// So many posts at once, and one more each time the step has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Posts that may go at once.
    pub burst: u32,
    /// Time between two in the long run.
    pub step: Duration,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes a token: the moment at which its post may go.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) -> Instant {
        let given = self.full_at.filter(|at| *at > now).unwrap_or(now) + rate.step;
        self.full_at = Some(given);
        let credit = rate.step * rate.burst.max(1);
        given.checked_sub(credit).map_or(now, |at| at.max(now))
    }

    /// Nothing goes before then.
    pub(super) fn empty_until(&mut self, at: Instant) {
        self.full_at = self.full_at.max(Some(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, step: Duration::from_secs(2) };

    fn waits(bucket: &mut Bucket, now: Instant, posts: u32) -> Vec<u64> {
        (0..posts).map(|_| (bucket.take(now, RATE) - now).as_secs()).collect()
    }

    #[test]
    fn so_many_go_at_once_and_then_one_each_step_in_the_order_of_asking() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        assert_eq!(waits(&mut bucket, now, 6), [0, 0, 0, 2, 4, 6]);
    }

    #[test]
    fn a_pause_fills_it_again_and_no_further() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        waits(&mut bucket, now, 6);
        let later = now + Duration::from_secs(12 + 3_600);
        assert_eq!(waits(&mut bucket, later, 4), [0, 0, 0, 2]);
    }
}
