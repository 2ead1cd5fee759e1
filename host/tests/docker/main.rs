//! The host on a real engine: what tests in memory cannot prove.
//!
//! The first half drives the engine's adapter alone (`yard`), the second the program itself as a
//! child process (`host_process`). Both need an engine behind `/var/run/docker.sock`, or at the
//! address in `LAZARET_TEST_ENGINE`, and the command line client `docker`. Each test has an
//! install of its own and removes what it made, also when it fails. Run with
//! `cargo test -p host --test docker`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

#[path = "../harness/models.rs"]
mod models;
#[path = "../harness/waiting.rs"]
mod waiting;

mod ferry;
mod yard;

mod images;
mod life;
mod loss;
mod walls;

#[path = "../e2e/world/scripted.rs"]
mod scripted;

#[path = "../e2e/hostile/attacks.rs"]
mod attacks;

mod host_ends;
mod host_process;
mod room;

mod away;
mod crash;
mod engine_dies;
mod holds;
mod hostile;
mod sandbox;
mod shared;
mod steps;
mod tasks;
mod whole;
