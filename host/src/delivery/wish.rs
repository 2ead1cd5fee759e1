//! PURE: what a guest's row asks for. Its words are hostile input.
//!
//! Owns the closed set of what a row can be: something to post, an action, or nothing that can be
//! done, with the reason. Every part that a guest chose is bounded here.

use schemas::{
    action::ActionRequest,
    content::{self, Card, ChatOut, MessageRef, Operation, Question},
    ids::SessionId,
    message::{Kind, OutboundRow},
};
use serde_json::{Map, Value};

use super::permit::{Reach, permit};
use crate::{
    channels::{Body, Of, Post},
    limits,
};

/// What an outbound row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Post this.
    Post(Post),
    /// Do this; the answer names the request.
    Act(String, ActionRequest),
    /// It asks for an action, and none can be read; the answer names the request.
    NoAct(String, String),
    /// Nothing can be done with it; the agent is told why.
    Refuse(String),
}

/// Reads a guest's row.
#[must_use]
pub fn wish(session: &SessionId, row: &OutboundRow, reach: &Reach) -> Wish {
    let body = match row.kind {
        Kind::Chat | Kind::ChatSdk => said(session, &row.content),
        Kind::System => return act(row),
        Kind::Task | Kind::Webhook => {
            return Wish::Refuse(format!("a row of kind {} cannot be sent", row.kind.as_str()));
        }
    };
    let (body, files) = match body {
        Ok(said) => said,
        Err(why) => return Wish::Refuse(why),
    };
    let address = match permit(row.address.as_ref(), reach) {
        Ok(address) => address,
        Err(refusal) => return Wish::Refuse(refusal.to_string()),
    };
    Wish::Post(Post {
        session: session.clone(),
        message: row.id.clone(),
        part: 0,
        seq: row.seq,
        in_reply_to: row.in_reply_to.clone(),
        address,
        body,
        files,
    })
}

fn act(row: &OutboundRow) -> Wish {
    let object: Map<String, Value> = match content::read(&row.content) {
        Ok(object) => object,
        Err(why) => return Wish::NoAct(row.id.to_string(), why.to_string()),
    };
    let named = object.get("requestId").and_then(Value::as_str);
    let named = named.filter(|id| plain(id, limits::action::GUEST_ID_BYTES));
    let id = named.map_or_else(|| row.id.to_string(), str::to_owned);
    match serde_json::from_value(Value::Object(object)) {
        Ok(request) => Wish::Act(id, request),
        Err(why) => Wish::NoAct(id, why.to_string().chars().take(limits::REASON_CHARS).collect()),
    }
}

fn said(session: &SessionId, text: &str) -> Result<(Body, Vec<String>), String> {
    let chat: ChatOut = content::read(text).map_err(|error| error.to_string())?;
    let whole = || Value::Object(chat.extra.clone());
    if chat.extra.contains_key("operation") {
        let mut operation = whole();
        if let Value::Object(fields) = &mut operation {
            fields.insert("text".to_owned(), Value::String(chat.text));
        }
        let operation = serde_json::from_value(operation).map_err(|e| format!("operation: {e}"))?;
        return Ok((changed(operation)?, Vec::new()));
    }
    match chat.extra.get("type").and_then(Value::as_str) {
        Some("ask_question") => {
            let question = serde_json::from_value(whole()).map_err(|e| format!("question: {e}"))?;
            Ok((asked(session, question)?, Vec::new()))
        }
        // A card's own text stands where a message's does.
        Some("card") => {
            let card: Card = serde_json::from_value(whole()).map_err(|e| format!("card: {e}"))?;
            Ok((carded(Card { text: chat.text, ..card })?, chat.files))
        }
        Some(_) | None => Ok((Body::Text(chat.text), chat.files)),
    }
}

fn changed(operation: Operation) -> Result<Body, String> {
    let of = |named: MessageRef| match &named {
        MessageRef::Id(id) if !plain(id, limits::action::GUEST_ID_BYTES) => {
            Err("messageId is no message's id".to_owned())
        }
        MessageRef::Id(_) | MessageRef::Seq(_) => Ok(Of { named, platform_id: None }),
    };
    match operation {
        Operation::Edit { message_id, text } => Ok(Body::Edit { of: of(message_id)?, text }),
        Operation::Reaction { emoji, .. } if !plain(&emoji, limits::action::EMOJI_BYTES) => {
            Err("that is no emoji".to_owned())
        }
        Operation::Reaction { message_id, emoji } => {
            Ok(Body::Reaction { of: of(message_id)?, emoji })
        }
    }
}

fn asked(session: &SessionId, question: Question) -> Result<Body, String> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id = &question.question_id;
    if !plain(id, limits::action::GUEST_ID_BYTES) || !id.chars().all(word) {
        return Err("questionId must be a word of a-z, 0-9, -, _ and .".to_owned());
    }
    if question.question.trim().is_empty() {
        return Err("the question is empty".to_owned());
    }
    if question.options.len() > limits::action::QUESTION_OPTIONS {
        return Err(format!("a question has at most {} options", limits::action::QUESTION_OPTIONS));
    }
    let fits = |text: &str| plain(text, limits::action::OPTION_BYTES);
    if !question.options.iter().all(|one| fits(&one.label) && fits(&one.value)) {
        return Err(format!(
            "an option is one line of at most {} bytes, and not empty",
            limits::action::OPTION_BYTES
        ));
    }
    Ok(Body::Question(format!("{session}:{id}"), question))
}

fn carded(card: Card) -> Result<Body, String> {
    if card.fields.len() > limits::action::CARD_FIELDS {
        return Err(format!("a card has at most {} fields", limits::action::CARD_FIELDS));
    }
    Ok(Body::Card(card))
}

/// One line, not empty, and short.
fn plain(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.len() <= most && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::{action::Action, ids::MessageId, message::Address};

    use super::*;

    fn read(kind: Kind, content: &str) -> Wish {
        let here = Address {
            channel_type: "terminal".to_owned(),
            platform_id: "lobby".to_owned(),
            thread_id: None,
        };
        let reach = Reach { default: Some(here), ..Reach::default() };
        let row = OutboundRow {
            id: MessageId::parse("m1").unwrap(),
            seq: 3,
            in_reply_to: None,
            deliver_after: None,
            kind,
            address: None,
            content: content.to_owned(),
            run: None,
            written_at: None,
        };
        wish(&SessionId::mint(Timestamp::UNIX_EPOCH), &row, &reach)
    }

    #[track_caller]
    fn body(content: &str) -> Body {
        let Wish::Post(post) = read(Kind::Chat, content) else { panic!("{content} is no post") };
        post.body
    }

    #[track_caller]
    fn refused(content: &str, why: &str) {
        let Wish::Refuse(reason) = read(Kind::ChatSdk, content) else {
            panic!("{content} is not refused")
        };
        assert!(reason.contains(why), "{content}: {reason}");
    }

    #[test]
    fn a_row_is_read_as_what_it_says() {
        assert_eq!(body("plain words"), Body::Text("plain words".to_owned()));
        assert_eq!(body(r#"{"text":"hi","mood":1}"#), Body::Text("hi".to_owned()));
        let of = |named| Of { named, platform_id: None };
        assert_eq!(
            body(r#"{"operation":"edit","messageId":3,"text":"hi"}"#),
            Body::Edit { of: of(MessageRef::Seq(3)), text: "hi".to_owned() }
        );
        assert_eq!(
            body(r#"{"operation":"reaction","messageId":"m1","emoji":"👍"}"#),
            Body::Reaction { of: of(MessageRef::Id("m1".to_owned())), emoji: "👍".to_owned() }
        );
        let card = body(r#"{"type":"card","title":"T","text":"x","fields":[{"name":"n"}]}"#);
        assert!(matches!(card, Body::Card(card) if card.text == "x" && card.fields.len() == 1));
        let question = r#"{"type":"ask_question","questionId":"q1","question":"Well?"}"#;
        assert!(matches!(body(question), Body::Question(id, _) if id.ends_with(":q1")));
    }

    #[test]
    fn what_a_guest_chose_is_bounded() {
        let long = "x".repeat(1 << 20);
        refused(&format!(r#"{{"operation":"edit","messageId":"{long}"}}"#), "messageId");
        refused(r#"{"operation":"delete","messageId":3}"#, "operation");
        refused(r#"{"operation":"edit","messageId":[]}"#, "operation");
        refused(r#"{"operation":"reaction","messageId":3,"emoji":"a\nb"}"#, "emoji");
        let ask = |rest: &str| format!(r#"{{"type":"ask_question",{rest}}}"#);
        refused(&ask(r#""questionId":"a:b","question":"x""#), "questionId");
        refused(&ask(&format!(r#""questionId":"{long}","question":"x""#)), "questionId");
        refused(&ask(r#""questionId":"q","question":" ""#), "empty");
        let options = vec![r#"{"label":"a","value":"a"}"#; 1_000_000 / 30].join(",");
        refused(&ask(&format!(r#""questionId":"q","question":"x","options":[{options}]"#)), "most");
        refused(
            &ask(r#""questionId":"q","question":"x","options":[{"label":"","value":"a"}]"#),
            "option",
        );
    }

    #[test]
    fn an_action_names_its_request_or_its_row() {
        let admin = |id: &str, rest: &str| format!(r#"{{{id}"action":"admin","args":[{rest}]}}"#);
        let Wish::Act(id, request) = read(Kind::System, &admin(r#""requestId":"r1","#, "\"x\""))
        else {
            panic!("no action")
        };
        assert_eq!(id, "r1");
        assert_eq!(request.action, Action::Admin { args: vec!["x".to_owned()] });
        for (named, content) in [
            ("m1", admin("", "")),
            ("m1", admin(r#""requestId":"a\nb","#, "")),
            ("m1", admin(&format!(r#""requestId":"{}","#, "x".repeat(1 << 20)), "")),
        ] {
            assert!(matches!(read(Kind::System, &content), Wish::Act(id, _) if id == named));
        }
    }

    #[test]
    fn what_is_no_action_is_answered_with_the_reason() {
        for (content, id) in [
            (r#"{"requestId":"r1","action":"fly"}"#.to_owned(), "r1"),
            (r#"{"action":"admin","args":7}"#.to_owned(), "m1"),
            ("null".to_owned(), "m1"),
            (format!(r#"{{"action":{}"#, "[".repeat(10_000)), "m1"),
        ] {
            assert!(matches!(read(Kind::System, &content), Wish::NoAct(named, _) if named == id));
        }
    }
}
