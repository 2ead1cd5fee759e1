//! What the host says to the outside, over real sockets and in real time.
//!
//! The daemon behind the socket is a small fake here: the routes are under test, not what the
//! host does about a request.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics is a test that fails"
)]

#[path = "../harness/guest.rs"]
mod guest;
#[path = "../harness/waiting.rs"]
mod waiting;

mod fake_daemon;

mod disk;
mod live_host;

mod archives;
mod attachments;
mod bad_home;
mod chat;
mod engine_away;
mod full_disk;
mod gateway;
mod logs;
mod models;
mod secrets;
mod send;
mod socket;
mod stream;
mod upkeep;
