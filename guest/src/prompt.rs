//! From inbound rows to what a provider is asked. PURE.
//!
//! Owns how each kind of content is read. A row that cannot be read is named with the reason, so
//! that it fails alone and the rest of the batch goes on.

use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    content::{self, Attachment, ChatIn, ContentError, ReplyTo},
    ids::{MessageId, RunId},
    message::{Address, InboundRow, Kind},
    session_file::SessionFile,
};
use serde_json::{Map, Value};

use crate::written::told;

/// One question to a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The run that it belongs to.
    pub run: RunId,
    /// What the model is told about itself.
    pub system_prompt: String,
    /// Which model; `None` leaves it to the provider.
    pub model: Option<String>,
    /// Where it works; `None` is the session's own folder.
    pub work_dir: Option<String>,
    /// In which times are told.
    pub zone: TimeZone,
    /// What somebody is told who goes on with a conversation that it does not know; mostly empty.
    pub before: String,
    /// What must be answered, in order.
    pub messages: Vec<Said>,
    /// What was said before in the same room, to nobody in particular.
    pub context: Vec<Said>,
}

/// One message, in the provider's terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The row, which a reply names.
    pub id: MessageId,
    /// The number that the agent sees.
    pub seq: i64,
    /// What it is.
    pub kind: Kind,
    /// When it was said, in the session's time zone.
    pub at: String,
    /// Who said it, for people.
    pub sender: Option<String>,
    /// Where it was said.
    pub place: Option<Address>,
    /// What was said.
    pub text: String,
    /// Of a task: its name, its schedule and where its words come from, as far as they are known.
    pub task: Vec<(&'static str, String)>,
    /// What it answers.
    pub reply_to: Option<ReplyTo>,
    /// Files that came with it, with their `localPath` below `in/`.
    pub attachments: Vec<Attachment>,
}

/// A row whose content cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// The row.
    pub row: InboundRow,
    /// Why, for the person who sent it.
    pub why: String,
}

/// Makes a turn of the rows, and sorts out those that cannot be read.
#[must_use]
pub fn assemble(
    run: RunId,
    session: &SessionFile,
    triggers: &[InboundRow],
    context: &[InboundRow],
) -> (Turn, Vec<Unreadable>) {
    // A zone that nobody knows is told as what it is not: local.
    let zone = TimeZone::get(&session.time_zone).unwrap_or(TimeZone::UTC);
    let mut unreadable = Vec::new();
    let mut read_all = |rows: &[InboundRow]| {
        let mut said = Vec::with_capacity(rows.len());
        for row in rows {
            match read(row, &zone) {
                Ok(message) => said.push(message),
                Err(why) => {
                    unreadable.push(Unreadable { row: row.clone(), why: why.to_string() });
                }
            }
        }
        said
    };
    let messages = read_all(triggers);
    let context = read_all(context);
    let turn = Turn {
        run,
        system_prompt: session.system_prompt.clone(),
        model: session.model.clone(),
        work_dir: session.work_dir.clone(),
        before: String::new(),
        messages,
        context,
        zone,
    };
    (turn, unreadable)
}

/// A time as people in the zone say it, with what it is ahead of UTC.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Reads one row.
///
/// # Errors
/// When its content is not of its kind.
pub(crate) fn read(row: &InboundRow, zone: &TimeZone) -> Result<Said, ContentError> {
    let mut said = Said {
        id: row.id.clone(),
        seq: row.seq,
        kind: row.kind,
        at: local(row.timestamp, zone),
        sender: None,
        place: row.address.clone(),
        text: String::new(),
        task: Vec::new(),
        reply_to: None,
        attachments: Vec::new(),
    };
    match row.kind {
        Kind::Chat | Kind::ChatSdk => {
            let chat: ChatIn = content::read(&row.content)?;
            said.sender = chat.sender;
            said.text = chat.text;
            said.attachments = chat.attachments;
            said.reply_to = chat.reply_to;
        }
        Kind::Task => {
            let object = object(row)?;
            said.text = field(&object, &["prompt", "text"]);
            for name in ["name", "schedule", "source"] {
                if let Some(value) = object.get(name).and_then(Value::as_str) {
                    said.task.push((name, value.to_owned()));
                }
            }
        }
        Kind::Webhook => {
            let object = object(row)?;
            said.sender = Some(field(&object, &["source"])).filter(|source| !source.is_empty());
            said.text = row.content.clone();
        }
        Kind::System => {
            let whole = object(row)?;
            // What this version does not know is told as it stands.
            let known = serde_json::from_value(Value::Object(whole));
            said.text = known.map_or_else(|_| row.content.clone(), |said| told(&said));
        }
    }
    Ok(said)
}

fn object(row: &InboundRow) -> Result<Map<String, Value>, ContentError> {
    content::read(&row.content)
}

fn field(object: &Map<String, Value>, names: &[&str]) -> String {
    names
        .iter()
        .find_map(|name| object.get(*name).and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use schemas::{
        ids::{AgentId, SessionId},
        message::InboundStatus,
    };

    use super::*;

    fn row(kind: Kind, content: &str) -> InboundRow {
        InboundRow {
            id: MessageId::parse("m1").unwrap(),
            seq: 2,
            kind,
            timestamp: Timestamp::UNIX_EPOCH,
            status: InboundStatus::Pending,
            tries: 0,
            trigger: true,
            address: None,
            content: content.to_owned(),
            on_wake: false,
            sender_id: None,
            solo: false,
            queue_pos: None,
        }
    }

    fn session() -> SessionFile {
        let now = Timestamp::UNIX_EPOCH;
        SessionFile {
            agent_name: "andy".to_owned(),
            ..SessionFile::new(SessionId::mint(now), AgentId::mint(now), "echo")
        }
    }

    #[track_caller]
    fn check(kind: Kind, content: &str, sender: Option<&str>, text: &str) {
        let said = read(&row(kind, content), &TimeZone::UTC).unwrap();
        assert_eq!((said.sender.as_deref(), said.text.as_str()), (sender, text));
    }

    #[test]
    fn each_kind_is_read_in_its_own_way() {
        check(Kind::Chat, r#"{"sender":"Ann","text":"hi"}"#, Some("Ann"), "hi");
        check(Kind::ChatSdk, r#"{"text":"hi","blocks":[]}"#, None, "hi");
        check(Kind::Chat, "plain words", None, "plain words");
        check(Kind::Task, r#"{"prompt":"water the plants"}"#, None, "water the plants");
        check(Kind::Task, "water the plants", None, "water the plants");
        let event = r#"{"source":"ci","event":"red","payload":{}}"#;
        check(Kind::Webhook, event, Some("ci"), event);
        check(Kind::System, r#"{"type":"anything"}"#, None, r#"{"type":"anything"}"#);
        let failed = r#"{"type":"delivery_failed","seq":3,"error":"gone"}"#;
        check(Kind::System, failed, None, "Your message 3 was not delivered: gone");
    }

    #[test]
    fn times_are_told_as_people_in_the_sessions_zone_say_them() {
        let at = |zone: &str| {
            let session = SessionFile { time_zone: zone.to_owned(), ..session() };
            let run = RunId::mint(Timestamp::UNIX_EPOCH);
            let rows = [row(Kind::Chat, "hi")];
            assemble(run, &session, &rows, &[]).0.messages.remove(0).at
        };
        assert_eq!(at("UTC"), "1970-01-01 00:00:00 +00:00");
        assert_eq!(at("Asia/Kolkata"), "1970-01-01 05:30:00 +05:30");
        assert_eq!(at("America/New_York"), "1969-12-31 19:00:00 -05:00");
        assert_eq!(at("Nowhere/Land"), "1970-01-01 00:00:00 +00:00");
    }

    #[test]
    fn what_a_message_answers_is_read() {
        let content = r#"{"text":"yes","replyTo":{"seq":3,"sender":"andy","text":"shall I?"}}"#;
        let said = read(&row(Kind::Chat, content), &TimeZone::UTC).unwrap();
        assert_eq!(said.reply_to.and_then(|quoted| quoted.seq), Some(3));
    }

    #[test]
    fn an_unreadable_row_is_left_out_and_named_with_the_reason() {
        let run = RunId::mint(Timestamp::UNIX_EPOCH);
        let rows = [row(Kind::Chat, "null"), row(Kind::Chat, r#"{"text":"hi"}"#)];
        let (turn, unreadable) = assemble(run, &session(), &rows, &[row(Kind::System, "[1]")]);
        assert_eq!((turn.messages.len(), turn.context.len()), (1, 0));
        let why: Vec<&str> = unreadable.iter().map(|u| u.why.as_str()).collect();
        assert_eq!(
            why,
            [
                "content must be an object or a text, it is null",
                "content must be an object or a text, it is an array"
            ]
        );
    }
}
