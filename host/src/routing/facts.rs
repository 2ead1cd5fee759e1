//! PURE: a room and its wirings, made ready for many messages.
//!
//! Owns which further facts a message needs; what it does not need is not looked up.

use std::{cmp::Reverse, collections::BTreeSet};

use schemas::{
    ids::AgentId,
    policy::{EngageMode, SenderScope, SessionMode, UnknownSenderPolicy},
};

use super::{command::ChatCommand, engage::Engage};
use crate::{
    channels::{Inbound, Sender},
    people::Who,
    store::{RoomFact, WiringFact},
};

/// A room with its wirings in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Room {
    pub(super) fact: RoomFact,
    pub(super) wirings: Vec<Wired>,
}

/// A wiring with its pattern compiled.
#[derive(Debug, Clone)]
pub(super) struct Wired {
    pub(super) fact: WiringFact,
    pub(super) engage: Engage,
}

/// What is known about one message beside its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Who sent it. A sender whom nobody looked up is a stranger.
    pub who: Who,
    /// Whether somebody said no about the sender in this room.
    pub denied: bool,
    /// The agents that are in the message's thread already.
    pub in_thread: BTreeSet<AgentId>,
}

impl Room {
    /// Compiles the patterns and puts the wirings in order.
    #[must_use]
    pub fn new(fact: RoomFact, wirings: Vec<WiringFact>) -> Self {
        let mut wirings: Vec<Wired> =
            wirings.into_iter().map(|fact| Wired { engage: Engage::of(&fact), fact }).collect();
        // The agent's id decides between equals, so that no order of rows does.
        wirings.sort_by(|a, b| {
            let rank = |wired: &Wired| (Reverse(wired.fact.priority), wired.fact.agent.clone());
            rank(a).cmp(&rank(b))
        });
        Self { fact, wirings }
    }

    /// The wirings in the order in which they are asked.
    pub fn wirings(&self) -> impl Iterator<Item = &WiringFact> {
        self.wirings.iter().map(|wired| &wired.fact)
    }

    /// Whether it matters who sent a message.
    #[must_use]
    pub fn asks_who(&self, message: &Inbound) -> bool {
        match message.sender {
            Sender::Operator => false,
            Sender::Platform { .. } => {
                self.fact.unknown_senders != UnknownSenderPolicy::Public
                    || self.wirings().any(|wiring| wiring.senders == SenderScope::Known)
                    || ChatCommand::read(&message.text).is_some()
            }
        }
    }

    /// Whether it matters who is in the message's thread already.
    #[must_use]
    pub fn asks_thread(&self, message: &Inbound) -> bool {
        let follows = |wiring: &WiringFact| {
            wiring.engage == EngageMode::MentionSticky && wiring.mode == SessionMode::PerThread
        };
        message.is_group && message.address.thread_id.is_some() && self.wirings().any(follows)
    }
}

impl About {
    /// What is known without asking anybody.
    #[must_use]
    pub fn unasked(sender: &Sender) -> Self {
        let who = match sender {
            Sender::Operator => Who::Operator,
            Sender::Platform { id, .. } => Who::Stranger(id.clone()),
        };
        Self { who, denied: false, in_thread: BTreeSet::new() }
    }
}
