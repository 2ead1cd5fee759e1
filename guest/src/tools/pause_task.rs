//! `pause_task`: not before it is resumed.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "pause_task",
    about: "Pauses a task of this conversation: it is not done again before you resume it.",
    fields: &[Field::needed("task", Kind::Text, "its name or id, as list_tasks tells them")],
    example: r#"{"task": "morning"}"#,
    does: Does::Post(
        |given| Ok(asks(Action::PauseTask { task: given.words("task") })),
        After::Request,
    ),
};
