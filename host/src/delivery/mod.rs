//! From an outbound row to a post: what may go where and when, and what happens when it does not
//! go.
//!
//! Owns reading a guest's row as something to do ([`wish`]), the verdicts in `permit` and `retry`,
//! how a long text is cut (`split`), and what all sessions know of a channel: its `gate` is a table
//! (`breaker`, `bucket`) that [`Traffic`] holds for them. It names no channel and posts nothing
//! itself; the session's task posts and keeps the ledger.

pub mod permit;
pub mod retry;
pub mod split;
mod wish;

mod breaker;
mod bucket;
mod gate;
mod traffic;

mod owner;
mod tally;

pub use bucket::Rate;
pub use gate::{Grant, Word};
pub use owner::Owner;
pub use traffic::Traffic;
pub use wish::{Wish, wish};
