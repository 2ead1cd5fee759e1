//! `secrets set|list|remove`: keys that the host adds to what leaves it.
//!
//! Only whoever reaches the host's own socket may use it: no person in a chat, and no agent in any
//! scope. A value comes beside the words, never among them, and neither the audit nor any answer
//! holds it.

use schemas::{admin::AdminAnswer, ids::AgentId};
use serde::{Deserialize, Serialize};

use super::{
    Desk, check,
    print::{answer, date, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::Act,
    secrets::{Secret, SecretInfo, Secrets, handed},
    text::secrets as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Keep a secret, or give it a new value
    Set(Set),
    /// List their names
    List,
    /// Forget one
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[command(after_help = words::SET_HELP)]
pub struct Set {
    /// What it is called, such as anthropic or openai
    pub name: String,
    /// What the command line has read from whoever typed it.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// A value on its way to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Value(#[serde(with = "handed")] pub Secret);

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::Set(_) | Self::List | Self::Remove { .. } => Act::Secrets,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::Set(set) => Some(format!("secrets set {}", set.name)),
            Self::List => None,
            Self::Remove { name } => Some(format!("secrets remove {name}")),
        }
    }

    pub(super) fn pin(&self) -> Result<Option<AgentId>> {
        match self {
            Self::Set(Set { name, .. }) | Self::Remove { name } => {
                check::name("a secret", name).map(|()| None)
            }
            Self::List => Ok(None),
        }
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let secrets = desk.context.broker.secrets().clone();
        let now = desk.context.clock.now();
        match self {
            Self::Set(Set { name, value }) => {
                let given = value.ok_or_else(|| {
                    HostError::new(ErrorKind::Invalid, "no value was given")
                        .hint(words::GIVE_A_VALUE)
                })?;
                let value = Secret::typed(given.0.expose())?;
                let kept = name.clone();
                let before = beside(secrets, move |secrets| secrets.set(&kept, value, now)).await?;
                let said = serde_json::json!({ "name": name, "replaced": before });
                Ok(answer(&said, words::set(&name, before)))
            }
            Self::List => {
                let list = beside(secrets, Secrets::list).await?;
                Ok(answer(&list, for_people(&list)))
            }
            Self::Remove { name } => {
                let gone = name.clone();
                if !beside(secrets, move |secrets| secrets.remove(&gone)).await? {
                    return Err(HostError::new(ErrorKind::NotFound, format!("no secret {name:?}"))
                        .hint("lazaret secrets list"));
                }
                let said = serde_json::json!({ "name": name });
                Ok(answer(&said, format!("{name} is forgotten")))
            }
        }
    }
}

/// The disk is waited for on a thread that may.
async fn beside<T: Send + 'static>(
    secrets: Secrets,
    work: impl FnOnce(&Secrets) -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(move || work(&secrets)).await;
    done.map_err(|error| {
        HostError::new(ErrorKind::Internal, "the secrets broke off").because(error)
    })?
}

fn for_people(secrets: &[SecretInfo]) -> String {
    let rows: Vec<[String; 2]> =
        secrets.iter().map(|one| [one.name.clone(), date(one.set_at)]).collect();
    table(["NAME", "SET"], &rows)
}
