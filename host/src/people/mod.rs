//! People: who somebody is, and what they may do.
//!
//! Owns the one gate ([`decide`]) for chat commands, the operator's commands, guests' actions and
//! the answers to approvals, and the table of all that can be asked for ([`acts`]). PURE and closed
//! by default: what no line of the table allows is denied. Who somebody is comes from the transport
//! that carried the wish, never from the wish.

use std::collections::BTreeSet;

use schemas::{
    ids::{AgentId, PersonId, SessionId},
    policy::{CliScope, Role},
};

pub mod acts;
mod decide;

pub mod claim;

#[cfg(test)]
mod tests;

pub use acts::Act;
pub use decide::{Verdict, decide};

/// Who wants something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The host's own operator: the kernel says that they sit at its socket.
    Operator,
    /// Somebody whom an owner or admin made known.
    Person(Person),
    /// A sender whom nobody knows, by `<channel>:<the platform's id>`.
    Stranger(String),
    /// An agent, out of its container.
    Agent {
        /// Which.
        agent: AgentId,
        /// In which session.
        session: SessionId,
        /// How much of the operator's commands it may use.
        scope: CliScope,
    },
}

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// For people.
    pub name: String,
    /// What they are.
    pub standing: Standing,
}

/// The roles of a person, as far as decisions ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// May do everything.
    pub owner: bool,
    /// Admin of every agent.
    pub admin: bool,
    /// Admin of these agents.
    pub admin_of: BTreeSet<AgentId>,
    /// Member of these agents.
    pub member_of: BTreeSet<AgentId>,
}

impl Standing {
    /// Adds a role.
    pub fn add(&mut self, role: Role, agent: Option<AgentId>) {
        match (role, agent) {
            (Role::Owner, _) => self.owner = true,
            (Role::Admin, None) => self.admin = true,
            (Role::Admin, Some(agent)) => drop(self.admin_of.insert(agent)),
            (Role::Member, Some(agent)) => drop(self.member_of.insert(agent)),
            // The table forbids it; a member of nothing in particular may nothing.
            (Role::Member, None) => {}
        }
    }

    /// Whether the person may talk to an agent wherever it listens.
    #[must_use]
    pub fn is_member(&self, agent: &AgentId) -> bool {
        self.is_admin(Some(agent)) || self.member_of.contains(agent)
    }

    /// Whether the person may rewire an agent; with `None`, every agent.
    #[must_use]
    pub fn is_admin(&self, agent: Option<&AgentId>) -> bool {
        self.owner || self.admin || agent.is_some_and(|agent| self.admin_of.contains(agent))
    }
}

impl Who {
    /// The word for the audit.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::Person(person) => format!("{} ({})", person.name, person.id),
            Self::Stranger(sender) => format!("stranger {sender}"),
            Self::Agent { agent, session, .. } => format!("{agent} in {session}"),
        }
    }
}
