//! `send_message`: words, now.

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec},
};
use crate::{posting::Post, reply::What};

pub(super) const SPEC: Spec = Spec {
    name: "send_message",
    about: "Says something right now, while you go on working: news of long work, or words for \
            another room or agent. Your final answer is sent by itself to where the message came \
            from, so do not use this for it, and do not repeat there what you said with this. \
            Returns the number of the message, by which you can change it.",
    fields: &[
        Field::needed("text", Kind::Text, "what to say; Markdown is understood"),
        Field::may(
            "to",
            Kind::Text,
            "a name that list_destinations shows; leave it out to answer where the current \
             message came from",
        ),
    ],
    example: r#"{"text": "The tests pass; I am packing it now.", "to": "ops"}"#,
    does: Does::Post(
        |given| {
            let what = What::Words(given.words("text"));
            Ok(Post { to: given.text("to"), what, files: Vec::new() })
        },
        After::Sent,
    ),
};
