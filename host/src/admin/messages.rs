//! `messages list|show`: what was said in a session, and what became of it.

use schemas::{admin::AdminAnswer, ids::AgentId};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, date, fields, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    people::Act,
    requests::Request,
    sessions::MessageInfo,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List the newest messages of a session, both ways
    List {
        /// The session's id, or its unique beginning
        session: String,
        /// Only those that were given up
        #[arg(long)]
        failed: bool,
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::admin::LISTED_ROWS)))]
        limit: u32,
    },
    /// Show a message whole
    Show {
        /// The session's id, or its unique beginning
        session: String,
        /// The message's number or id
        message: String,
    },
}

impl Command {
    pub(super) fn act(&self) -> Act {
        Act::Look
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        let (Self::List { session, .. } | Self::Show { session, .. }) = self;
        Ok(Some(desk.pin_session(session).await?))
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::List { session, failed, limit } => {
                let wanted = if failed { limits::admin::LISTED_ROWS } else { limit };
                let mut messages = all(&session, wanted, desk).await?;
                messages.retain(|one| !failed || one.failed());
                Ok(answer(&messages, for_people(&messages)))
            }
            Self::Show { session, message } => {
                let messages = all(&session, limits::admin::LISTED_ROWS, desk).await?;
                let found = messages
                    .into_iter()
                    .find(|one| one.id.as_str() == message || one.seq.to_string() == message);
                let found = found.ok_or_else(|| {
                    HostError::new(ErrorKind::NotFound, format!("no message {message:?}"))
                        .hint(format!("lazaret messages list {session}"))
                })?;
                Ok(answer(&found, one_for_people(&found)))
            }
        }
    }
}

/// The newest messages of a session, oldest first.
pub(super) async fn all(session: &str, limit: u32, desk: &Desk) -> Result<Vec<MessageInfo>> {
    let id = desk.session(session).await?.id;
    desk.daemon.ask(|answer| Request::Messages(id, limit, answer)).await
}

/// The words of a message's content, cut to a line.
fn words(message: &MessageInfo) -> String {
    let said: Option<serde_json::Value> = serde_json::from_str(&message.content).ok();
    let text = said.as_ref().and_then(|said| said.get("text")).and_then(|text| text.as_str());
    let line = text.unwrap_or(&message.content).replace('\n', " ");
    let mut cut: String = line.chars().take(limits::admin::LISTED_CHARS).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

fn for_people(messages: &[MessageInfo]) -> String {
    let rows: Vec<[String; 6]> = messages
        .iter()
        .map(|one| {
            [
                one.seq.to_string(),
                one.at.map(date).unwrap_or_default(),
                one.sender.clone().unwrap_or_else(|| "agent".to_owned()),
                status(one),
                one.kind.clone(),
                words(one),
            ]
        })
        .collect();
    table(["NO", "AT", "BY", "STATUS", "KIND", "TEXT"], &rows)
}

fn status(one: &MessageInfo) -> String {
    match &one.error {
        Some(error) => format!("{}: {error}", one.status),
        None => one.status.clone(),
    }
}

fn one_for_people(one: &MessageInfo) -> String {
    let place = one.address.as_ref().map(|at| {
        let thread = at.thread_id.as_ref().map(|thread| format!(" thread {thread}"));
        format!("{}:{}{}", at.channel_type, at.platform_id, thread.unwrap_or_default())
    });
    fields(&[
        ("id", one.id.to_string()),
        ("number", one.seq.to_string()),
        ("kind", one.kind.clone()),
        ("at", one.at.map(date).unwrap_or_default()),
        ("by", one.sender.clone().unwrap_or_else(|| "agent".to_owned())),
        ("place", place.unwrap_or_default()),
        ("status", status(one)),
        ("tries", one.tries.to_string()),
        ("again at", one.again_at.map(date).unwrap_or_default()),
        ("content", one.content.clone()),
    ])
}
