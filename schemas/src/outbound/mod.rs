//! `outbound.db`: the guest writes it, the host reads a copy of it.
//!
//! Owns its migrations. [`OutboundWriter`] exists for the guest only. The host never lets `SQLite`
//! look into the guest's folder: its reader takes a locked copy through its own descriptor.

mod copy;
mod lock;
mod native;
mod past;
mod prune;
mod read;
mod signs;
mod state;
mod tables;
mod tools;
mod usage;
mod write;

pub use copy::{OutboundReader, Reading};
pub use read::{AckSeen, BadRow, OutboundCopy, RunSeen};
pub use signs::{heartbeat, progress};
pub use tools::{INTERRUPTED, ToolRow, ToolSeen};
pub use write::{Ack, AttemptRow, ErrorScope, OutboundTx, OutboundWriter, RunRow, RunStatus};

/// Migrations in order; the count is the contract version of the file.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../../session/outbound.sql")];
