//! From an outbound row to a post: what may go where, and what happens when it does not go.
//!
//! Owns reading a guest's row as something to do ([`wish`]), and the verdicts in `permit` and
//! `retry`. It names no channel and does nothing itself; the session's task posts and keeps the
//! ledger.

pub mod permit;
pub mod retry;
mod wish;

pub use wish::{Wish, wish};
