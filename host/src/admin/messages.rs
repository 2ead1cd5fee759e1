//! `messages list|show|retry`: what was said, what became of it, and once more what was given up.
//!
//! What was given up stands in the central database: its list opens no session's file.

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
    store::DeadLetter,
    text::channels as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List the newest messages of a session, both ways, or what was given up anywhere
    List {
        /// The session's id, or its unique beginning; not needed with --failed
        #[arg(required_unless_present = "failed")]
        session: Option<String>,
        /// Only those that were given up, and not tried again since
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
    /// Try a message again that was given up
    Retry {
        /// The message's id, or its unique beginning
        message: String,
        /// Its session, where several have a message of that id
        #[arg(long)]
        session: Option<String>,
    },
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { session: None, .. } => Act::LookAround,
            Self::List { session: Some(_), .. } | Self::Show { .. } => Act::Look,
            Self::Retry { .. } => Act::RetryMessages,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. } | Self::Show { .. } => None,
            Self::Retry { message, .. } => Some(format!("messages retry {message}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { session: None, .. } => Ok(None),
            Self::List { session: Some(session), .. } | Self::Show { session, .. } => {
                Ok(Some(desk.pin_session(session).await?))
            }
            Self::Retry { message, session } => {
                if let Some(session) = session {
                    desk.pin_session(session).await?;
                }
                let letter = desk.dead_letter(message, session.as_deref()).await?;
                *message = letter.id.to_string();
                *session = Some(letter.session.to_string());
                Ok(Some(letter.agent))
            }
        }
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::List { session, failed: true, limit } => {
                let session = match session {
                    Some(session) => Some(desk.session(&session).await?.id),
                    None => None,
                };
                let letters = desk.context.store.dead_letters(session, limit).await?;
                Ok(answer(&letters, letters_for_people(&letters)))
            }
            Self::List { session, failed: false, limit } => {
                let messages = all(&session.unwrap_or_default(), limit, desk).await?;
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
            Self::Retry { message, session } => {
                let letter = desk.dead_letter(&message, session.as_deref()).await?;
                let id = letter.id.clone();
                let letter = Box::new(letter);
                desk.daemon.ask(|answer| Request::Retry(letter, answer)).await?;
                Ok(answer(&id, words::tried_again(&id)))
            }
        }
    }
}

impl Desk {
    /// What was given up, by its id or the beginning of it.
    async fn dead_letter(&self, wanted: &str, session: Option<&str>) -> Result<DeadLetter> {
        let mut found = self.context.store.dead_letters_named(wanted.to_owned()).await?;
        found.retain(|one| session.is_none_or(|session| one.session.as_str() == session));
        if found.iter().any(|one| one.id.as_str() == wanted) {
            found.retain(|one| one.id.as_str() == wanted);
        }
        match found.len() {
            0 => Err(words::not_given_up(wanted)),
            1 => found.pop().ok_or_else(|| words::not_given_up(wanted)),
            _ => Err(words::several_given_up(wanted, &found)),
        }
    }
}

/// The newest messages of a session, oldest first.
pub(super) async fn all(session: &str, limit: u32, desk: &Desk) -> Result<Vec<MessageInfo>> {
    let id = desk.session(session).await?.id;
    desk.daemon.ask(|answer| Request::Messages(id, limit, answer)).await
}

/// The words of a message's content, cut to a line.
fn said(message: &MessageInfo) -> String {
    let content: Option<serde_json::Value> = serde_json::from_str(&message.content).ok();
    let text = content.as_ref().and_then(|said| said.get("text")).and_then(|text| text.as_str());
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
                said(one),
            ]
        })
        .collect();
    table(["NO", "AT", "BY", "STATUS", "KIND", "TEXT"], &rows)
}

fn letters_for_people(letters: &[DeadLetter]) -> String {
    if letters.is_empty() {
        return words::NOTHING_GIVEN_UP.to_owned();
    }
    let rows: Vec<[String; 6]> = letters
        .iter()
        .map(|one| {
            [
                one.id.to_string(),
                one.agent_name.clone(),
                one.session.to_string(),
                if one.came_in { "in" } else { "out" }.to_owned(),
                date(one.at),
                one.reason.clone(),
            ]
        })
        .collect();
    table(["MESSAGE", "AGENT", "SESSION", "WAY", "AT", "WHY"], &rows)
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
