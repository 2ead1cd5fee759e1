//! PURE: when a task is due.
//!
//! Owns the set of a task's times. It follows from the expression and the zone alone, never from
//! when somebody looks: so the next time is the first of the set after a given one, nothing is
//! lost or doubled by asking early, late, or after the clock was set back.
//!
//! | wall clock | a fixed hour (`30 2 * * *`) | every hour (`*/30 * * * *`) |
//! |---|---|---|
//! | leaves out an hour | what stood in it comes as much later as the clock jumps | nothing is there |
//! | repeats an hour | once, the first time | both times |

mod at;
mod catch_up;
mod check;
mod cron;

#[cfg(test)]
mod properties;

pub use at::at;
pub use catch_up::{Due, Plan, catch_up};
pub use check::{Wanted, When, check, zone};
pub use cron::Every;
