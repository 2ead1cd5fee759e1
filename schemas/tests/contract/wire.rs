//! What travels as JSON: its schemas are files, and change only with them.

use std::{collections::BTreeSet, fs};

use schemars::{JsonSchema, Schema, schema_for};
use schemas::{
    action::ActionRequest,
    admin::{
        Accepted, AdminAnswer, Agent, NewAgent, Problem, RoomEvent, RunInfo, SendMessage,
        SessionInfo, Status,
    },
    content::{Card, ChatIn, ChatOut, Operation, Question, SystemIn},
    model_call::ModelCalls,
    session_file::SessionFile,
};

use crate::compare::{difference, in_crate};

/// Everything that travels as JSON. A new type is one line here.
fn wire() -> Vec<(&'static str, Schema)> {
    vec![
        ("chat_in", schema::<ChatIn>()),
        ("chat_out", schema::<ChatOut>()),
        ("operation", schema::<Operation>()),
        ("question", schema::<Question>()),
        ("card", schema::<Card>()),
        ("action_request", schema::<ActionRequest>()),
        ("system_in", schema::<SystemIn>()),
        ("session_file", schema::<SessionFile>()),
        ("model_calls", schema::<ModelCalls>()),
        ("admin_new_agent", schema::<NewAgent>()),
        ("admin_agent", schema::<Agent>()),
        ("admin_send_message", schema::<SendMessage>()),
        ("admin_accepted", schema::<Accepted>()),
        ("admin_room_event", schema::<RoomEvent>()),
        ("admin_session_info", schema::<SessionInfo>()),
        ("admin_run_info", schema::<RunInfo>()),
        ("admin_status", schema::<Status>()),
        ("admin_answer", schema::<AdminAnswer>()),
        ("admin_problem", schema::<Problem>()),
    ]
}

fn schema<T: JsonSchema>() -> Schema {
    schema_for!(T)
}

#[test]
fn the_json_schemas_of_what_travels_are_unchanged() {
    let changed: Vec<String> = wire()
        .into_iter()
        .filter_map(|(name, schema)| {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            difference(&format!("wire/{name}.json"), &text)
        })
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
    let known: BTreeSet<String> =
        wire().into_iter().map(|(name, _)| format!("{name}.json")).collect();
    let entries = fs::read_dir(in_crate("wire")).unwrap();
    let found: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, known);
}

#[test]
fn no_answer_names_a_providers_own_session() {
    for (name, schema) in wire().into_iter().filter(|(name, _)| name.starts_with("admin_")) {
        let text = serde_json::to_string(&schema).unwrap();
        assert!(!text.contains("native"), "{name}");
    }
}
