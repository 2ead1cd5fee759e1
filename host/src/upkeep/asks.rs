//! The protocol between whoever looks after a host and its loop.
//!
//! Owns the requests about upkeep; each carries the way back of its answer.

use std::path::PathBuf;

use jiff::Timestamp;
use schemas::{host_side::Traces, ids::SessionId};
use tokio::sync::mpsc;

use super::backup::Piece;
use crate::{
    error::HostError,
    requests::{Answer, Request},
    sessions::Erase,
    store::Health,
};

/// What can be asked.
#[derive(Debug)]
pub enum Ask {
    /// How the central database is, for whoever looks for faults.
    Health(Answer<Health>),
    /// Copy both databases of a session into a folder, at one moment; answered with what could not
    /// be copied.
    Snapshot(SessionId, PathBuf, Answer<Vec<String>>),
    /// Send a backup, with or without working folders; answered once it has begun.
    Backup(bool, mpsc::Sender<Piece>, Answer<()>),
    /// Throw away what was said in a session before a time.
    ThrowAway(SessionId, Timestamp, Answer<()>),
    /// Take out what a person said in a session, or say what there is.
    Erase(SessionId, Erase, Answer<Traces>),
    /// The folders of a session hold too much: end its container, with these words.
    TooMuch(SessionId, String),
    /// Measure the sessions that are awake at this time.
    MeasureAt(Timestamp),
    /// Look after everything at this time.
    At(Timestamp),
}

impl Ask {
    /// Answers what nobody took.
    pub fn refuse(self, why: HostError) {
        // Whoever asked may be gone; that is no failure.
        match self {
            Self::Health(answer) => drop(answer.send(Err(why))),
            Self::Snapshot(_, _, answer) => drop(answer.send(Err(why))),
            Self::Backup(_, _, answer) => drop(answer.send(Err(why))),
            Self::ThrowAway(_, _, answer) => drop(answer.send(Err(why))),
            Self::Erase(_, _, answer) => drop(answer.send(Err(why))),
            Self::TooMuch(..) | Self::MeasureAt(_) | Self::At(_) => {}
        }
    }
}

impl From<Ask> for Request {
    fn from(ask: Ask) -> Self {
        Self::Upkeep(Box::new(ask))
    }
}
