//! What was said in this conversation before, in both directions.
//!
//! Owns how old rows are read back: bounded, in the order of their numbers, and as little as is
//! needed of what the host keeps in its history.

use jiff::tz::TimeZone;
use schemas::{
    content::{self, ChatOut},
    guest_side::{InboundReader, OutboundWriter},
    message::{Address, Kind, NewOutbound},
    session_dir::SessionDir,
    sqlite::StoreError,
};
use serde_json::{Map, Value};

use crate::{
    prompt::{self, Said, local},
    written,
};

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub enum Past {
    /// To the agent.
    Heard(Box<Said>),
    /// By the agent.
    Own(Own),
}

/// Something that the agent said.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// Its number.
    pub number: i64,
    /// When, in the session's time zone.
    pub at: String,
    /// Where.
    pub place: Option<Address>,
    /// What.
    pub text: String,
}

impl Past {
    #[cfg(test)]
    pub(crate) fn own(number: i64, text: &str) -> Self {
        Self::Own(Own { number, at: String::new(), place: None, text: text.to_owned() })
    }

    /// The number that it has in the conversation.
    #[must_use]
    pub fn number(&self) -> i64 {
        match self {
            Self::Heard(said) => said.seq,
            Self::Own(own) => own.number,
        }
    }

    /// As a model reads it, with at most so many characters of its text.
    #[must_use]
    pub fn written(&self, most: usize) -> String {
        match self {
            Self::Heard(said) => {
                written::part(&Said { text: cut(&said.text, most), ..(**said).clone() })
            }
            Self::Own(own) => written::own(&Own { text: cut(&own.text, most), ..own.clone() }),
        }
    }

    /// What a search looks through.
    pub(crate) fn searched(&self) -> String {
        match self {
            Self::Heard(said) => format!("{}\n{}", said.sender.as_deref().unwrap_or(""), said.text),
            Self::Own(own) => own.text.clone(),
        }
    }
}

/// The last `limit` messages, oldest first.
///
/// # Errors
/// When a file cannot be read; asking again may help.
pub fn read(dir: &SessionDir, zone: &TimeZone, limit: u32) -> Result<Vec<Past>, StoreError> {
    let heard = InboundReader::new(dir.clone()).past(limit)?;
    let heard = heard.iter().filter_map(|row| prompt::read(row, zone).ok());
    let mut all: Vec<Past> = heard.map(|said| Past::Heard(Box::new(said))).collect();
    let said = OutboundWriter::new(dir.clone()).past(limit)?;
    all.extend(said.into_iter().filter_map(|(number, row)| {
        let text = text_of(&row)?;
        let at = local(row.timestamp, zone);
        Some(Past::Own(Own { number, at, place: row.address, text }))
    }));
    all.sort_by_key(Past::number);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    all.drain(..all.len().saturating_sub(most));
    Ok(all)
}

/// What the agent said or did with a row; `None` for what nobody saw.
fn text_of(row: &NewOutbound) -> Option<String> {
    let fields: Map<String, Value> = content::read(&row.content).ok()?;
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    let about = || fields.get("messageId").map(ToString::to_string).unwrap_or_default();
    if row.kind == Kind::System {
        return Some(format!("(asked the host for {})", word("action")?));
    }
    match (word("operation"), word("type")) {
        (Some("edit"), _) => {
            Some(format!("(changed message {} to:) {}", about(), word("text").unwrap_or_default()))
        }
        (Some("reaction"), _) => {
            Some(format!("(put {} under message {})", word("emoji").unwrap_or_default(), about()))
        }
        (Some(_), _) => None,
        (None, Some("ask_question")) => Some(format!("(asked:) {}", word("question")?)),
        (None, Some("card")) => {
            Some(format!("(card:) {}\n{}", word("title")?, word("text").unwrap_or_default()))
        }
        (None, _) => {
            let chat: ChatOut = content::read(&row.content).ok()?;
            let files = chat.files.iter().map(|name| format!("(file {name})"));
            let lines: Vec<String> = std::iter::once(chat.text).chain(files).collect();
            Some(lines.join("\n").trim().to_owned())
        }
    }
}

/// The beginning of a text, and that there is more.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
