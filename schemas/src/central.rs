//! The central database's migrations: SQL files in order, append-only.
//!
//! Owns the list. Tables are read and written by the host's `store` alone.

/// Migrations in order; a test compares their sum with `central/latest.sql`.
pub const MIGRATIONS: &[&str] = &[
    include_str!("../central/0001_spine.sql"),
    include_str!("../central/0002_people.sql"),
    include_str!("../central/0003_by_itself.sql"),
    include_str!("../central/0004_chains.sql"),
];
