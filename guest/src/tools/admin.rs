//! `admin`: one of the operator's commands.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "admin",
    about: "Runs one of the operator's commands (agents, rooms, wirings, destinations, sessions, \
            messages, tasks, …), as its words after `lazaret`. What you may is set by a person: \
            often nothing, and what changes something is asked of them first. Begin with \
            [\"--help\"].",
    fields: &[Field::needed("args", Kind::Texts, "the words of the command, one each")],
    example: r#"{"args": ["agents", "list"]}"#,
    does: Does::Post(
        |given| {
            let args = given.texts("args");
            if args.is_empty() {
                return Err("\"args\" must name a command, for example [\"--help\"]".to_owned());
            }
            Ok(asks(Action::Admin { args }))
        },
        After::Request,
    ),
};
