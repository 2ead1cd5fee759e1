//! `list_tasks`: what is scheduled in this conversation.

use schemas::action::Action;

use super::spec::{After, Does, Spec, asks};

pub(super) const SPEC: Spec = Spec {
    name: "list_tasks",
    about: "Asks what is scheduled in this conversation: names, times, and whether they are \
            paused. The list comes to you as a message of its own.",
    fields: &[],
    example: "{}",
    does: Does::Post(|_| Ok(asks(Action::ListTasks {})), After::Request),
};
