//! `cancel_task`: never again.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "cancel_task",
    about: "Cancels a task of this conversation for good. To stop it for a while, pause it instead.",
    fields: &[Field::needed("task", Kind::Text, "its name or id, as list_tasks tells them")],
    example: r#"{"task": "morning"}"#,
    does: Does::Post(
        |given| Ok(asks(Action::CancelTask { task: given.words("task") })),
        After::Request,
    ),
};
