//! `request_destination`: another name in the address book.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "request_destination",
    about: "Asks a person to let you send to another room or agent, under a name that you choose. \
            Give \"room\" or \"agent\". Until they agree you cannot send there.",
    fields: &[
        Field::needed("name", Kind::Text, "the name that you will use"),
        Field::may("room", Kind::Text, "a room, as <channel>:<platform id>"),
        Field::may("agent", Kind::Text, "or an agent, by its name"),
        Field::may("reason", Kind::Text, "why, for the person who decides"),
    ],
    example: r#"{"name": "ops", "room": "slack:C0123", "reason": "To tell them when a build fails."}"#,
    does: Does::Post(
        |given| {
            let (room, agent) = (given.text("room"), given.text("agent"));
            if room.is_some() == agent.is_some() {
                return Err("give either \"room\" or \"agent\"".to_owned());
            }
            let (name, reason) = (given.words("name"), given.text("reason"));
            Ok(asks(Action::RequestDestination { name, room, agent, reason }))
        },
        After::Request,
    ),
};
