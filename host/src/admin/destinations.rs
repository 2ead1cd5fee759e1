//! `destinations list|show|create|set|delete`.

use schemas::{admin::AdminAnswer, ids::AgentId};
use serde::{Deserialize, Serialize};

use super::{
    Desk, check,
    print::{answer, date, fields, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::Act,
    store::{Entry, Leads, NewEntry},
    text::admin as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List where agents may send, of all of them or of one
    List {
        /// Name or id of an agent
        agent: Option<String>,
    },
    /// Show a destination
    Show(Which),
    /// Let an agent send to a room or to another agent
    Create {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        to: To,
    },
    /// Change where a destination leads, or what people read
    Set {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        to: To,
    },
    /// Delete a destination
    Delete {
        #[command(flatten)]
        which: Which,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Which {
    /// Name or id of the agent
    agent: String,
    /// The name that the agent uses
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args, Serialize, Deserialize)]
pub struct To {
    /// A room: CHANNEL:ID, name, or id
    #[arg(long = "room", value_name = "ROOM", conflicts_with = "to_agent")]
    room: Option<String>,
    /// A thread of that room
    #[arg(long, requires = "room")]
    thread: Option<String>,
    /// Another agent: name or id
    #[arg(long = "agent", value_name = "AGENT", id = "to_agent")]
    to_agent: Option<String>,
    /// What people read; empty for the room's or agent's own name
    #[arg(long)]
    display_name: Option<String>,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { agent: None } => Act::LookAround,
            Self::List { agent: Some(_) } | Self::Show(_) | Self::Delete { dry_run: true, .. } => {
                Act::Look
            }
            Self::Create { .. } | Self::Set { .. } | Self::Delete { dry_run: false, .. } => {
                Act::ChangeDestinations
            }
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        let say = |verb: &str, which: &Which| {
            Some(format!("destinations {verb} {} {}", which.agent, which.name))
        };
        match self {
            Self::List { .. } | Self::Show(_) | Self::Delete { dry_run: true, .. } => None,
            Self::Create { which, .. } => say("create", which),
            Self::Set { which, .. } => say("set", which),
            Self::Delete { which, dry_run: false } => say("delete", which),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { agent: None } => Ok(None),
            Self::List { agent: Some(agent) } => Ok(Some(desk.pin_agent(agent).await?)),
            Self::Show(which) | Self::Delete { which, .. } => {
                Ok(Some(desk.pin_agent(&mut which.agent).await?))
            }
            Self::Create { which, to } | Self::Set { which, to } => {
                let agent = desk.pin_agent(&mut which.agent).await?;
                if let Some(room) = &mut to.room {
                    desk.pin_room(room).await?;
                }
                if let Some(other) = &mut to.to_agent {
                    desk.pin_agent(other).await?;
                }
                Ok(Some(agent))
            }
        }
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let store = &desk.context.store;
        match self {
            Self::List { agent } => {
                let mut book = store.destinations().await?;
                if let Some(agent) = agent {
                    let agent = desk.agent(&agent).await?.id;
                    book.retain(|entry| entry.agent == agent);
                }
                Ok(answer(&book, for_people(&book)))
            }
            Self::Show(which) => {
                let entry = desk.destination(&which.agent, &which.name).await?;
                Ok(answer(&entry, one_for_people(&entry)))
            }
            Self::Create { which, to } => create(which, to, desk).await,
            Self::Set { which, to } => set(which, to, desk).await,
            Self::Delete { which, dry_run } => {
                let entry = desk.destination(&which.agent, &which.name).await?;
                let what = format!("{}/{}", entry.agent_name, entry.name);
                if dry_run {
                    return Ok(answer(
                        &entry,
                        words::would_go(&[format!("the destination {what}")]),
                    ));
                }
                store.delete_destination(entry.agent.clone(), entry.name.clone()).await?;
                desk.project(vec![entry.agent.clone()]).await?;
                Ok(answer(&entry, words::gone(&what)))
            }
        }
    }
}

impl To {
    /// Where it leads, when anything was said about that.
    async fn leads(&self, desk: &Desk) -> Result<Option<Leads>> {
        if let Some(room) = &self.room {
            let id = desk.room(room).await?.id;
            return Ok(Some(Leads::Room { id, thread: self.thread.clone() }));
        }
        match &self.to_agent {
            Some(agent) => Ok(Some(Leads::Agent { id: desk.agent(agent).await?.id })),
            None => Ok(None),
        }
    }
}

async fn create(which: Which, to: To, desk: &Desk) -> Result<AdminAnswer> {
    check::name("a destination", &which.name)?;
    let agent = desk.agent(&which.agent).await?;
    let leads = to.leads(desk).await?.ok_or_else(|| {
        HostError::new(ErrorKind::Invalid, "a destination leads somewhere")
            .hint("give --room <room> or --agent <agent>")
    })?;
    if leads == (Leads::Agent { id: agent.id.clone() }) {
        return Err(HostError::new(ErrorKind::Invalid, "an agent does not write to itself"));
    }
    let new = NewEntry {
        agent: agent.id.clone(),
        name: which.name,
        display_name: to.display_name.and_then(check::text),
        to: leads,
    };
    let now = desk.context.clock.now();
    let entry = desk.context.store.create_destination(new, now).await?;
    desk.project(vec![agent.id]).await?;
    let text = words::reachable(&entry.agent_name, &entry.name, &entry.to_name);
    Ok(answer(&entry, text))
}

async fn set(which: Which, to: To, desk: &Desk) -> Result<AdminAnswer> {
    let entry = desk.destination(&which.agent, &which.name).await?;
    let leads = to.leads(desk).await?;
    if leads == (Some(Leads::Agent { id: entry.agent.clone() })) {
        return Err(HostError::new(ErrorKind::Invalid, "an agent does not write to itself"));
    }
    let change = move |entry: &mut Entry| {
        if let Some(leads) = leads {
            entry.to = leads;
        }
        if let Some(name) = to.display_name {
            entry.display_name = check::text(name);
        }
    };
    let store = &desk.context.store;
    let entry = store.change_destination(entry.agent, entry.name, change).await?;
    desk.project(vec![entry.agent.clone()]).await?;
    let text = words::changed(&format!("{}/{}", entry.agent_name, entry.name));
    Ok(answer(&entry, text))
}

fn leads_to(entry: &Entry) -> String {
    match &entry.to {
        Leads::Room { thread: None, .. } => entry.to_name.clone(),
        Leads::Room { thread: Some(thread), .. } => format!("{} thread {thread}", entry.to_name),
        Leads::Agent { .. } => format!("agent {}", entry.to_name),
    }
}

fn came_by(entry: &Entry) -> String {
    match &entry.wiring {
        Some(_) => "a wiring",
        None => "hand",
    }
    .to_owned()
}

fn for_people(book: &[Entry]) -> String {
    let rows: Vec<[String; 5]> = book
        .iter()
        .map(|entry| {
            [
                entry.agent_name.clone(),
                entry.name.clone(),
                leads_to(entry),
                entry.display_name.clone().unwrap_or_default(),
                came_by(entry),
            ]
        })
        .collect();
    table(["AGENT", "NAME", "LEADS TO", "SHOWN AS", "MADE BY"], &rows)
}

fn one_for_people(entry: &Entry) -> String {
    fields(&[
        ("agent", entry.agent_name.clone()),
        ("name", entry.name.clone()),
        ("leads to", leads_to(entry)),
        ("shown as", entry.display_name.clone().unwrap_or_default()),
        ("made by", came_by(entry)),
        ("made", date(entry.created_at)),
    ])
}
