//! PURE: whether a channel may be asked. It is left alone after errors in a row, and tried by one
//! post at a time until one goes through.

use std::time::{Duration, Instant};

use crate::limits::channel as limits;

/// How a channel was last found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Everybody may post.
    Closed {
        /// Errors since something last went through.
        errors: u32,
    },
    /// Nobody may.
    Open {
        /// When one may try.
        until: Instant,
        /// The pause before that.
        pause: Duration,
    },
    /// One tries.
    Probing {
        /// When it is given up for lost.
        by: Instant,
        /// The pause before it.
        pause: Duration,
    },
}

/// What whoever wants to post is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// Post.
    Go,
    /// Post: it shows how the channel is.
    Probe,
    /// Ask again then.
    Wait(Instant),
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { errors: 0 }
    }
}

impl Breaker {
    /// Whether somebody may post now.
    pub(super) fn ask(&mut self, now: Instant) -> May {
        let pause = match *self {
            Self::Closed { .. } => return May::Go,
            Self::Open { until: at, .. } | Self::Probing { by: at, .. } if now < at => {
                return May::Wait(at);
            }
            Self::Open { pause, .. } | Self::Probing { pause, .. } => pause,
        };
        *self = Self::Probing { by: now + limits::PROBE_TIME, pause };
        May::Probe
    }

    /// Something went through, or the channel refused it for its own sake. Answers whether others
    /// may have waited for that.
    pub(super) fn worked(&mut self) -> bool {
        std::mem::take(self) != Self::default()
    }

    /// The channel failed.
    pub(super) fn failed(&mut self, now: Instant) {
        *self = match *self {
            Self::Closed { errors } if errors + 1 < limits::BREAKER_ERRORS => {
                Self::Closed { errors: errors + 1 }
            }
            Self::Closed { .. } => open(now, limits::CHANNEL_DOWN_PAUSE),
            // A post that was under way already when it opened says nothing new.
            Self::Open { until, pause } => Self::Open { until, pause },
            Self::Probing { pause, .. } => open(now, (pause * 2).min(limits::BREAKER_PAUSE_MOST)),
        };
    }

    /// The probe did not reach the channel: the next may try at once.
    pub(super) fn unasked(&mut self, now: Instant) {
        if let Self::Probing { pause, .. } = *self {
            *self = Self::Open { until: now, pause };
        }
    }

    /// Whether only a probe may post.
    #[must_use]
    pub(super) fn is_shut(&self) -> bool {
        match self {
            Self::Closed { .. } => false,
            Self::Open { .. } | Self::Probing { .. } => true,
        }
    }
}

fn open(now: Instant, pause: Duration) -> Breaker {
    Breaker::Open { until: now + pause, pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..limits::BREAKER_ERRORS {
            assert_eq!(breaker.ask(now), May::Go);
            breaker.failed(now);
        }
        breaker
    }

    #[test]
    fn after_errors_in_a_row_nobody_asks_before_the_pause_is_over() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(breaker.is_shut());
        assert_eq!(breaker.ask(now), May::Wait(now + limits::CHANNEL_DOWN_PAUSE));
    }

    #[test]
    fn one_success_among_errors_keeps_it_closed() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            breaker.failed(now);
            breaker.failed(now);
            assert!(breaker.worked(), "somebody may wait");
        }
        assert_eq!(breaker.ask(now), May::Go);
        assert!(!breaker.worked());
    }

    #[test]
    fn one_post_at_a_time_finds_out_with_growing_pauses() {
        let (mut breaker, mut now) = (opened(Instant::now()), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..5 {
            let May::Wait(at) = breaker.ask(now) else { panic!("it is shut") };
            pauses.push((at - now).as_secs_f64().round());
            now = at;
            assert_eq!(breaker.ask(now), May::Probe);
            assert!(matches!(breaker.ask(now), May::Wait(_)), "a second one waits");
            breaker.failed(now);
        }
        assert_eq!(pauses, [30.0, 60.0, 120.0, 240.0, 300.0]);
        let May::Wait(at) = breaker.ask(now) else { panic!("it is shut") };
        assert_eq!(breaker.ask(at), May::Probe);
        assert!(breaker.worked());
        assert_eq!(breaker.ask(at), May::Go);
    }

    #[test]
    fn a_probe_that_got_lost_or_never_left_shuts_nobody_out() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let at = now + limits::CHANNEL_DOWN_PAUSE;
        assert_eq!(breaker.ask(at), May::Probe);
        assert_eq!(breaker.ask(at + limits::PROBE_TIME), May::Probe);
        breaker.unasked(at);
        assert_eq!(breaker.ask(at), May::Probe);
    }
}
