//! `send_card`: something with a title and lines.

use schemas::content::{Card, CardField};

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec},
};
use crate::{posting::Post, reply::What};

pub(super) const SPEC: Spec = Spec {
    name: "send_card",
    about: "Shows a card: a headline, some text, and lines of name and value side by side. For \
            the state of something at a glance, such as a build or an order. Where a platform has \
            no cards it becomes text. Returns the number of the message.",
    fields: &[
        Field::needed("title", Kind::Text, "the headline"),
        Field::may("text", Kind::Text, "the body"),
        Field::may("fields", Kind::Pairs, "lines of name and value"),
        Field::may(
            "to",
            Kind::Text,
            "a name that list_destinations shows; leave it out to show it here",
        ),
    ],
    example: r#"{"title": "Build 41", "fields": [{"name": "tests", "value": "212 passed"}]}"#,
    does: Does::Post(
        |given| {
            let field = |(name, value)| CardField { name, value };
            let card = Card {
                title: given.words("title"),
                text: given.text("text").unwrap_or_default(),
                fields: given.pairs("fields").into_iter().map(field).collect(),
            };
            Ok(Post { to: given.text("to"), what: What::Show(card), files: Vec::new() })
        },
        After::Sent,
    ),
};
