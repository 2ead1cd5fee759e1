//! `create_agent`: a new agent that can be written to.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "create_agent",
    about: "Asks for a new agent with a machine and a memory of its own, to which you can send by \
            its name. For work that somebody else should do again and again. A person agrees \
            first.",
    fields: &[
        Field::needed("name", Kind::Text, "its name: lower-case letters, digits and -"),
        Field::may("prompt", Kind::Text, "what it is told about itself and its work"),
    ],
    example: r#"{"name": "reviewer", "prompt": "You review what others wrote."}"#,
    does: Does::Post(
        |given| {
            let (name, prompt) = (given.words("name"), given.text("prompt"));
            Ok(asks(Action::CreateAgent { name, prompt }))
        },
        After::Request,
    ),
};
