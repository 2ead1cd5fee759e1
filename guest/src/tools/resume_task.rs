//! `resume_task`: from its next time on again.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "resume_task",
    about: "Resumes a task of this conversation that was paused, from its next time on. What it missed meanwhile is not made up for.",
    fields: &[Field::needed("task", Kind::Text, "its name or id, as list_tasks tells them")],
    example: r#"{"task": "morning"}"#,
    does: Does::Post(
        |given| Ok(asks(Action::ResumeTask { task: given.words("task") })),
        After::Request,
    ),
};
