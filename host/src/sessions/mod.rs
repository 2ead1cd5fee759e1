//! Sessions: one task owns one session's inbound writes, container, deliveries and runs.
//!
//! Owns the way from "this message is for that session" to its durable row, and from an outbound
//! row to the ledger. A sleeping session has no task and costs nothing but its row.

pub mod handle;
pub mod key;

mod context;
pub mod prompt;

mod boot;
mod runner;

mod commits;
mod eviction;
mod intake;
mod projection;
mod staged;

pub mod lifecycle;

mod adoption;
mod container;
mod models;
mod waking;

pub mod places;

pub mod bell;
pub mod inotify;
pub mod stuck;

mod belt;
mod look;
mod pace;

mod at_work;
mod outcome;
mod settle;
mod silence;
mod watching;

mod flight;
mod lane;
mod outgoing;
mod posting;
mod posts;

mod retrying;

mod about;

mod chat;
mod snapshot;
mod stopping;
mod throw_away;

mod erase;

mod acting;
mod allowance;
mod notes;

mod messages;
mod query;

mod ending;
mod rest;

pub use boot::{Boot, spawn};
pub use context::{Context, Facts};
pub use erase::Erase;
pub use messages::MessageInfo;
pub use prompt::Told;
pub use query::{session_info, standing};
