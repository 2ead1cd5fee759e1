//! Bounds of tasks: what agents and people want done at a time.

use std::time::Duration;

use jiff::SignedDuration;

/// The shortest pause between two times of a task without a script: each costs a call of a model.
pub const OFTEN: SignedDuration = SignedDuration::from_mins(15);

/// Times that are looked at to find the shortest pause: a day of the shortest that is allowed.
pub const TIMES_CHECKED: usize = 100;

/// Times that `--dry-run` shows.
pub const TIMES_SHOWN: usize = 5;

/// A time that passed by more than this was missed; anything less is a busy machine.
pub const LATE: SignedDuration = SignedDuration::from_secs(60);

/// Missed times that are made up for with `--missed all`: a day of hours.
pub const CAUGHT_UP: usize = 24;

/// Occurrences of one task that may be open at once: one at work, one that waits. More would wait
/// for nothing but each other.
pub const OPEN: usize = 2;

/// Failed occurrences in a row after which a task is paused.
pub const FAILURES: u32 = 8;

/// Tasks that one agent may have by its own wish.
pub const BY_ONE_AGENT: usize = 50;

/// Occurrences that a task's log keeps.
pub const LOG: u32 = 200;

/// Tasks of one agent that are over and still listed.
pub const ENDED: u32 = 100;

/// Due tasks that are handled in one transaction.
pub const AT_ONCE: u32 = 200;

/// How often the timer is set anew while anything is due: a clock that somebody set, and a machine
/// that slept, are noticed within this.
pub const CLOCK_GLANCE: Duration = Duration::from_secs(20);

/// Longest prompt of a task.
pub const PROMPT_BYTES: usize = 32 * 1024;

/// Longest script of a task.
pub const SCRIPT_BYTES: usize = 64 * 1024;

/// Longest cron expression.
pub const CRON_BYTES: usize = 200;

/// How far ahead a task may be: nobody who reads the list then knows what it was about.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 366 * 10);

/// Steps from one change of the clock to the next that a search takes: 29 February comes within
/// eight years, which are sixteen.
pub const SEARCH_STEPS: usize = 200;
