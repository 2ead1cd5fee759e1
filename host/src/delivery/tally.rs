//! PURE: news that come one by one, or a thousand at once. The first is told at once, what follows
//! within a while is told together at its end.

use std::time::{Duration, Instant};

/// What was not told yet.
#[derive(Debug, Default)]
pub(super) struct Tally {
    quiet_until: Option<Instant>,
    untold: u32,
}

/// What to do with one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// Tell it.
    Now,
    /// Come back then, and tell what came meanwhile.
    At(Instant),
    /// Somebody comes back already.
    Later,
}

impl Tally {
    /// One more came.
    pub(super) fn one_more(&mut self, now: Instant, quiet: Duration) -> Tell {
        match self.quiet_until {
            Some(until) if until > now => {
                self.untold += 1;
                if self.untold == 1 { Tell::At(until) } else { Tell::Later }
            }
            Some(_) | None => {
                self.quiet_until = Some(now + quiet);
                Tell::Now
            }
        }
    }

    /// How many are to be told together; after it is quiet again for as long.
    pub(super) fn take(&mut self, now: Instant, quiet: Duration) -> u32 {
        self.quiet_until = Some(now + quiet);
        std::mem::take(&mut self.untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_two_sentences() {
        let (mut tally, now, quiet) = (Tally::default(), Instant::now(), Duration::from_secs(60));
        assert_eq!(tally.one_more(now, quiet), Tell::Now);
        assert_eq!(tally.one_more(now, quiet), Tell::At(now + quiet));
        for _ in 0..1_000 {
            assert_eq!(tally.one_more(now, quiet), Tell::Later);
        }
        assert_eq!(tally.take(now + quiet, quiet), 1_001);
        assert_eq!(tally.one_more(now + quiet, quiet), Tell::At(now + quiet * 2));
        assert_eq!(tally.take(now + quiet * 2, quiet), 1);
        assert_eq!(tally.one_more(now + quiet * 9, quiet), Tell::Now);
    }
}
