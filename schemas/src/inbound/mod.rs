//! `inbound.db`: the host writes it, the guest reads it.
//!
//! Owns its migrations and the mapping of its rows. [`InboundWriter`] exists for the host only and
//! [`InboundReader`] for the guest only; the tidy test holds both to it.

mod controls;
mod erase;
mod expire;
mod find;
mod list;
mod past;
mod read;
mod retain;
mod revive;
mod save;
mod write;

pub use controls::{Because, Control};
pub use erase::Traces;
pub use expire::Expired;
pub use find::CameIn;
pub use list::ListedRow;
pub use read::{ControlRow, DueBatch, DueQuery, InboundReader, address};
pub(crate) use read::{message_id, timestamp, unreadable, word};
pub use revive::Revived;
pub use write::{Appended, InboundTx, InboundWriter, Unsettled};

/// Migrations in order; the count is the contract version of the file.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../../session/inbound.sql")];
