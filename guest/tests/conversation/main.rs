//! Conversations of a real guest with a host's writer over real session files, in process.
//!
//! The clock is paused: a guest that waits costs no time, and every wait has a long limit.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod books;
mod chain;
mod desk;
mod faults;
mod posting;
mod pruning;
mod runtime;
mod tools;
mod turns;
