//! `roles list|grant|revoke`, and `members list|add|remove`, which are roles of one agent.

use schemas::{admin::AdminAnswer, ids::AgentId, people::RoleInfo, policy::Role};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, date, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::Act,
    text::people as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List who is what
    List,
    /// Make a person owner or admin
    Grant(Which),
    /// Take owner or admin away
    Revoke(Which),
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Which {
    /// Name, CHANNEL:ID, or id
    person: String,
    /// owner, admin or member
    role: Role,
    /// For this agent only
    #[arg(long)]
    agent: Option<String>,
}

/// Who may talk to an agent.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// List members, of all agents or of one
    List {
        /// Name or id of an agent
        agent: Option<String>,
    },
    /// Let a person talk to an agent
    Add {
        /// Name or id
        agent: String,
        /// Name, CHANNEL:ID, or id
        person: String,
    },
    /// No longer let a person talk to an agent
    Remove {
        /// Name or id
        agent: String,
        /// Name, CHANNEL:ID, or id
        person: String,
    },
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List => Act::LookAround,
            Self::Grant(Which { role: Role::Member, .. })
            | Self::Revoke(Which { role: Role::Member, .. }) => Act::ChangeMembers,
            Self::Grant(_) | Self::Revoke(_) => Act::ChangeRoles,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        let words = |verb: &str, which: &Which| {
            let on = which.agent.as_ref().map(|agent| format!(" --agent {agent}"));
            let (person, role) = (&which.person, which.role.as_str());
            format!("roles {verb} {person} {role}{}", on.unwrap_or_default())
        };
        match self {
            Self::List => None,
            Self::Grant(which) => Some(words("grant", which)),
            Self::Revoke(which) => Some(words("revoke", which)),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List => Ok(None),
            Self::Grant(which) | Self::Revoke(which) => {
                desk.pin_person(&mut which.person).await?;
                match &mut which.agent {
                    Some(agent) => desk.pin_agent(agent).await.map(Some),
                    None => Ok(None),
                }
            }
        }
    }

    pub(super) async fn run(self, desk: &Desk, by: String) -> Result<AdminAnswer> {
        match self {
            Self::List => {
                let roles = desk.context.store.roles().await?;
                Ok(answer(&roles, for_people(&roles)))
            }
            Self::Grant(which) => grant(desk, &which, by).await,
            Self::Revoke(which) => revoke(desk, &which).await,
        }
    }
}

impl Members {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { agent: None } => Act::LookAround,
            Self::List { agent: Some(_) } => Act::Look,
            Self::Add { .. } | Self::Remove { .. } => Act::ChangeMembers,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. } => None,
            Self::Add { agent, person } => Some(format!("members add {agent} {person}")),
            Self::Remove { agent, person } => Some(format!("members remove {agent} {person}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { agent: None } => Ok(None),
            Self::List { agent: Some(agent) } => desk.pin_agent(agent).await.map(Some),
            Self::Add { agent, person } | Self::Remove { agent, person } => {
                desk.pin_person(person).await?;
                desk.pin_agent(agent).await.map(Some)
            }
        }
    }

    pub(super) async fn run(self, desk: &Desk, by: String) -> Result<AdminAnswer> {
        let member = |agent, person| Which { person, role: Role::Member, agent: Some(agent) };
        match self {
            Self::List { agent } => {
                let mut roles = desk.context.store.roles().await?;
                roles.retain(|one| one.role == Role::Member);
                if let Some(agent) = agent {
                    let agent = desk.agent(&agent).await?.name;
                    roles.retain(|one| one.agent.as_ref() == Some(&agent));
                }
                Ok(answer(&roles, for_people(&roles)))
            }
            Self::Add { agent, person } => grant(desk, &member(agent, person), by).await,
            Self::Remove { agent, person } => revoke(desk, &member(agent, person)).await,
        }
    }
}

async fn grant(desk: &Desk, which: &Which, by: String) -> Result<AdminAnswer> {
    let agent = on(desk, which).await?;
    let person = desk.person(&which.person).await?;
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    store.grant(person.id.clone(), which.role, agent.clone(), (by, now)).await?;
    desk.project(agent.into_iter().collect()).await?;
    let said = serde_json::json!({ "person": person.id, "role": which.role });
    Ok(answer(&said, words::is_now(&person.name, which.role)))
}

async fn revoke(desk: &Desk, which: &Which) -> Result<AdminAnswer> {
    let agent = on(desk, which).await?;
    let person = desk.person(&which.person).await?;
    if !desk.context.store.revoke(person.id.clone(), which.role, agent.clone()).await? {
        let what = format!("{} is no such {}", person.name, which.role.as_str());
        return Err(HostError::new(ErrorKind::NotFound, what).hint("lazaret roles list"));
    }
    desk.project(agent.into_iter().collect()).await?;
    let said = serde_json::json!({ "person": person.id, "role": which.role });
    Ok(answer(&said, words::is_no_longer(&person.name, which.role)))
}

/// The agent of a role, where the role has one.
async fn on(desk: &Desk, which: &Which) -> Result<Option<AgentId>> {
    match (which.role, &which.agent) {
        (Role::Owner, Some(_)) => {
            Err(HostError::new(ErrorKind::Invalid, "an owner owns the whole host, not one agent"))
        }
        (Role::Member, None) => {
            Err(HostError::new(ErrorKind::Invalid, "a member is a member of an agent")
                .hint("say which with --agent NAME"))
        }
        (Role::Owner | Role::Admin, None) => Ok(None),
        (Role::Admin | Role::Member, Some(agent)) => Ok(Some(desk.agent(agent).await?.id)),
    }
}

fn for_people(roles: &[RoleInfo]) -> String {
    let rows: Vec<[String; 5]> = roles
        .iter()
        .map(|one| {
            [
                one.name.clone(),
                one.role.as_str().to_owned(),
                one.agent.clone().unwrap_or_else(|| "all".to_owned()),
                one.granted_by.clone(),
                date(one.granted_at),
            ]
        })
        .collect();
    table(["NAME", "ROLE", "AGENT", "BY", "SINCE"], &rows)
}
