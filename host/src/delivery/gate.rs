//! PURE: one channel's gate. May a post go, when, and what does its outcome say about the channel.
//!
//! Owns the breaker, the bucket and the pause that a platform asked for, and what the owner is told
//! about a channel: once when it has been down for long, once when it is back.

use std::time::{Duration, Instant};

use super::{
    breaker::{Breaker, May},
    bucket::{Bucket, Rate},
};
use crate::limits::channel as limits;

/// Everything that is known of a channel.
#[derive(Debug, Default)]
pub(super) struct Gate {
    breaker: Breaker,
    bucket: Bucket,
    paused_until: Option<Instant>,
    spared_until: Option<Instant>,
    down_since: Option<Instant>,
    told: bool,
    watched: bool,
}

/// That a post may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Not before.
    pub at: Instant,
    /// It shows how the channel is.
    pub probe: bool,
}

/// What a post showed of its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is up: it took the post, or refused it for the post's own sake.
    Up,
    /// It is up, and wants to be left alone.
    Throttled(Duration),
    /// It failed.
    Down,
    /// It was not reached.
    Unasked,
}

/// What follows for others.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent consequence")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct News {
    /// Who waited for the channel need not any more.
    pub(super) back: bool,
    /// The owner, who was told that it is down, is to be told that it is back.
    pub(super) tell_back: bool,
    /// Somebody must look, in a while, whether it is still down.
    pub(super) watch: bool,
}

/// What whoever watches a channel that is down does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Look again then.
    At(Instant),
    /// Tell the owner.
    Tell,
    /// It is up.
    Over,
}

impl Gate {
    /// Whether somebody may post, and when.
    ///
    /// # Errors
    /// When to ask again.
    pub(super) fn ask(&mut self, now: Instant, rate: Option<Rate>) -> Result<Grant, Instant> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(until);
        }
        let probe = match self.breaker.ask(now) {
            May::Go => false,
            May::Probe => true,
            May::Wait(at) => return Err(at),
        };
        let at = self.pace(now, rate).map_or(now, |rate| self.bucket.take(now, rate));
        Ok(Grant { at, probe })
    }

    /// Whether what was granted still holds.
    #[must_use]
    pub(super) fn holds(&self, grant: Grant, now: Instant) -> bool {
        let paused = self.paused_until.is_some_and(|until| until > now);
        !paused && (grant.probe || !self.breaker.is_shut())
    }

    /// A channel that came back is spared at first.
    fn pace(&self, now: Instant, rate: Option<Rate>) -> Option<Rate> {
        if self.spared_until.is_none_or(|until| until <= now) {
            return rate;
        }
        let step = rate.map_or(limits::RECOVERY_STEP, |rate| rate.step.max(limits::RECOVERY_STEP));
        Some(Rate { burst: 1, step })
    }

    /// Takes in what a post showed.
    pub(super) fn note(&mut self, now: Instant, word: Word) -> News {
        match word {
            Word::Up => self.up(now),
            Word::Throttled(pause) => {
                self.paused_until = self.paused_until.max(Some(now + pause));
                self.up(now)
            }
            Word::Down => {
                self.breaker.failed(now);
                self.down_since.get_or_insert(now);
                let watch = !std::mem::replace(&mut self.watched, true);
                News { watch, ..News::default() }
            }
            Word::Unasked => {
                self.breaker.unasked(now);
                News::default()
            }
        }
    }

    fn up(&mut self, now: Instant) -> News {
        let was_shut = self.breaker.is_shut();
        let back = self.breaker.worked();
        self.down_since = None;
        if was_shut {
            self.spared_until = Some(now + limits::RECOVERY);
            self.bucket.empty_until(now);
        }
        let told = std::mem::take(&mut self.told);
        // Who told the owner watches no longer.
        self.watched &= !told;
        News { back, tell_back: told, watch: false }
    }

    /// What whoever watches it does now. The owner is told once.
    pub(super) fn watch(&mut self, now: Instant) -> Watch {
        let next = match self.down_since.map(|since| since + limits::DOWN_NOTICE) {
            None => Watch::Over,
            Some(at) if at > now => return Watch::At(at),
            Some(_) => {
                self.told = true;
                Watch::Tell
            }
        };
        self.watched = self.down_since.is_some();
        next
    }

    /// Whether only a probe may post.
    #[must_use]
    pub(super) fn is_shut(&self) -> bool {
        self.breaker.is_shut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shut(now: Instant) -> Gate {
        let mut gate = Gate::default();
        for _ in 0..limits::BREAKER_ERRORS {
            gate.note(now, Word::Down);
        }
        assert!(gate.is_shut());
        gate
    }

    #[test]
    fn the_owner_hears_once_that_it_is_down_and_once_that_it_is_back() {
        let now = Instant::now();
        let mut gate = Gate::default();
        assert!(gate.note(now, Word::Down).watch);
        assert!(!gate.note(now, Word::Down).watch, "one watches already");
        let at = now + limits::DOWN_NOTICE;
        assert_eq!(gate.watch(now), Watch::At(at));
        assert_eq!(gate.watch(at), Watch::Tell);
        assert!(!gate.note(at, Word::Down).watch, "it was told already");
        assert!(gate.note(at, Word::Up).tell_back);
        assert!(!gate.note(at, Word::Up).tell_back);
        assert!(gate.note(at, Word::Down).watch, "the next time is watched anew");
    }

    #[test]
    fn a_channel_that_is_soon_back_is_no_news() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.note(now, Word::Down);
        let news = gate.note(now, Word::Up);
        assert_eq!(news, News { back: true, tell_back: false, watch: false });
        assert_eq!(gate.watch(now + limits::DOWN_NOTICE), Watch::Over);
        assert!(gate.note(now, Word::Down).watch, "the next time is watched anew");
    }

    #[test]
    fn what_waited_goes_out_one_by_one_when_it_is_back() {
        let now = Instant::now();
        let mut gate = shut(now);
        gate.note(now, Word::Up);
        let mut moments: Vec<Instant> = (0..10).map(|_| gate.ask(now, None).unwrap().at).collect();
        assert!(moments.is_sorted());
        moments.dedup();
        assert_eq!(moments.len(), 10, "not all in one millisecond");
        let later = now + limits::RECOVERY;
        assert_eq!(gate.ask(later, None).unwrap().at, later);
    }

    #[test]
    fn a_pause_that_the_platform_asks_for_holds_for_all_and_for_what_was_granted() {
        let now = Instant::now();
        let mut gate = Gate::default();
        let granted = gate.ask(now, None).unwrap();
        gate.note(now, Word::Throttled(Duration::from_secs(7)));
        assert!(!gate.holds(granted, now));
        let until = now + Duration::from_secs(7);
        assert_eq!(gate.ask(now, None), Err(until));
        assert!(gate.ask(until, None).is_ok());
    }

    #[test]
    fn what_was_granted_before_it_shut_waits_and_the_probe_goes() {
        let now = Instant::now();
        let mut gate = Gate::default();
        let granted = gate.ask(now, None).unwrap();
        for _ in 0..limits::BREAKER_ERRORS {
            gate.note(now, Word::Down);
        }
        assert!(!gate.holds(granted, now));
        let at = gate.ask(now, None).unwrap_err();
        let probe = gate.ask(at, None).unwrap();
        assert!(probe.probe && gate.holds(probe, at));
    }
}
