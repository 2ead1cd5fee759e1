//! Waiting for what must come: a condition is asked again and again, and nobody sleeps for a time
//! that was guessed. Shared by the tests that drive programs in real time.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How long a test waits for what must come; a slow machine needs a tenth of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Time between two askings: short beside anything that a person would notice.
const PACE: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer; fails the test when none comes.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, ask).await.unwrap_or_else(|| panic!("never came: {what}"))
}

/// Asks again and again until there is an answer, or the time is over.
pub(crate) async fn within<T>(
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let begun = Instant::now();
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while begun.elapsed() < patience {
        ticks.tick().await;
        let answer = ask().await;
        if answer.is_some() {
            return answer;
        }
    }
    None
}
