//! `add_reaction`: an emoji under a message.

use schemas::content::{MessageRef, Operation};

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, here},
};
use crate::{limits, reply::What};

pub(super) const SPEC: Spec = Spec {
    name: "add_reaction",
    about: "Puts an emoji under a message: the lightest way to say that you saw it, or that it is \
            done, without a message of your own.",
    fields: &[
        Field::needed("number", Kind::Number, "the number of the message, as it stands in its tag"),
        Field::needed("emoji", Kind::Text, "one emoji, or its name, such as thumbs_up"),
    ],
    example: r#"{"number": 12, "emoji": "👍"}"#,
    does: Does::Post(
        |given| {
            let message_id = MessageRef::Seq(given.number("number").unwrap_or_default());
            let emoji = given.words("emoji").trim().to_owned();
            if emoji.len() > limits::EMOJI_BYTES || emoji.chars().any(char::is_control) {
                return Err("\"emoji\" is one emoji or its name, no sentence".to_owned());
            }
            Ok(here(What::Change(Operation::Reaction { message_id, emoji })))
        },
        After::Changed,
    ),
};
