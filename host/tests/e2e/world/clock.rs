//! A clock that goes with tokio's paused one, so that stored times and timers agree, until somebody
//! sets it.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use schemas::time::Clock;
use tokio::time::Instant;

use super::World;

pub(crate) struct PausedClock {
    began: Instant,
    at: Timestamp,
    /// Milliseconds by which somebody set it.
    set_by: AtomicI64,
}

impl PausedClock {
    pub(crate) fn start() -> Self {
        // The real time, so that file times and stored times are of one age.
        Self { began: Instant::now(), at: Timestamp::now(), set_by: AtomicI64::new(0) }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap();
        let set_by = SignedDuration::from_millis(self.set_by.load(Ordering::Relaxed));
        // Stored times have milliseconds, so these have no more.
        Timestamp::from_millisecond((self.at + passed + set_by).as_millisecond()).unwrap()
    }
}

impl World {
    /// Somebody sets the clock of this machine.
    pub(crate) fn clock_steps(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.clock.set_by.fetch_add(by, Ordering::Relaxed);
    }

    /// It is then now.
    pub(crate) fn it_is(&self, at: &str) {
        let at: Timestamp = at.parse().unwrap();
        self.clock_steps(at.duration_since(self.now()));
    }
}
