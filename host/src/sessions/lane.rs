//! The posts for one destination, in order, and what they wait for.
//!
//! Owns when the head of a lane may go: not while one is under way, not before its own time, and
//! not before its channel's gate lets it. Decides nothing about errors; `delivery` does.

use std::collections::VecDeque;

use jiff::Timestamp;
use schemas::{
    ids::MessageId,
    message::{DeliveryStatus, LedgerRow, platform_ids, platform_ids_column},
};
use tokio::time::Instant;

use crate::{channels::Post, delivery::Grant};

/// The posts for one destination.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) queue: VecDeque<Outgoing>,
    pub(super) busy: bool,
    pub(super) wait: Wait,
}

/// What the head of a lane waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wait {
    /// Nothing.
    #[default]
    Nothing,
    /// Its own pause.
    Own(Instant),
    /// A pause that an earlier task wrote down, for whichever reason.
    Noted(Instant),
    /// Its channel.
    Channel(Instant),
}

/// A post on its way.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of the post")]
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) post: Post,
    /// Since when it waits.
    pub(super) since: Timestamp,
    pub(super) standing: Standing,
    /// Whether `sending` stands in the ledger, for a channel that cannot be asked afterwards.
    pub(super) announced: bool,
    /// It may have been sent before: the channel is asked first.
    pub(super) ask_first: bool,
    pub(super) grant: Option<Grant>,
    /// Whether an earlier task knew of it.
    pub(super) old: bool,
}

/// What the ledger knows of a post that has no final word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) attempts: u32,
    /// When it is tried again; without it, it was handed over.
    pub(super) again: Option<Timestamp>,
    /// The platform's ids of the parts that are out.
    pub(super) done: Vec<String>,
    /// When somebody asked that it be tried again.
    pub(super) revived_at: Option<Timestamp>,
}

impl Standing {
    pub(super) fn of(row: &LedgerRow) -> Self {
        Self {
            attempts: row.attempts,
            again: row.next_attempt_at,
            done: platform_ids(row.platform_message_id.as_deref()),
            revived_at: None,
        }
    }

    /// The ledger's word about it, as far as it is known.
    pub(super) fn row(&self, message: &MessageId) -> LedgerRow {
        LedgerRow {
            message_out: message.clone(),
            platform_message_id: platform_ids_column(&self.done),
            status: DeliveryStatus::Sending,
            delivered_at: None,
            attempts: self.attempts,
            next_attempt_at: None,
            error: None,
        }
    }
}

impl Outgoing {
    /// Whether it may go only once everything before it is written down.
    pub(super) fn follows_a_commit(&self) -> bool {
        // What it is about may have gone out just now; its own first parts surely did.
        self.announced || self.post.body.of().is_some() || !self.standing.done.is_empty()
    }
}

impl Lane {
    /// When its head may go, if nothing else happens.
    pub(super) fn next_try(&self, committed: bool) -> Option<Instant> {
        let head = self.queue.front().filter(|_| !self.busy)?;
        // The commit itself goes on with it.
        if !committed && head.follows_a_commit() {
            return None;
        }
        let granted = head.grant.map(|grant| Instant::from_std(grant.at));
        Some(self.wait.until().or(granted).unwrap_or_else(Instant::now))
    }

    /// Whether nothing is to be done here for so long that the task may end meanwhile. A place in
    /// the channel's order is kept by a task that lives.
    pub(super) fn waits_long(&self) -> bool {
        let later = self.wait.until().is_some_and(|at| at > Instant::now());
        !self.busy && (self.queue.is_empty() || later)
    }

    /// Its channel is back.
    pub(super) fn channel_is_back(&mut self) {
        match self.wait {
            Wait::Noted(_) | Wait::Channel(_) => self.wait = Wait::Nothing,
            Wait::Nothing | Wait::Own(_) => {}
        }
    }
}

impl Wait {
    pub(super) fn until(self) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Own(at) | Self::Noted(at) | Self::Channel(at) => Some(at),
        }
    }
}
