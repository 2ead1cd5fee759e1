//! A clock that goes with tokio's paused one, so that stored times and timers agree.

use jiff::{SignedDuration, Timestamp};
use schemas::time::Clock;
use tokio::time::Instant;

pub(crate) struct PausedClock {
    began: Instant,
    at: Timestamp,
}

impl PausedClock {
    pub(crate) fn start() -> Self {
        // The real time, so that file times and stored times are of one age.
        Self { began: Instant::now(), at: Timestamp::now() }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap();
        self.at + passed
    }
}
