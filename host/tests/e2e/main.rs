//! Whole conversations in one process, and the house style as tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics is a test that fails"
)]

mod world;

mod actions;
mod approvals;
mod attachments;
mod commands;
mod context;
mod conversation;
mod crowd;
mod delivery;
mod faults;
mod hostile;
mod ledger;
mod lifecycle;
mod operations;
mod operator;
mod peers;
mod people;
mod refusals;
mod rewiring;
mod routing;
mod sessions;
mod shared;
mod simulation;
mod waiting;

mod tidy;
