//! PURE: what follows from a channel's error.
//!
//! Errors of the message are counted and end; errors of the channel are waited out.

use std::time::Duration;

use crate::{channels::ChannelError, limits};

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try again after the pause; it counts as an attempt.
    Again(Duration),
    /// Try again after the pause; the message is not to blame.
    Wait(Duration),
    /// Give up, and tell the agent.
    GiveUp(String),
}

/// The verdict after `attempts` attempts, the one that just failed included.
#[must_use]
pub fn after(attempts: u32, error: &ChannelError) -> Next {
    match error {
        ChannelError::Permanent(why) | ChannelError::UnknownOutcome(why) => {
            Next::GiveUp(why.clone())
        }
        ChannelError::RateLimited(seconds) => Next::Wait(
            Duration::from_secs(*seconds)
                .clamp(limits::CHANNEL_PAUSE_LEAST, limits::CHANNEL_PAUSE_MOST),
        ),
        ChannelError::Down(_) => Next::Wait(limits::CHANNEL_DOWN_PAUSE),
        ChannelError::Retry(why) => {
            let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
            limits::DELIVERY_PAUSES
                .get(index)
                .map_or_else(|| Next::GiveUp(why.clone()), |pause| Next::Again(*pause))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_six_times_with_growing_pauses() {
        let error = ChannelError::Retry("500".to_owned());
        let pauses: Vec<Option<u64>> = (1..=6)
            .map(|attempt| match after(attempt, &error) {
                Next::Again(pause) => Some(pause.as_secs()),
                Next::Wait(_) | Next::GiveUp(_) => None,
            })
            .collect();
        assert_eq!(pauses, [Some(5), Some(15), Some(45), Some(120), Some(300), None]);
    }

    #[test]
    fn a_channel_that_is_down_or_limits_us_never_uses_the_message_up() {
        assert!(matches!(after(99, &ChannelError::Down(String::new())), Next::Wait(_)));
        assert_eq!(after(99, &ChannelError::RateLimited(7)), Next::Wait(Duration::from_secs(7)));
    }

    #[test]
    fn a_pause_that_a_platform_names_is_neither_nothing_nor_for_ever() {
        let pause = |seconds| after(1, &ChannelError::RateLimited(seconds));
        assert_eq!(pause(0), Next::Wait(limits::CHANNEL_PAUSE_LEAST));
        assert_eq!(pause(u64::MAX), Next::Wait(limits::CHANNEL_PAUSE_MOST));
    }
}
