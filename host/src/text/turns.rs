//! What the host says about a turn that is at work, or that broke off.

use std::time::Duration;

use schemas::ids::SessionId;

use crate::{
    error::{ErrorKind, HostError},
    sessions::lifecycle::{State, WaitingFor},
};

/// Why a run is over whose guest died after a tool had acted: nobody but a person may decide that
/// it is done again.
pub const INTERRUPTED: &str = "I was interrupted after I had begun to act, so part of it may be \
                               done already. Say /retry to have me try again";

/// To `/stop` when nothing runs.
pub const NOTHING_TO_STOP: &str = "There is nothing to stop.";

/// To `/stop`.
pub const STOPPING: &str = "I stop what I am doing.";

/// To a second `/stop`.
pub const STOPPING_AT_ONCE: &str = "I did not stop by myself, so I am ended now.";

/// What a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It is worked on.
    ForItsAnswer,
    /// It is tried again later.
    ForItsNextTry,
    /// Others come first.
    ForItsTurn,
    /// It is over, and that cannot be written down just now.
    ForItsEnd,
}

/// Said once to a person who has heard nothing for a while.
#[must_use]
pub fn still_there(state: State, waits: Waits) -> &'static str {
    match waits {
        Waits::ForItsAnswer => return "I am still at work on it.",
        Waits::ForItsNextTry => {
            return "Your message is kept; something went wrong on my side, and I try again.";
        }
        Waits::ForItsEnd => {
            return "I am done with it, but something on my side keeps me from writing down how it \
                    ended; I say so as soon as I can.";
        }
        Waits::ForItsTurn => {}
    }
    match state {
        State::Waiting(WaitingFor::Slot | WaitingFor::Engine) | State::Starting => {
            "Your message is kept; I still wait until a container can be started."
        }
        State::Backoff | State::Stopping => {
            "Your message is kept; I come to it as soon as I am back."
        }
        State::Asleep | State::Awake => {
            "Your message is kept; I come to it after what I am doing now."
        }
        State::Failed | State::SetAside => {
            "Your message is kept; I cannot work on it before an operator has looked after me."
        }
    }
}

/// What an agent wrote cannot be read, for it broke off in the middle of writing.
#[must_use]
pub fn half_written(session: &SessionId) -> HostError {
    HostError::new(ErrorKind::Busy, format!("{session} is in the middle of writing"))
        .hint("ask again; one that died while it wrote ends its writing when it next wakes")
}

/// To whoever watches, once about each run that goes on and on.
#[must_use]
pub fn takes_long(minutes: u64) -> String {
    format!("still at work on it, after {minutes} minutes; /stop ends it")
}

/// The same to the host's owner.
#[must_use]
pub fn works_long(agent: &str, minutes: u64) -> String {
    format!(
        "{agent} has been at work on one message for {minutes} minutes. In its room, /status shows \
         it and /stop ends it."
    )
}

/// How long something has gone on, as people say it.
#[must_use]
pub fn for_how_long(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "less than a minute".to_owned(),
        (0, 1) => "a minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_people_say_it() {
        let told: Vec<String> =
            [5, 60, 150, 7_500].map(Duration::from_secs).into_iter().map(for_how_long).collect();
        assert_eq!(told, ["less than a minute", "a minute", "2 minutes", "2 h 5 min"]);
    }
}
