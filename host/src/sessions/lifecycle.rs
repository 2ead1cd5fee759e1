//! PURE: the life of a session's container, as one table.
//!
//! Owns which state follows which event, and what is to be done then. It reads no clock and does
//! nothing itself: `(state, event) → (state, effects)`. The runner carries the effects out and
//! feeds their results back as events. At most one container lives per session: `Start` is the
//! effect of entering `Starting`, and `Starting` is entered only from states without a container.
//!
//! | state \ event | Message | Started | Exited | Stuck | Idle | Timer | Stop |
//! |---|---|---|---|---|---|---|---|
//! | Asleep | Starting · Start | – | – | – | – | – | – |
//! | Waiting | – | – | – | – | – | – | Asleep |
//! | Starting | – | Awake | Backoff | Stopping · Stop | – | – | Stopping · Stop |
//! | Awake | – | – | Asleep, or Backoff if rows are due | Stopping · Kill | Stopping · Stop | – | Stopping · Stop |
//! | Stopping | – | Stop | Asleep, or Starting if rows are due · ReleaseClaims | Kill | – | Kill | Kill |
//! | Backoff | – | – | – | – | – | Starting, Failed, or Asleep if no rows are left | Asleep |
//! | Failed | Starting · Start | – | – | – | – | – | Asleep |
//! | SetAside | – | Kill | – | – | – | Kill | – |
//!
//! Beyond the table: `NoSlot` and `EngineLost` lead to `Waiting`, `Slot` and `EngineBack` out of
//! it; a hostile file leads to `SetAside`, out of which only `Reset` leads. Claims are released only
//! once their guest is dead and its last words were read: what a slow guest still completed would
//! be done twice.

use std::time::Duration;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No container, nothing to do.
    Asleep,
    /// Would start, but may not yet.
    Waiting(WaitingFor),
    /// The engine was asked for a container.
    Starting,
    /// A container lives.
    Awake,
    /// The container was asked to end.
    Stopping,
    /// The container ended badly; the next one comes after a pause.
    Backoff,
    /// Given up until a person speaks again.
    Failed,
    /// The guest's files are not to be trusted; waits for an operator.
    SetAside,
}

/// The word that people see for a session whose task lives and has no container: it looks at what
/// an earlier host left, or finishes a post. Whoever waits until nothing more comes waits on.
pub const WITHOUT_CONTAINER: &str = "at work without a container";

impl State {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Asleep => "asleep",
            Self::Waiting(WaitingFor::Slot) => "waiting for a place",
            Self::Waiting(WaitingFor::Engine) => "waiting for the engine",
            Self::Starting => "starting",
            Self::Awake => "awake",
            Self::Stopping => "stopping",
            Self::Backoff => "backing off",
            Self::Failed => "failed",
            Self::SetAside => "set aside",
        }
    }

    /// Whether rows that become due bring it back by themselves; else a person must.
    #[must_use]
    pub fn wakes_by_itself(self) -> bool {
        match self {
            Self::Asleep
            | Self::Waiting(_)
            | Self::Starting
            | Self::Awake
            | Self::Stopping
            | Self::Backoff => true,
            Self::Failed | Self::SetAside => false,
        }
    }
}

/// What a waiting session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingFor {
    /// A place under the cap on running containers.
    Slot,
    /// An engine that can be reached.
    Engine,
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A row that wakes the agent is in the file.
    Message,
    /// The engine started the container.
    Started,
    /// The engine did not start the container.
    StartFailed(StartFailure),
    /// The container is gone.
    Exited {
        /// Whether rows still wait for an answer.
        rows_due: bool,
    },
    /// It lives no longer, or does not stop its run.
    Stuck,
    /// Nothing was asked of it for long.
    Idle,
    /// The pause, or the grace, is over.
    Timer {
        /// How many containers ended badly in a row.
        failures: u32,
        /// Whether rows wait for an answer, now or later.
        rows_left: bool,
    },
    /// An operator wants it stopped.
    Stop,
    /// The cap on running containers is reached.
    NoSlot,
    /// There is a place under the cap.
    Slot,
    /// The engine cannot be reached.
    EngineLost,
    /// The engine can be reached again.
    EngineBack,
    /// The guest's files broke the contract.
    Hostile,
    /// An operator gave the session fresh files.
    Reset {
        /// Whether rows still wait for an answer.
        rows_due: bool,
    },
}

/// Why a container did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFailure {
    /// The engine cannot be reached; no try is burnt.
    EngineAway,
    /// It will not work until somebody changes something; no try is burnt.
    Permanent,
    /// It may work the next time.
    Transient,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Take a place under the cap, write routing and destinations, ask the engine.
    Start,
    /// Ask the container to end.
    Stop,
    /// End the container.
    Kill,
    /// Give rows that died with their guest back, with one more try.
    ReleaseClaims,
    /// Come back with `Timer` after the pause.
    SetTimer,
    /// Say in the room and to the operator that it was given up.
    TellOwner,
}

/// The next state, and what is to be done.
#[must_use]
pub fn next(state: State, event: Event) -> (State, Vec<Effect>) {
    match event {
        Event::Message => on_message(state),
        Event::Started => on_started(state),
        Event::StartFailed(failure) => on_start_failed(state, failure),
        Event::Exited { rows_due } => on_exited(state, rows_due),
        Event::Stuck => on_stuck(state),
        Event::Idle if state == State::Awake => (State::Stopping, vec![Effect::Stop]),
        Event::Idle => (state, vec![]),
        Event::Timer { failures, rows_left } => on_timer(state, failures, rows_left),
        Event::Stop => on_stop(state),
        Event::NoSlot if state == State::Starting => (State::Waiting(WaitingFor::Slot), vec![]),
        Event::NoSlot => (state, vec![]),
        Event::Slot if state == State::Waiting(WaitingFor::Slot) => start(),
        Event::Slot => (state, vec![]),
        // What runs goes on unseen; only a start needs the engine, and it fails by itself.
        Event::EngineLost => (state, vec![]),
        Event::EngineBack if state == State::Waiting(WaitingFor::Engine) => start(),
        Event::EngineBack => (state, vec![]),
        Event::Hostile => on_hostile(state),
        Event::Reset { rows_due } => on_reset(state, rows_due),
    }
}

/// The pause before the next container after `failures` (from 1) that ended badly: 5·2ⁿ s.
#[must_use]
pub fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(crate::limits::MAX_FAILURES);
    crate::limits::FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(doublings))
}

fn start() -> (State, Vec<Effect>) {
    (State::Starting, vec![Effect::Start])
}

fn on_message(state: State) -> (State, Vec<Effect>) {
    match state {
        State::Asleep | State::Failed => start(),
        State::Waiting(_)
        | State::Starting
        | State::Awake
        | State::Stopping
        | State::Backoff
        | State::SetAside => (state, vec![]),
    }
}

fn on_started(state: State) -> (State, Vec<Effect>) {
    match state {
        State::Starting => (State::Awake, vec![]),
        // It was asked to end while it came up: what just started must end too.
        State::Stopping => (State::Stopping, vec![Effect::Stop]),
        State::SetAside => (State::SetAside, vec![Effect::Kill]),
        State::Asleep | State::Waiting(_) | State::Awake | State::Backoff | State::Failed => {
            (state, vec![])
        }
    }
}

fn on_start_failed(state: State, failure: StartFailure) -> (State, Vec<Effect>) {
    match (state, failure) {
        (State::Starting, StartFailure::EngineAway) => (State::Waiting(WaitingFor::Engine), vec![]),
        (State::Starting, StartFailure::Permanent) => (State::Failed, vec![Effect::TellOwner]),
        (State::Starting, StartFailure::Transient) => (State::Backoff, vec![Effect::SetTimer]),
        (State::Stopping, _) => (State::Asleep, vec![]),
        (
            State::Asleep
            | State::Waiting(_)
            | State::Awake
            | State::Backoff
            | State::Failed
            | State::SetAside,
            _,
        ) => (state, vec![]),
    }
}

fn on_exited(state: State, rows_due: bool) -> (State, Vec<Effect>) {
    match (state, rows_due) {
        (State::Awake, true) | (State::Starting, _) => {
            (State::Backoff, vec![Effect::ReleaseClaims, Effect::SetTimer])
        }
        (State::Awake | State::Stopping, false) => (State::Asleep, vec![]),
        // It ended because it was asked to; what came meanwhile is no failure of its.
        (State::Stopping, true) => (State::Starting, vec![Effect::ReleaseClaims, Effect::Start]),
        (
            State::Asleep | State::Waiting(_) | State::Backoff | State::Failed | State::SetAside,
            _,
        ) => (state, vec![]),
    }
}

fn on_stuck(state: State) -> (State, Vec<Effect>) {
    match state {
        State::Starting => (State::Stopping, vec![Effect::Stop]),
        // It had its time; a request to end is for those who can hear it.
        State::Awake | State::Stopping => (State::Stopping, vec![Effect::Kill]),
        State::Asleep | State::Waiting(_) | State::Backoff | State::Failed | State::SetAside => {
            (state, vec![])
        }
    }
}

fn on_timer(state: State, failures: u32, rows_left: bool) -> (State, Vec<Effect>) {
    match state {
        State::Backoff if failures >= crate::limits::MAX_FAILURES => {
            (State::Failed, vec![Effect::TellOwner])
        }
        State::Backoff if rows_left => start(),
        // What it died of was given up, and nothing waits behind it.
        State::Backoff => (State::Asleep, vec![]),
        // What did not end by now did not hear of it.
        State::Stopping | State::SetAside => (state, vec![Effect::Kill]),
        State::Asleep | State::Waiting(_) | State::Starting | State::Awake | State::Failed => {
            (state, vec![])
        }
    }
}

fn on_stop(state: State) -> (State, Vec<Effect>) {
    match state {
        State::Starting | State::Awake => (State::Stopping, vec![Effect::Stop]),
        State::Stopping => (State::Stopping, vec![Effect::Kill]),
        State::Asleep | State::Waiting(_) | State::Backoff | State::Failed => {
            (State::Asleep, vec![])
        }
        State::SetAside => (State::SetAside, vec![]),
    }
}

fn on_hostile(state: State) -> (State, Vec<Effect>) {
    match state {
        State::Awake | State::Stopping => (State::SetAside, vec![Effect::Kill, Effect::TellOwner]),
        State::Asleep | State::Waiting(_) | State::Starting | State::Backoff | State::Failed => {
            (State::SetAside, vec![Effect::TellOwner])
        }
        State::SetAside => (State::SetAside, vec![]),
    }
}

fn on_reset(state: State, rows_due: bool) -> (State, Vec<Effect>) {
    match (state, rows_due) {
        (State::SetAside, true) => start(),
        (State::SetAside, false) => (State::Asleep, vec![]),
        (
            State::Asleep
            | State::Waiting(_)
            | State::Starting
            | State::Awake
            | State::Stopping
            | State::Backoff
            | State::Failed,
            _,
        ) => (state, vec![]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(state: State, event: Event, expected: State, effects: &[Effect]) {
        assert_eq!(next(state, event), (expected, effects.to_vec()));
    }

    #[test]
    fn the_table_is_as_the_page_says() {
        use Effect::{Kill, ReleaseClaims, SetTimer, Start, Stop, TellOwner};
        use State::{Asleep, Awake, Backoff, Failed, SetAside, Starting, Stopping};
        check(Asleep, Event::Message, Starting, &[Start]);
        check(Starting, Event::Started, Awake, &[]);
        check(Starting, Event::Exited { rows_due: false }, Backoff, &[ReleaseClaims, SetTimer]);
        check(Starting, Event::Stuck, Stopping, &[Stop]);
        check(Awake, Event::Stuck, Stopping, &[Kill]);
        check(Awake, Event::Message, Awake, &[]);
        check(Awake, Event::Exited { rows_due: false }, Asleep, &[]);
        check(Awake, Event::Exited { rows_due: true }, Backoff, &[ReleaseClaims, SetTimer]);
        check(Awake, Event::Idle, Stopping, &[Stop]);
        check(Stopping, Event::Exited { rows_due: true }, Starting, &[ReleaseClaims, Start]);
        check(Stopping, Event::Exited { rows_due: false }, Asleep, &[]);
        check(Stopping, Event::Started, Stopping, &[Stop]);
        check(Stopping, Event::Timer { failures: 0, rows_left: true }, Stopping, &[Kill]);
        check(SetAside, Event::Timer { failures: 0, rows_left: true }, SetAside, &[Kill]);
        check(Backoff, Event::Timer { failures: 1, rows_left: true }, Starting, &[Start]);
        check(Backoff, Event::Timer { failures: 5, rows_left: true }, Failed, &[TellOwner]);
        check(Backoff, Event::Timer { failures: 0, rows_left: false }, Asleep, &[]);
        check(Failed, Event::Message, Starting, &[Start]);
    }

    #[test]
    fn a_missing_image_burns_no_try_and_a_lost_engine_waits() {
        let failed = |failure| next(State::Starting, Event::StartFailed(failure)).0;
        assert_eq!(failed(StartFailure::Permanent), State::Failed);
        assert_eq!(failed(StartFailure::EngineAway), State::Waiting(WaitingFor::Engine));
        let waiting = State::Waiting(WaitingFor::Engine);
        check(waiting, Event::EngineBack, State::Starting, &[Effect::Start]);
    }

    #[test]
    fn the_pause_doubles_from_five_seconds() {
        let seconds: Vec<u64> = (1..=5).map(|n| backoff(n).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80]);
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Message),
            Just(Event::Started),
            Just(Event::StartFailed(StartFailure::EngineAway)),
            Just(Event::StartFailed(StartFailure::Permanent)),
            Just(Event::StartFailed(StartFailure::Transient)),
            any::<bool>().prop_map(|rows_due| Event::Exited { rows_due }),
            Just(Event::Stuck),
            Just(Event::Idle),
            (0_u32..7, any::<bool>())
                .prop_map(|(failures, rows_left)| Event::Timer { failures, rows_left }),
            Just(Event::Stop),
            Just(Event::NoSlot),
            Just(Event::Slot),
            Just(Event::EngineLost),
            Just(Event::EngineBack),
            Just(Event::Hostile),
            any::<bool>().prop_map(|rows_due| Event::Reset { rows_due }),
        ]
    }

    proptest! {
        /// A session never has two containers: whenever `Start` is due, no container can live.
        #[test]
        fn a_session_never_has_two_containers(events in proptest::collection::vec(any_event(), 1..60)) {
            let (mut state, mut alive, mut starting) = (State::Asleep, false, false);
            for event in events {
                // The engine only speaks of what is there.
                let possible = match event {
                    Event::Started | Event::StartFailed(_) | Event::NoSlot => starting,
                    Event::Exited { .. } => alive,
                    Event::Message | Event::Stuck | Event::Idle | Event::Timer { .. }
                    | Event::Stop | Event::Slot | Event::EngineLost | Event::EngineBack
                    | Event::Hostile => true,
                    // The runner resets only what has no container.
                    Event::Reset { .. } => !alive && !starting,
                };
                if !possible { continue; }
                if matches!(event, Event::Started) { alive = true; }
                if matches!(event, Event::Started | Event::StartFailed(_) | Event::NoSlot) { starting = false; }
                if matches!(event, Event::Exited { .. }) { alive = false; }
                let (after, effects) = next(state, event);
                if effects.contains(&Effect::Start) {
                    prop_assert!(!alive && !starting, "{state:?} {event:?}");
                    starting = true;
                }
                state = after;
            }
        }
    }
}
