//! The posts of a session that have no final word, as its task remembers them.
//!
//! Owns no rule: what may go is `posting`'s, what a restored one is worth is `outgoing`'s.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemas::{
    admin::RoomEvent,
    ids::{MessageId, RunId},
    message::Address,
};

use super::lane::{Lane, Standing};
use crate::channels::Post;

/// What is to be posted.
#[derive(Debug)]
pub(super) struct Posts {
    /// By destination, in order.
    pub(super) lanes: BTreeMap<Address, Lane>,
    /// Those whose time is still to come, in its order.
    pub(super) later: BTreeMap<(Timestamp, i64), Post>,
    /// What the ledger says of those that were tried.
    pub(super) attempts: BTreeMap<MessageId, Standing>,
    /// Until every row was seen once after a crash: one without a word in the ledger may have been
    /// sent.
    pub(super) unsure: bool,
    /// Those that are tried again, and that the look at all rows has still to step over.
    pub(super) revived: BTreeSet<MessageId>,
    /// Ends of runs that their rooms shall hear of: after what was said in them.
    pub(super) ends: Vec<End>,
    /// Channels that came back while the session slept: what waited for them waits no longer.
    pub(super) released: Vec<String>,
}

/// The end of a run, as a room hears of it.
#[derive(Debug)]
pub(super) struct End {
    /// The room.
    pub(super) address: Address,
    /// The run.
    pub(super) run: RunId,
    /// What people are told, where it did not go well.
    pub(super) said: Option<String>,
    /// What programs are told.
    pub(super) finished: RoomEvent,
}

impl Posts {
    /// Nothing is known yet; `unsure` after a crash.
    pub(super) fn new(unsure: bool) -> Self {
        Self {
            lanes: BTreeMap::new(),
            later: BTreeMap::new(),
            attempts: BTreeMap::new(),
            unsure,
            revived: BTreeSet::new(),
            ends: Vec::new(),
            released: Vec::new(),
        }
    }

    /// Takes out the ends of runs in whose rooms nothing is being said, or not for long.
    pub(super) fn take_ends(&mut self) -> Vec<End> {
        let lanes = &self.lanes;
        let quiet = |at: &Address| lanes.get(at).is_none_or(Lane::waits_long);
        self.ends.extract_if(.., |end| quiet(&end.address)).collect()
    }

    /// How many wait in memory.
    pub(super) fn len(&self) -> usize {
        self.lanes.values().map(|lane| lane.queue.len()).sum::<usize>() + self.later.len()
    }
}
