//! The engine adapter against a real engine: what the pure tests cannot prove.
//!
//! Needs an engine behind `/var/run/docker.sock`, or behind the socket that
//! `LAZARET_TEST_DOCKER_HOST` names when this is compiled, and its command line client `docker`.
//! Each test has an install of its own and removes what it made, also when it fails. Run with
//! `cargo test -p host --test docker`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod images;
mod life;
mod loss;
mod walls;
mod yard;
