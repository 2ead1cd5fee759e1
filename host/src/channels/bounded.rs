//! PURE: what a platform hands over, within bounds.
//!
//! Owns that nothing a stranger chose has no end before it is stored, shown or put into a prompt:
//! names are cut, and of a text that is too long its beginning is said and the whole comes along as
//! a file. A platform does not take a message back, so nothing is refused here for its length; a
//! file that is too large says so itself, as every file does. Its ids are checked where it is taken
//! in: they cannot be cut.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    content::{self, Attachment, ChatIn, Extra, ReplyTo},
    limits::MAX_ATTACHMENTS,
};

use super::{Inbound, Sender};
use crate::{
    limits::{channel as limits, route::RULE_TEXT_BYTES},
    text::bounds,
};

/// A message whose every part is within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded(Inbound);

impl Bounded {
    /// Cuts what is too long. With its files a message may have hundreds of megabytes: this is done
    /// by whoever brings it, beside the host's loops.
    #[must_use]
    pub fn of(message: Inbound) -> Self {
        let sender = match message.sender {
            Sender::Operator => Sender::Operator,
            Sender::Platform { id, name } => Sender::Platform { id, name: named(name) },
        };
        Self(Inbound {
            sender,
            text: cut(message.text, RULE_TEXT_BYTES),
            content: within(message.content),
            room_name: message.room_name.map(named),
            ..message
        })
    }

    /// The message.
    #[must_use]
    pub fn into_inner(self) -> Inbound {
        self.0
    }
}

fn within(content: String) -> String {
    let Ok(chat) = content::read::<ChatIn>(&content) else {
        // Its agent hears that it cannot be read; of one without end there is nothing else to hear.
        let endless = content.len() > limits::TEXT_BYTES;
        return if endless { bounds::UNREADABLE.to_owned() } else { content };
    };
    let (text, whole) = said(chat.text);
    let mut attachments = files(chat.attachments);
    attachments.extend(whole);
    let chat = ChatIn {
        sender: chat.sender.map(named),
        sender_id: chat.sender_id.map(named),
        text,
        attachments,
        reply_to: chat.reply_to.map(|to| ReplyTo {
            sender: to.sender.map(named),
            text: to.text.map(|text| cut(text, limits::QUOTE_BYTES)),
            ..to
        }),
        extra: few(chat.extra),
    };
    content::write(&chat)
}

/// What is said, and the whole of it as a file where that is only its beginning.
fn said(text: String) -> (String, Option<Attachment>) {
    if text.len() <= limits::TEXT_BYTES {
        return (text, None);
    }
    let whole = Attachment {
        name: Some(bounds::WHOLE_TEXT.to_owned()),
        mime: Some("text/plain".to_owned()),
        data: Some(STANDARD.encode(&text)),
        ..Attachment::default()
    };
    let marker = bounds::goes_on_in_a_file();
    let beginning = cut(text, limits::TEXT_BYTES - marker.len());
    (format!("{beginning}{marker}"), Some(whole))
}

/// So many files as a message can have; the first of the others says how many there are.
fn files(mut all: Vec<Attachment>) -> Vec<Attachment> {
    let over = all.len().saturating_sub(MAX_ATTACHMENTS);
    all.truncate(MAX_ATTACHMENTS);
    if over > 0 {
        let error = Some(bounds::files_left_out(over));
        all.push(Attachment { error, ..Attachment::default() });
    }
    let bounded = |file: Attachment| Attachment {
        name: file.name.map(|name| cut(name, limits::QUOTE_BYTES)),
        mime: file.mime.map(named),
        local_path: None,
        error: file.error.map(named),
        extra: few(file.extra),
        ..file
    };
    all.into_iter().map(bounded).collect()
}

/// Fields that we do not know, while they are few.
fn few(extra: Extra) -> Extra {
    if content::write(&extra).len() > limits::EXTRA_BYTES { Extra::new() } else { extra }
}

fn named(name: String) -> String {
    match name.char_indices().nth(limits::NAME_CHARS) {
        Some((at, _)) => cut(name, at),
        None => name,
    }
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use schemas::message::Address;

    use super::*;

    fn message(name: &str, content: String) -> Inbound {
        let address = Address {
            channel_type: "slack".to_owned(),
            platform_id: "C1".to_owned(),
            thread_id: None,
        };
        Inbound {
            address,
            id: "m1".to_owned(),
            sender: Sender::Platform { id: "slack:eve".to_owned(), name: name.to_owned() },
            text: content.clone(),
            content,
            at: Timestamp::UNIX_EPOCH,
            mentioned: true,
            is_group: true,
            room_name: Some(name.to_owned()),
            client_id: None,
            digest: None,
        }
    }

    fn bounded(name: &str, content: String) -> Inbound {
        Bounded::of(message(name, content)).into_inner()
    }

    #[test]
    fn what_people_say_stays_as_it_is() {
        let chat = r#"{"sender":"eve","text":"hello","attachments":[{"name":"a.txt","data":"aGk="}],"reply_to":null,"mood":1}"#;
        let kept: ChatIn = content::read(&bounded("eve", chat.to_owned()).content).unwrap();
        assert_eq!(kept, content::read(chat).unwrap());
    }

    #[test]
    fn of_a_text_that_is_too_long_its_beginning_is_said_and_the_whole_is_a_file() {
        let long = "é".repeat(limits::TEXT_BYTES);
        let chat = ChatIn { text: long.clone(), ..ChatIn::default() };
        let kept: ChatIn = content::read(&bounded("eve", content::write(&chat)).content).unwrap();
        assert!(kept.text.len() <= limits::TEXT_BYTES);
        assert!(kept.text.ends_with(&bounds::goes_on_in_a_file()));
        let data = kept.attachments[0].data.as_ref().unwrap();
        assert_eq!(STANDARD.decode(data).unwrap(), long.into_bytes());
    }

    #[test]
    fn a_million_files_are_a_hundred_and_a_count() {
        let chat = ChatIn { attachments: vec![Attachment::default(); 5_000], ..ChatIn::default() };
        let kept: ChatIn = content::read(&bounded("eve", content::write(&chat)).content).unwrap();
        assert_eq!(kept.attachments.len(), MAX_ATTACHMENTS + 1);
        assert!(kept.attachments[MAX_ATTACHMENTS].error.as_ref().unwrap().contains("4900"));
    }

    proptest! {
        #[test]
        fn every_part_of_any_message_is_within_bounds_and_twice_is_once(
            name in any::<String>(), words in any::<String>(), times in 0_usize..60_000,
            field in prop::sample::select(vec![
                "text", "sender", "senderId", "mood", "attachments", "replyTo",
            ]),
            nested in any::<bool>(),
        ) {
            let long = words.repeat(times / words.len().max(1));
            let value = match (field, nested) {
                ("attachments", _) => serde_json::json!([{ "name": long, "mime": long, "x": long }]),
                ("replyTo", _) => serde_json::json!({ "text": long, "sender": long }),
                (_, true) => serde_json::json!([long]),
                (_, false) => serde_json::json!(long),
            };
            let content = serde_json::json!({ field: value }).to_string();
            let once = bounded(&name.repeat(40), content);
            prop_assert!(once.sender.name().is_none_or(|n| n.chars().count() <= limits::NAME_CHARS));
            prop_assert!(once.room_name.as_ref().unwrap().chars().count() <= limits::NAME_CHARS);
            prop_assert_eq!(Bounded::of(once.clone()).into_inner(), once.clone());
            if let Ok(chat) = content::read::<ChatIn>(&once.content) {
                prop_assert!(chat.text.len() <= limits::TEXT_BYTES);
                prop_assert!(content::write(&chat.extra).len() <= limits::EXTRA_BYTES);
            }
        }
    }
}
