//! What keeps a host in order over the years: copies, checks, backups, what is thrown away and
//! when.
//!
//! Owns nothing that a message needs on its way, and never waits where one does: everything here
//! runs beside the loop or in a process of its own. Session files are touched by their session's
//! task alone, also from here.

mod asks;

pub mod copies;

pub mod daily;

pub mod doctor;

pub mod backup;
pub mod restore;

pub mod central;

pub mod quota;

pub mod state;

pub mod files;
pub mod walk;

pub use asks::Ask;
