//! What an agent can do besides answering: the guest's own tools, offered over MCP.
//!
//! Owns the list of them (`ALL`) and the one way from a call to what comes of it: arguments are
//! checked, names looked up, what is to happen is posted through the turn ([`Sink::post`]), and
//! only then the model is told. Whatever goes wrong is told to the model in words that it can mend
//! it by; nothing that it gives is an error of the protocol. Each tool is one file.
//!
//! [`Sink::post`]: crate::provider::Sink::post

mod desk;
mod given;
mod server;
mod socket;
mod spec;

mod add_mcp_server;
mod add_reaction;
mod admin;
mod ask_user_question;
mod cancel_task;
mod create_agent;
mod edit_message;
mod install_packages;
mod list_destinations;
mod list_tasks;
mod pause_task;
mod request_destination;
mod resume_task;
mod schedule_task;
mod search_history;
mod send_card;
mod send_file;
mod send_message;
mod update_task;

use serde_json::{Map, Value};

pub use desk::Desk;
pub(crate) use desk::{Seat, Seated};
pub use server::serve;
pub use socket::{Listener, pipe};

use crate::{limits, posting::Post};
use spec::{Does, Spec};

/// Every tool.
const ALL: &[&Spec] = &[
    &send_message::SPEC,
    &send_file::SPEC,
    &edit_message::SPEC,
    &add_reaction::SPEC,
    &ask_user_question::SPEC,
    &send_card::SPEC,
    &list_destinations::SPEC,
    &request_destination::SPEC,
    &search_history::SPEC,
    &schedule_task::SPEC,
    &list_tasks::SPEC,
    &update_task::SPEC,
    &pause_task::SPEC,
    &resume_task::SPEC,
    &cancel_task::SPEC,
    &create_agent::SPEC,
    &install_packages::SPEC,
    &add_mcp_server::SPEC,
    &admin::SPEC,
];

/// The names of all tools, for a provider that must allow them one by one.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|spec| spec.name)
}

/// What a model gets back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The words.
    pub text: String,
    /// Whether nothing was done.
    pub is_error: bool,
}

/// Uses a tool within the turn at work.
pub async fn call(desk: &Desk, name: &str, arguments: &Value) -> Called {
    match attempt(desk, name, arguments).await {
        Ok(text) => Called { text, is_error: false },
        Err(text) => Called { text, is_error: true },
    }
}

async fn attempt(desk: &Desk, name: &str, arguments: &Value) -> Result<String, String> {
    let Some(spec) = ALL.iter().find(|spec| spec.name == name) else {
        let name: String = name.chars().take(limits::NAME_CHARS).collect();
        let known: Vec<&str> = names().collect();
        return Err(format!("there is no tool {name:?}; there are {}", known.join(", ")));
    };
    let given = given_to(spec, arguments)?;
    let Some(seat) = desk.seat() else {
        return Err("no message is being worked on, so nothing can be done or said now; it is \
                    possible again with the next message"
            .to_owned());
    };
    match &spec.does {
        Does::Look(look) => look(&given, &seat),
        Does::Post(plan, after) => {
            let mut post = plan(&given).map_err(|why| with_example(spec, &why))?;
            send_file::find(&mut post, &seat.work)?;
            is_known(&post, &seat)?;
            match seat.sink.post(post).await {
                Ok(posted) => Ok(after.told(&posted)),
                Err(_not_written) => Err("it could not be written down, so nothing was sent or \
                                          asked for; trying once more may help"
                    .to_owned()),
            }
        }
    }
}

fn given_to(spec: &Spec, arguments: &Value) -> Result<given::Given, String> {
    let none = Map::new();
    let arguments = match arguments {
        Value::Null => &none,
        Value::Object(fields) => fields,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(with_example(spec, "the arguments must be one JSON object"));
        }
    };
    given::read(spec.fields, arguments).map_err(|why| with_example(spec, &why))
}

fn with_example(spec: &Spec, why: &str) -> String {
    format!("{why}. Nothing was done. An example for {}: {}", spec.name, spec.example)
}

/// A name that nobody has is told with those that there are. Whether it may be reached is the
/// host's word in the end.
fn is_known(post: &Post, seat: &Seat) -> Result<(), String> {
    let Some(to) = &post.to else { return Ok(()) };
    let book = seat.sink.destinations();
    let book = book.map_err(|error| format!("the address book cannot be read now ({error})"))?;
    if book.iter().any(|entry| entry.name == *to) {
        return Ok(());
    }
    let to: String = to.chars().take(limits::NAME_CHARS).collect();
    let known: Vec<&str> = book.iter().map(|entry| entry.name.as_str()).collect();
    let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
    Err(format!(
        "there is no destination {to:?}; the names are: {known}. Nothing was sent. Leave \"to\" \
         out to answer where the current message came from"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_right_and_every_schema_says_what_is_needed() {
        for spec in ALL {
            let example: Value = serde_json::from_str(spec.example).unwrap();
            let given = given_to(spec, &example).unwrap();
            if let Does::Post(plan, _) = &spec.does {
                plan(&given).unwrap();
            }
            let schema = given::schema(spec.fields);
            assert_eq!(schema["type"], "object", "{}", spec.name);
            let whole = |text: &str| text.ends_with(['.', ']']);
            assert!(whole(spec.about) && spec.about.len() > 60, "{}", spec.name);
            assert!(spec.fields.iter().all(|field| field.about.len() > 4), "{}", spec.name);
        }
        let mut all: Vec<&str> = names().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALL.len());
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_in_words_that_mend_it() {
        let desk = Desk::default();
        let told = async |name: &str, arguments: &str| {
            let arguments = serde_json::from_str(arguments).unwrap();
            let called = call(&desk, name, &arguments).await;
            assert!(called.is_error);
            called.text
        };
        insta::assert_snapshot!(
            told("edit_message", r#"{"number": "3", "text": "x"}"#).await,
            @r#""number" must be a whole number, not the text "3". Nothing was done. An example for edit_message: {"number": 13, "text": "Step 2 of 3 is done."}"#
        );
        assert!(told("send_message", "[1]").await.contains("one JSON object"));
        assert!(told("sendmessage", "{}").await.contains("there are send_message"));
        let outside = told("send_message", r#"{"text": "x"}"#).await;
        assert!(outside.contains("no message is being worked on"), "{outside}");
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_before_anything_happens() {
        let plan = |name: &str, arguments: &str| {
            let spec = ALL.iter().find(|spec| spec.name == name).unwrap();
            let given = given_to(spec, &serde_json::from_str(arguments).unwrap()).unwrap();
            let Does::Post(plan, _) = &spec.does else { panic!("{name} only looks") };
            plan(&given).map(drop).unwrap_err()
        };
        assert!(plan("edit_message", r#"{"number":2,"text":"x"}"#).contains("not yours"));
        assert!(plan("schedule_task", r#"{"prompt":"x"}"#).contains("either"));
        let both = r#"{"prompt":"x","at":"+1m","every":"@daily"}"#;
        assert!(plan("schedule_task", both).contains("either"));
        assert!(plan("update_task", r#"{"task":"x"}"#).contains("nothing changes"));
        assert!(plan("install_packages", r#"{"reason":"x"}"#).contains("at least one"));
        assert!(plan("request_destination", r#"{"name":"x"}"#).contains("either"));
        assert!(plan("admin", r#"{"args":[]}"#).contains("--help"));
        assert!(plan("add_reaction", r#"{"number":2,"emoji":"a\nb"}"#).contains("one emoji"));
        let empty = r#"{"question":"x","options":[" "]}"#;
        assert!(plan("ask_user_question", empty).contains("at most 25"));
    }
}
