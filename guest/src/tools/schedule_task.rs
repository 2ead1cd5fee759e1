//! `schedule_task`: something for later, once or again and again.

use schemas::{
    action::{Action, TaskHow},
    policy::Missed,
};

use super::{
    given::{Field, Given, Kind},
    spec::{After, Does, Spec, asks},
};

/// When and how, for [`SPEC`] and for `update_task`.
pub(super) const AT: Field = Field::may(
    "at",
    Kind::Text,
    "once, then: a time (2026-11-20T08:00), an hour (08:00), or +20m; without an offset it is in \
     the session's time zone",
);
pub(super) const EVERY: Field = Field::may(
    "every",
    Kind::Text,
    "again and again: a cron expression of five fields, such as 0 8 * * MON-FRI, or @daily",
);
pub(super) const ZONE: Field =
    Field::may("zone", Kind::Text, "the IANA name of the time zone that both are in");
pub(super) const MISSED: Field = Field::may(
    "missed",
    Kind::Word(&["skip", "once", "all"]),
    "what becomes of times at which the host was down; once is made up for by default",
);
pub(super) const SCRIPT: Field = Field::may(
    "script",
    Kind::Text,
    "a shell script that looks first whether there is anything to do; when its last line is \
     {\"wakeAgent\": false} nobody is woken",
);
pub(super) const OFTEN: Field = Field::may(
    "often",
    Kind::Flag,
    "true for more often than every 15 minutes without a script, on purpose",
);

pub(super) const SPEC: Spec = Spec {
    name: "schedule_task",
    about: "Has you do something later: once, or again and again. The prompt comes to you as a \
            message at each of its times, in this conversation, and your answer goes here; you \
            will not remember today's thoughts, so write into it all that you will need. Give \
            \"at\" or \"every\", not both. With a room, a person is asked first.",
    fields: &[
        Field::needed("prompt", Kind::Text, "what is to be done then, in full"),
        Field::may("name", Kind::Text, "a short name, by which you can change or cancel it"),
        AT,
        EVERY,
        ZONE,
        MISSED,
        SCRIPT,
        OFTEN,
        Field::may("room", Kind::Text, "another room to do it in, as <channel>:<platform id>"),
        Field::may("thread", Kind::Text, "a thread of that room"),
    ],
    example: r#"{"prompt": "Sum up what is open in the tracker.", "name": "morning", "every": "0 8 * * MON-FRI", "zone": "Europe/Berlin"}"#,
    does: Does::Post(
        |given| {
            if given.text("at").is_some() == given.text("every").is_some() {
                return Err("give either \"at\" (once) or \"every\" (again and again)".to_owned());
            }
            Ok(asks(Action::ScheduleTask {
                prompt: given.words("prompt"),
                name: given.text("name"),
                how: Box::new(how(given)),
                room: given.text("room"),
                thread: given.text("thread"),
            }))
        },
        After::Request,
    ),
};

pub(super) fn how(given: &Given) -> TaskHow {
    TaskHow {
        at: given.text("at"),
        every: given.text("every"),
        zone: given.text("zone"),
        missed: given.text("missed").and_then(|word| Missed::parse(&word)),
        script: given.text("script"),
        often: given.flag("often"),
    }
}
