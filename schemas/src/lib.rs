//! The contract between the host and its guests, in code. Knows neither side.
//!
//! Everything the two say to each other lies in one folder per session: two `SQLite` files with
//! one writer each, two attachment folders and a heartbeat file. This crate owns the tables, the
//! row types, the paths and the only ways to open the files.
//!
//! # Glossary (each word is used in one way only)
//!
//! | word | means |
//! |---|---|
//! | **agent** | a persona with its own workspace, memory, provider and container settings |
//! | **channel** | a platform adapter: `terminal`, later `web`, `slack`, `github`, … |
//! | **room** | one place on a channel: a terminal, a Slack channel, a GitHub repository |
//! | **wiring** | links a room to an agent; says when it engages and in which session |
//! | **address** | channel + room + thread: where a reply goes |
//! | **destination** | a name an agent may send to: address book and permission in one |
//! | **session** | one agent in one conversation; one folder, at most one container |
//! | **run** | one turn: a batch of messages worked on, ending in exactly one outcome |
//! | **person**, **role** | who; owner, admin (of all agents or of one), member (of one) |
//! | **action** | what the guest asks of the host besides talking |
//! | **task**, **occurrence** | what is to be done at a time; one of its times |
//! | **approval** | an action that waits for a person's yes or no |
//! | **provider** | what answers inside the container: `echo`, later `claude`, `codex`, … |
//! | **route**, **secret** | where a provider's calls to models go; the key that only the host has |
//! | **engine** | what runs containers: a Docker Engine API |
//! | **host**, **guest** | the process that carries messages; the program inside a container |
//! | **claim** | the guest's durable word that it works on a row |
//! | **ledger** | the host's durable word about what was delivered, and how runs ended |
//! | **settle** | to give a run or a row its one final outcome |

pub mod ids;
pub mod time;

pub mod policy;

pub mod action;
pub mod admin;
pub mod central;
pub mod content;
pub mod message;
pub mod model_call;
pub mod people;
pub mod session_file;
pub mod usage;

pub mod session_dir;
pub mod sqlite;

pub mod limits;

mod attachment;
mod beneath;
mod folder;
mod inbound;
mod outbound;
mod outbox;
mod refused;
mod safe_name;

/// The version of the contract between host and guest; containers carry it in a label.
pub const CONTRACT_VERSION: u32 = 1;

/// What only the host may use: it writes `inbound.db` and reads `outbound.db`.
///
/// There is no way to write the guest's file from here:
/// ```compile_fail,E0432
/// use schemas::host_side::OutboundWriter;
/// ```
pub mod host_side {
    pub use crate::{
        attachment::{AttachmentError, Extracted, digest, extract, sweep_orphans},
        folder::{ensure, forget_heartbeat},
        inbound::{
            Appended, Because, CameIn, Control, Expired, InboundTx, InboundWriter, ListedRow,
            Revived, Traces, Unsettled, address,
        },
        outbound::{
            AckSeen, BadRow, INTERRUPTED, OutboundCopy, OutboundReader, Reading, RunSeen, ToolSeen,
            heartbeat, progress,
        },
        outbox::{OutboxFile, OutboxReader},
        refused::{Refused, RefusedKind},
        safe_name::{numbered_name, safe_name},
    };
}

/// What only the guest may use: it reads `inbound.db` and writes `outbound.db`.
///
/// There is no way to write the host's file from here:
/// ```compile_fail,E0432
/// use schemas::guest_side::InboundWriter;
/// ```
pub mod guest_side {
    pub use crate::{
        inbound::{Control, ControlRow, DueBatch, DueQuery, InboundReader},
        outbound::{
            Ack, AttemptRow, ErrorScope, INTERRUPTED, OutboundTx, OutboundWriter, RunRow,
            RunStatus, ToolRow,
        },
        safe_name::{numbered_name, safe_name},
    };
}
