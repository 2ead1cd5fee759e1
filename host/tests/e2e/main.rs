//! Whole conversations in one process, and the house style as tests.
#![expect(clippy::expect_used, reason = "a test that panics is a test that fails")]

mod tidy;
