//! `people list|show|create|link|unlink|delete|erase|claim-code|denials|forgive`.

use schemas::{
    admin::AdminAnswer,
    ids::{AgentId, fresh_ulid},
    people::{DenialInfo, PersonInfo},
};
use serde::{Deserialize, Serialize};

use super::{
    Desk, check, erase,
    print::{answer, date, fields, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::{Act, claim},
    text::people as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List everybody who is known
    List,
    /// Show a person
    Show {
        /// Name, CHANNEL:ID, or id
        person: String,
    },
    /// Make a person known
    Create {
        /// What people call them
        name: String,
        /// A name on a platform, as CHANNEL:ID
        #[arg(long, value_name = "SENDER")]
        id: Option<String>,
    },
    /// Give a person another name on a platform
    Link {
        /// Name, CHANNEL:ID, or id
        person: String,
        /// CHANNEL:ID
        sender: String,
    },
    /// Take a name on a platform from whoever has it
    Unlink {
        /// CHANNEL:ID
        sender: String,
    },
    /// Forget a person, with every name and role
    Delete {
        /// Name, CHANNEL:ID, or id
        person: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Take out what a person said and is, wherever that can be, and say what cannot
    Erase {
        /// Name, CHANNEL:ID, or id
        person: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Make a one-time code; whoever says /claim CODE in any chat owns this host
    ClaimCode,
    /// List senders about whom nobody is asked again
    Denials,
    /// Forget that a sender was turned away
    Forgive {
        /// CHANNEL:ID
        sender: String,
    },
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List | Self::Show { .. } | Self::Denials | Self::Delete { dry_run: true, .. } => {
                Act::LookAround
            }
            // Also to know where somebody spoke is for who may erase them.
            Self::Erase { .. } => Act::ChangePeople,
            Self::Create { .. }
            | Self::Link { .. }
            | Self::Unlink { .. }
            | Self::Delete { dry_run: false, .. }
            | Self::Forgive { .. } => Act::ChangePeople,
            // Whoever has the code is the owner.
            Self::ClaimCode => Act::ChangeRoles,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List | Self::Show { .. } | Self::Denials | Self::Delete { dry_run: true, .. } => {
                None
            }
            // Written down where it is done, by id: the name must not come back by it.
            Self::Erase { .. } => None,
            Self::Create { name, .. } => Some(format!("people create {name}")),
            Self::Link { person, sender } => Some(format!("people link {person} {sender}")),
            Self::Unlink { sender } => Some(format!("people unlink {sender}")),
            Self::Delete { person, dry_run: false } => Some(format!("people delete {person}")),
            Self::ClaimCode => Some("people claim-code".to_owned()),
            Self::Forgive { sender } => Some(format!("people forgive {sender}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::Show { person }
            | Self::Link { person, .. }
            | Self::Delete { person, .. }
            | Self::Erase { person, .. } => {
                desk.pin_person(person).await?;
            }
            Self::List
            | Self::Create { .. }
            | Self::Unlink { .. }
            | Self::ClaimCode
            | Self::Denials
            | Self::Forgive { .. } => {}
        }
        Ok(None)
    }

    pub(super) async fn run(self, desk: &Desk, by: String) -> Result<AdminAnswer> {
        let (store, now) = (&desk.context.store, desk.context.clock.now());
        match self {
            Self::List => {
                let people = store.people().await?;
                Ok(answer(&people, for_people(&people)))
            }
            Self::Show { person } => show(&desk.person(&person).await?),
            Self::Create { name, id } => create(desk, name, id).await,
            Self::Link { person, sender } => {
                sender_word(&sender)?;
                let person = desk.person(&person).await?;
                store.link_person(person.id.clone(), sender.clone(), now).await?;
                desk.project(Vec::new()).await?;
                Ok(answer(&person.id, words::linked(&person.name, &sender)))
            }
            Self::Unlink { sender } => {
                if !store.unlink_person(sender.clone()).await? {
                    return Err(nobody(&sender));
                }
                desk.project(Vec::new()).await?;
                Ok(answer(&sender, words::unlinked(&sender)))
            }
            Self::Delete { person, dry_run } => delete(desk, &person, dry_run).await,
            Self::Erase { person, dry_run } => erase::run(desk, &person, dry_run, by).await,
            Self::ClaimCode => claim_code(desk).await,
            Self::Denials => {
                let denials = store.denials().await?;
                Ok(answer(&denials, denied(&denials)))
            }
            Self::Forgive { sender } => {
                if store.forgive(sender.clone()).await? == 0 {
                    return Err(nobody(&sender));
                }
                desk.project(Vec::new()).await?;
                Ok(answer(&sender, words::forgiven(&sender)))
            }
        }
    }
}

async fn create(desk: &Desk, name: String, id: Option<String>) -> Result<AdminAnswer> {
    let Some(name) = check::text(name) else {
        return Err(HostError::new(ErrorKind::Invalid, "a person needs a name"));
    };
    if let Some(sender) = &id {
        sender_word(sender)?;
        let people = desk.context.store.people().await?;
        if let Some(taken) = people.iter().find(|one| one.ids.contains(sender)) {
            let what = format!("{sender} is {} already", taken.name);
            return Err(HostError::new(ErrorKind::Conflict, what));
        }
    }
    let now = desk.context.clock.now();
    let made = desk.context.store.create_person(name.clone(), id, now).await?;
    desk.project(Vec::new()).await?;
    Ok(answer(&made, words::person_made(&name)))
}

async fn delete(desk: &Desk, person: &str, dry_run: bool) -> Result<AdminAnswer> {
    let person = desk.person(person).await?;
    if dry_run {
        let mut gone = vec![format!("the person {}", person.name)];
        gone.extend(person.ids.iter().map(|id| format!("the name {id}")));
        gone.extend(person.roles.iter().map(|role| format!("the role {}", role.role.as_str())));
        return Ok(answer(&person, crate::text::admin::would_go(&gone)));
    }
    desk.context.store.delete_person(person.id.clone()).await?;
    desk.project(Vec::new()).await?;
    Ok(answer(&person, crate::text::admin::gone(&person.name)))
}

/// The code is in this answer and nowhere else: not in the log, not in the audit, not in a row.
async fn claim_code(desk: &Desk) -> Result<AdminAnswer> {
    let now = desk.context.clock.now();
    let code = claim::code(&fresh_ulid(now));
    desk.context.store.put_claim(claim::Claim::of(&code, now)).await?;
    Ok(answer(&serde_json::json!({ "code": code }), words::claim_code(&code)))
}

/// A name on a platform: two words with a colon between them.
fn sender_word(sender: &str) -> Result<()> {
    match sender.split_once(':') {
        Some((channel, id)) if !channel.is_empty() && !id.is_empty() => {
            check::platform_word("channel", channel)?;
            check::platform_word("name on a platform", id)
        }
        Some(_) | None => {
            Err(HostError::new(ErrorKind::Invalid, format!("{sender:?} is no name on a platform"))
                .hint("write <channel>:<platform id>, such as slack:U123"))
        }
    }
}

fn nobody(sender: &str) -> HostError {
    HostError::new(ErrorKind::NotFound, format!("nobody is known as {sender:?}"))
}

fn show(person: &PersonInfo) -> Result<AdminAnswer> {
    let text = fields(&[
        ("id", person.id.to_string()),
        ("name", person.name.clone()),
        ("known as", person.ids.join(", ")),
        ("roles", roles(person)),
        ("since", date(person.created_at)),
    ]);
    Ok(answer(person, text))
}

fn roles(person: &PersonInfo) -> String {
    let words = person.roles.iter().map(|role| match &role.agent {
        Some(agent) => format!("{} of {agent}", role.role.as_str()),
        None => role.role.as_str().to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn for_people(people: &[PersonInfo]) -> String {
    let rows: Vec<[String; 4]> = people
        .iter()
        .map(|one| [one.name.clone(), roles(one), one.ids.join(", "), one.id.to_string()])
        .collect();
    table(["NAME", "ROLES", "KNOWN AS", "ID"], &rows)
}

fn denied(denials: &[DenialInfo]) -> String {
    let rows: Vec<[String; 4]> = denials
        .iter()
        .map(|one| {
            [one.sender.clone(), one.room.clone(), one.denied_by.clone(), date(one.denied_at)]
        })
        .collect();
    table(["SENDER", "ROOM", "BY", "SINCE"], &rows)
}
