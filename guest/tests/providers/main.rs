//! What every provider must do, tried on the real runtimes: their own programs, on loopback, with
//! a model that plays scripts. In real time; nothing sleeps, everything waits for what should be.
//!
//! `checks` are the demands, each a function over a [`bench::Runtime`]; `claude` and
//! `codex` name a runtime each and ask all of them of it, and what only it can be asked.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one event among many")]

/// Asks every demand of a runtime, each as a test of its own.
macro_rules! conforms {
    ($runtime:path: $($check:ident::$name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            crate::checks::$check::$name(&$runtime()).await;
        }
    )*};
}

mod bench;
mod checks;
mod claude;
mod codex;
mod fakes;
mod processes;
