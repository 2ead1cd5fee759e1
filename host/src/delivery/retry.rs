//! PURE: what follows from a channel's error.
//!
//! Errors of the message are counted and end; errors of the channel are waited out, for a week at
//! most. Pauses differ a little from post to post, always in the same way for the same one, so that
//! what failed together is not tried together.

use std::time::Duration;

use schemas::ids::MessageId;
use sha2::{Digest, Sha256};

use crate::{
    channels::{ChannelError, Resolution},
    limits::channel as limits,
    text::channels as text,
};

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try again after the pause; it counts as an attempt.
    Again(Duration),
    /// Try again after the pause; the message is not to blame.
    Wait(Duration),
    /// The same, or as soon as the channel is back.
    WaitForChannel(Duration),
    /// Give up, and tell the agent.
    GiveUp(String),
}

/// An attempt that failed.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// Of which post.
    pub message: &'a MessageId,
    /// Which attempt it was, from 1.
    pub attempts: u32,
    /// What can be done about a post of unknown fate.
    pub resolution: Resolution,
    /// Whether it has waited for as long as anything waits.
    pub waited_out: bool,
}

/// The verdict.
#[must_use]
pub fn after(failed: &Failed<'_>, error: &ChannelError) -> Next {
    let wait = |pause: Duration, next: fn(Duration) -> Next| {
        if failed.waited_out {
            Next::GiveUp(text::waited_out(&error.to_string()))
        } else {
            next(jittered(pause, failed))
        }
    };
    match error {
        ChannelError::Permanent(why) => Next::GiveUp(why.clone()),
        ChannelError::UnknownOutcome(why) if failed.resolution == Resolution::Unknown => {
            Next::GiveUp(why.clone())
        }
        ChannelError::RateLimited(seconds) => wait(named(*seconds), Next::Wait),
        ChannelError::Throttled(seconds) => wait(named(*seconds), Next::WaitForChannel),
        ChannelError::Down(_) => wait(limits::CHANNEL_DOWN_PAUSE, Next::WaitForChannel),
        // Whoever can be asked, or knows a post again, is simply tried again.
        ChannelError::Retry(why) | ChannelError::UnknownOutcome(why) => {
            let index = usize::try_from(failed.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
            limits::DELIVERY_PAUSES.get(index).map_or_else(
                || Next::GiveUp(why.clone()),
                |pause| Next::Again(jittered(*pause, failed)),
            )
        }
    }
}

/// A pause that a platform named, within reason.
#[must_use]
pub fn named(seconds: u64) -> Duration {
    Duration::from_secs(seconds).clamp(limits::CHANNEL_PAUSE_LEAST, limits::CHANNEL_PAUSE_MOST)
}

fn jittered(pause: Duration, failed: &Failed<'_>) -> Duration {
    pause + spread(failed.message, failed.attempts, pause / limits::JITTER_PART)
}

/// A share of a time that belongs to a post and an attempt, always the same.
#[must_use]
pub fn spread(message: &MessageId, attempt: u32, over: Duration) -> Duration {
    let digest = Sha256::digest(format!("{message}\0{attempt}"));
    let dice = digest.iter().take(2).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    over * dice / (1 << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(attempts: u32, error: &ChannelError) -> Next {
        let message = MessageId::parse("m").unwrap();
        let failed = Failed {
            message: &message,
            attempts,
            resolution: Resolution::Unknown,
            waited_out: false,
        };
        after(&failed, error)
    }

    /// Seconds without the part that is different for each post.
    fn pause(next: &Next, least: &[u64]) -> Option<u64> {
        let (Next::Again(pause) | Next::Wait(pause) | Next::WaitForChannel(pause)) = next else {
            return None;
        };
        least.iter().copied().find(|least| {
            let least = Duration::from_secs(*least);
            (least..least + least / limits::JITTER_PART).contains(pause)
        })
    }

    #[test]
    fn a_message_is_tried_six_times_with_growing_pauses() {
        let error = ChannelError::Retry("500".to_owned());
        let known = [5, 15, 45, 120, 300];
        let pauses: Vec<Option<u64>> =
            (1..=6).map(|attempt| pause(&verdict(attempt, &error), &known)).collect();
        assert_eq!(pauses, [Some(5), Some(15), Some(45), Some(120), Some(300), None]);
    }

    #[test]
    fn a_channel_that_is_down_or_limits_us_never_uses_the_message_up() {
        let down = verdict(99, &ChannelError::Down(String::new()));
        assert!(matches!(down, Next::WaitForChannel(_)));
        let limited = verdict(99, &ChannelError::RateLimited(7));
        assert!(matches!(limited, Next::Wait(_)) && pause(&limited, &[7]).is_some());
        let throttled = verdict(99, &ChannelError::Throttled(7));
        assert!(matches!(throttled, Next::WaitForChannel(_)));
    }

    #[test]
    fn even_a_channel_is_waited_for_only_so_long() {
        let message = MessageId::parse("m").unwrap();
        let (attempts, resolution) = (1, Resolution::Idempotent);
        let failed = Failed { message: &message, attempts, resolution, waited_out: true };
        let Next::GiveUp(why) = after(&failed, &ChannelError::Down("gone".to_owned())) else {
            panic!("it waits on")
        };
        assert!(why.contains("7 days") && why.contains("gone"), "{why}");
        let again = after(&failed, &ChannelError::Retry("500".to_owned()));
        assert!(matches!(again, Next::Again(_)), "its own error is counted as ever");
    }

    #[test]
    fn an_unknown_outcome_is_final_only_where_nobody_can_be_asked() {
        let message = MessageId::parse("m").unwrap();
        let error = ChannelError::UnknownOutcome("cut".to_owned());
        for (resolution, again) in [
            (Resolution::Unknown, false),
            (Resolution::Idempotent, true),
            (Resolution::LooksUp, true),
        ] {
            let failed = Failed { message: &message, attempts: 1, resolution, waited_out: false };
            assert_eq!(matches!(after(&failed, &error), Next::Again(_)), again, "{resolution:?}");
        }
    }

    #[test]
    fn a_pause_that_a_platform_names_is_neither_nothing_nor_for_ever() {
        assert_eq!(named(0), limits::CHANNEL_PAUSE_LEAST);
        assert_eq!(named(u64::MAX), limits::CHANNEL_PAUSE_MOST);
    }

    #[test]
    fn two_posts_that_failed_together_are_not_tried_together_and_one_always_at_the_same_time() {
        let over = Duration::from_secs(100);
        let of = |id: &str, attempt| spread(&MessageId::parse(id).unwrap(), attempt, over);
        assert_eq!(of("a", 1), of("a", 1));
        assert!(of("a", 1) != of("b", 1) && of("a", 1) != of("a", 2));
        assert!((0..100).all(|n| of(&n.to_string(), 1) < over));
    }
}
