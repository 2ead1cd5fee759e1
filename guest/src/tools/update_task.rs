//! `update_task`: another prompt, time or script for a task.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    schedule_task::{AT, EVERY, MISSED, OFTEN, SCRIPT, ZONE, how},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "update_task",
    about: "Changes a task of this conversation: what is to be done, when, or with which script. \
            What you leave out stays as it is.",
    fields: &[
        Field::needed("task", Kind::Text, "its name or id, as list_tasks tells them"),
        Field::may("prompt", Kind::Text, "what is to be done from now on, in full"),
        AT,
        EVERY,
        ZONE,
        MISSED,
        SCRIPT,
        OFTEN,
    ],
    example: r#"{"task": "morning", "every": "0 9 * * MON-FRI"}"#,
    does: Does::Post(
        |given| {
            let how = how(given);
            let prompt = given.text("prompt");
            if prompt.is_none() && how == schemas::action::TaskHow::default() {
                return Err("nothing changes: give a prompt, a time or a script".to_owned());
            }
            let task = given.words("task");
            Ok(asks(Action::UpdateTask { task, prompt, how: Box::new(how) }))
        },
        After::Request,
    ),
};
