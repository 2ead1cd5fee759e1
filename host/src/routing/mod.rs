//! PURE: from a message and the facts about it to decisions, one per wiring.
//!
//! Owns who gets a message and who does not, with the reason. It reads nothing: the daemon loads
//! the facts in one go and carries the decisions out. Closed by default: what is refused for
//! safety is neither kept nor shown, and the refusal is a row.

use schemas::{ids::AgentId, policy::IgnoredPolicy};

use crate::{
    channels::{Inbound, Sender},
    people::{Verdict, decide},
    sessions::key::session_for,
    store::{NewSession, WiringFact},
};

pub mod command;
pub mod engage;
mod facts;

mod access;

pub use command::ChatCommand;
pub use facts::{About, Room};

use access::{Access, access};
use engage::Called;
use facts::Wired;

/// What follows from one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routed {
    /// What follows for each agent of the room, in the order in which they were asked.
    pub agents: Vec<ForAgent>,
    /// Why nobody got it, or who did not: each reason is one row in the list of drops.
    pub drops: Vec<Refusal>,
    /// What a person is asked.
    pub ask: Option<Ask>,
}

/// What follows for one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForAgent {
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// What follows.
    pub decision: Decision,
}

/// What follows for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It wakes over the message.
    Wake {
        /// In this session.
        session: NewSession,
        /// Whether it is to hear everything in the thread from now on.
        subscribe: bool,
    },
    /// The message is kept for the next time it wakes.
    Keep(NewSession),
    /// The message is a command for its session.
    Command(NewSession, ChatCommand),
    /// The command is refused; the words follow "may not".
    Deny(NewSession, &'static str),
    /// It does not get the message.
    Refuse(Refusal),
    /// It does not get the message until a person has said yes about the sender.
    AskAboutSender,
    /// The message does not concern it.
    Ignore,
}

/// Why somebody does not get a message; the word is what stands in the `drops` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// No agent is wired to the room.
    NoAgentWired,
    /// None of the room's agents engages over it.
    NoAgentEngaged,
    /// The room is not for strangers.
    UnknownSender,
    /// A person is asked about the sender.
    AwaitsApproval,
    /// A person said no about the sender.
    SenderDenied,
    /// The agent hears owners, admins and members only.
    SenderScope,
}

/// What a person is asked about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Which agent the room is for.
    ConnectRoom,
    /// Whether the sender may talk to these agents.
    AdmitSender(Vec<AgentId>),
}

impl Refusal {
    /// The word in the `drops` table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoAgentWired => "no_agent_wired",
            Self::NoAgentEngaged => "no_agent_engaged",
            Self::UnknownSender => "unknown_sender",
            Self::AwaitsApproval => "awaits_approval",
            Self::SenderDenied => "sender_denied",
            Self::SenderScope => "sender_scope",
        }
    }
}

/// Decides about a message. `room` is `None` where nobody heard of the place.
#[must_use]
pub fn route(message: &Inbound, room: Option<&Room>, about: &About) -> Routed {
    let Some(room) = room.filter(|room| !room.wirings.is_empty()) else {
        return nobody_wired(message, room);
    };
    let command = ChatCommand::read(&message.text);
    let named = engage::named(&message.text, room.wirings().map(|w| w.agent_name.as_str()));
    let mut routed = Routed::default();
    let mut engaged = false;
    for wired in &room.wirings {
        let means = named.is_empty() || named.contains(&wired.fact.agent_name.as_str());
        let called = if message.is_addressed() && means {
            Called::ByMention
        } else if message.is_group && about.in_thread.contains(&wired.fact.agent) {
            Called::ByThread
        } else {
            Called::Not
        };
        let engages = wired.engage.engages(&message.text, called);
        engaged |= engages;
        let decision = match access(&about.who, &room.fact, &wired.fact, about.denied) {
            Access::Heard if engages => heard(message, wired, about, command.as_ref()),
            Access::Heard => overheard(message, &wired.fact, command.is_some()),
            // Nobody is asked, and nothing is counted, over what was said to somebody else.
            Access::Refused(_) | Access::Asked if !engages => Decision::Ignore,
            Access::Refused(why) => Decision::Refuse(why),
            Access::Asked => Decision::AskAboutSender,
        };
        let WiringFact { agent, agent_name, .. } = &wired.fact;
        let (agent, name) = (agent.clone(), agent_name.clone());
        routed.agents.push(ForAgent { agent, name, decision });
    }
    routed.conclude(engaged);
    routed
}

/// The place is unknown, or nobody listens there.
fn nobody_wired(message: &Inbound, room: Option<&Room>) -> Routed {
    // What was not said to us leaves no trace, and who said no is not asked again.
    if !message.is_addressed() || room.is_some_and(|room| room.fact.denied) {
        return Routed::default();
    }
    let ask = match message.sender {
        Sender::Operator => None,
        Sender::Platform { .. } => Some(Ask::ConnectRoom),
    };
    Routed { agents: Vec::new(), drops: vec![Refusal::NoAgentWired], ask }
}

/// The agent engages, and hears the sender.
fn heard(
    message: &Inbound,
    wired: &Wired,
    about: &About,
    command: Option<&ChatCommand>,
) -> Decision {
    let session = session_for(&wired.fact, &message.address);
    let Some(command) = command else {
        let sticky = matches!(wired.engage, engage::Engage::Sticky);
        let subscribe = sticky && message.is_group && message.address.thread_id.is_some();
        return Decision::Wake { session, subscribe };
    };
    match decide(&about.who, command.act(), Some(&wired.fact.agent)) {
        Verdict::Allow => Decision::Command(session, command.clone()),
        // Nobody is asked over a word in a chat: who may give it gives it themselves.
        Verdict::Hold => Decision::Deny(session, command.act().rule().words),
        Verdict::Deny(words) => Decision::Deny(session, words),
    }
}

/// The agent hears the sender, and does not engage.
fn overheard(message: &Inbound, wiring: &WiringFact, is_command: bool) -> Decision {
    match wiring.ignored {
        // A command to another agent is no part of the conversation.
        IgnoredPolicy::Accumulate if !is_command => {
            Decision::Keep(session_for(wiring, &message.address))
        }
        IgnoredPolicy::Accumulate | IgnoredPolicy::Drop => Decision::Ignore,
    }
}

impl Routed {
    /// Draws together what the agents' decisions mean for the message.
    fn conclude(&mut self, engaged: bool) {
        let mut asked = Vec::new();
        let mut kept = false;
        for one in &self.agents {
            let why = match &one.decision {
                Decision::Refuse(why) => *why,
                Decision::AskAboutSender => {
                    asked.push(one.agent.clone());
                    Refusal::AwaitsApproval
                }
                Decision::Keep(_) => {
                    kept = true;
                    continue;
                }
                Decision::Wake { .. }
                | Decision::Command(..)
                | Decision::Deny(..)
                | Decision::Ignore => continue,
            };
            self.drops.push(why);
        }
        if !engaged && !kept {
            self.drops.push(Refusal::NoAgentEngaged);
        }
        self.drops.sort_unstable();
        self.drops.dedup();
        self.ask = (!asked.is_empty()).then_some(Ask::AdmitSender(asked));
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
