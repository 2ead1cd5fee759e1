//! The contract as files: what is stored and what travels changes only where a test is changed
//! with it.
//!
//! `session/latest.sql` and `central/latest.sql` are what all migrations make of the sample rows of
//! every version, and `wire/*.json` are the JSON Schemas of what travels. A test that finds another
//! text writes it beside the build's other files, and says how to take it over.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod migrations;
mod wire;

mod files;

#[path = "../common/mod.rs"]
mod common;
mod compare;
mod dump;
