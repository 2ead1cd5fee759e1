//! Sessions: one task owns one session's inbound writes, container, deliveries and runs.
//!
//! Owns the way from "this message is for that session" to its durable row, and from an outbound
//! row to the ledger. A sleeping session has no task and costs nothing but its row.

pub mod key;
pub mod lifecycle;
pub mod stuck;
