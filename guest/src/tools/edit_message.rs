//! `edit_message`: other words for what was said.

use schemas::content::{MessageRef, Operation};

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, here},
};
use crate::reply::What;

pub(super) const SPEC: Spec = Spec {
    name: "edit_message",
    about: "Replaces the text of a message that you sent, for example to keep one line of \
            progress up to date instead of sending many. Only messages of your own can be \
            changed, and only where the platform lets you; elsewhere the new text is said anew.",
    fields: &[
        Field::needed("number", Kind::Number, "the number that send_message returned; it is odd"),
        Field::needed("text", Kind::Text, "the whole new text"),
    ],
    example: r#"{"number": 13, "text": "Step 2 of 3 is done."}"#,
    does: Does::Post(
        |given| {
            let number = given.number("number").unwrap_or_default();
            if number % 2 == 0 {
                return Err(format!(
                    "message {number} is not yours: what you said has odd numbers, what others \
                     said even ones"
                ));
            }
            let message_id = MessageRef::Seq(number);
            Ok(here(What::Change(Operation::Edit { message_id, text: given.words("text") })))
        },
        After::Changed,
    ),
};
