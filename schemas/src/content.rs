//! What stands in the `content` column, typed by the row's kind.
//!
//! Owns the reading rules: a text that is not JSON is `{text: content}`; `null`, numbers, booleans
//! and arrays are errors with a message; unknown fields survive a round trip. Both directions are
//! read with the same care, since either may hold what strangers wrote.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::message::column_words;

/// Fields that this version does not know; they are kept and written back.
pub type Extra = Map<String, Value>;

/// Why a content column cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// JSON, but neither an object nor a text.
    #[error("content must be an object or a text, it is {0}")]
    NotAnObject(&'static str),
    /// An object with a field of the wrong type.
    #[error("content has a field of the wrong type: {0}")]
    Field(String),
}

/// `chat` and `chat-sdk`, inbound.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChatIn {
    /// The sender's name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The platform's id of the sender; a claim, never used for permission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<String>,
    /// What was said.
    pub text: String,
    /// Files that came with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A file of a message: either with its bytes on the way in, or with the place where it lies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Attachment {
    /// The sender's name for it; unsafe until it was cleaned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The media type that the sender claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Base64 on the way in; gone once the file is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `inbox/<folder>/<name>` below `in/`, once the file is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_path: Option<String>,
    /// Why there is no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The message that a message answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReplyTo {
    /// Its number in this session, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// What it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `chat`, outbound.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChatOut {
    /// What the agent says.
    pub text: String,
    /// Names of files that lie in `outbox/<row id>/`; never paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `system`, inbound: what the host tells the agent that no person said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SystemIn {
    /// A message of the agent's did not reach its room.
    DeliveryFailed {
        /// Its number.
        seq: i64,
        /// Why.
        error: String,
    },
    /// The answer to an action.
    ActionResponse {
        /// The action's own id.
        #[serde(rename = "requestId")]
        request_id: String,
        /// How it went.
        status: ActionStatus,
        /// What came of it, or why nothing did.
        result: Value,
    },
    /// A person's answer to a question of the agent's.
    QuestionResponse {
        /// The question's own id.
        #[serde(rename = "questionId")]
        question_id: String,
        /// `answered`; other words are kept for other guests.
        status: String,
        /// The value of the option that was chosen, or what was written instead.
        result: Value,
        /// Who answered, for people.
        #[serde(rename = "answeredBy", default, skip_serializing_if = "Option::is_none")]
        answered_by: Option<String>,
    },
}

column_words!(
    /// How an action went.
    ActionStatus {
        /// It was done.
        Ok = "ok",
        /// It waits for a person; another answer follows.
        Held = "held",
        /// It was not allowed, or a person said no.
        Refused = "refused",
        /// It was allowed and did not work.
        Failed = "failed",
    }
);

/// `chat` out that changes what was said before, instead of saying something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// Replaces a message of the agent's own.
    Edit {
        /// Its number, as the agent knows it.
        #[serde(rename = "messageId")]
        message_id: MessageRef,
        /// What it says from now on.
        text: String,
    },
    /// Puts an emoji under a message.
    Reaction {
        /// Its number, as the agent knows it.
        #[serde(rename = "messageId")]
        message_id: MessageRef,
        /// The emoji, or its name.
        emoji: String,
    },
}

/// A message that an agent means: its number, or a platform's id of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MessageRef {
    /// The number, even for what came in and odd for what went out.
    Seq(i64),
    /// The row's id.
    Id(String),
}

/// `chat-sdk` out: a question that waits for a person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The guest's id of it, unique in its session.
    pub question_id: String,
    /// A few words.
    #[serde(default)]
    pub title: String,
    /// The whole question.
    pub question: String,
    /// What can be chosen; empty means that any text is an answer.
    #[serde(default)]
    pub options: Vec<QuestionOption>,
}

/// One answer that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionOption {
    /// What people see.
    pub label: String,
    /// What the agent gets.
    pub value: String,
    /// What people see once it was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_label: Option<String>,
}

/// `chat-sdk` out: something with a title, lines and links. Degrades to text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Card {
    /// The headline.
    pub title: String,
    /// The body.
    pub text: String,
    /// Name and value, shown side by side where a platform can.
    pub fields: Vec<CardField>,
}

/// One line of a [`Card`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CardField {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Reads a chat content, in or out.
///
/// # Errors
/// When it is JSON of the wrong shape; the message says which.
pub fn read<T>(content: &str) -> Result<T, ContentError>
where
    T: serde::de::DeserializeOwned,
{
    let object = match serde_json::from_str::<Value>(content) {
        Ok(Value::Object(object)) => object,
        Ok(Value::String(text)) => text_only(text),
        Ok(Value::Null) => return Err(ContentError::NotAnObject("null")),
        Ok(Value::Bool(_)) => return Err(ContentError::NotAnObject("a boolean")),
        Ok(Value::Number(_)) => return Err(ContentError::NotAnObject("a number")),
        Ok(Value::Array(_)) => return Err(ContentError::NotAnObject("an array")),
        Err(_) => text_only(content.to_owned()),
    };
    serde_json::from_value(Value::Object(object)).map_err(|e| ContentError::Field(e.to_string()))
}

fn text_only(text: String) -> Map<String, Value> {
    Map::from_iter([("text".to_owned(), Value::String(text))])
}

/// A content with the word that says what it is.
#[must_use]
pub fn tagged<T: Serialize>(word: &str, content: &T) -> Value {
    // Serialising these types cannot fail: their maps have text keys only.
    let mut value = serde_json::to_value(content).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert("type".to_owned(), Value::String(word.to_owned()));
    }
    value
}

/// Writes a content as it stands in the column.
#[must_use]
pub fn write<T: Serialize>(content: &T) -> String {
    // Serialising these types cannot fail: their maps have text keys only.
    serde_json::to_string(content).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_json_is_a_message_with_that_text() {
        let chat: ChatIn = read("hello {world").unwrap();
        assert_eq!(chat.text, "hello {world");
    }

    #[test]
    fn null_numbers_and_arrays_are_errors_with_a_message_not_panics() {
        for (content, what) in
            [("null", "null"), ("17", "a number"), ("[1]", "an array"), ("true", "a boolean")]
        {
            assert_eq!(read::<ChatIn>(content), Err(ContentError::NotAnObject(what)));
        }
    }

    #[test]
    fn unknown_fields_survive_a_round_trip() {
        let content =
            r#"{"text":"hi","mood":{"is":["good"]},"attachments":[{"name":"a","exif":1}]}"#;
        let chat: ChatIn = read(content).unwrap();
        let again: Value = serde_json::from_str(&write(&chat)).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(content).unwrap());
    }

    #[test]
    fn json_ten_thousand_deep_is_text_and_no_crash() {
        let deep = "[".repeat(10_000);
        assert!(read::<ChatIn>(&deep).is_ok_and(|chat| chat.text == deep));
    }
}
