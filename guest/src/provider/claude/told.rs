//! What Claude Code is told, line by line. PURE.
//!
//! Owns the shapes of its input. Each is one line of JSON; anything else would end its process.

use serde_json::{Map, Value, json};

/// The name of our tools' server.
pub(super) const SERVER: &str = "lazaret";

/// Something a person says, under an id of its own: the same id twice is heard once.
pub(super) fn says(id: &str, content: &Value) -> String {
    let message = json!({"role": "user", "content": content});
    json!({"type": "user", "message": message, "uuid": id, "priority": "next"}).to_string()
}

/// The first request: what it is to be, and which of our tools it may ask for. It would keep the
/// system prompt of a conversation's first start, whatever a later one says; so it is told not to.
pub(super) fn initialize(id: &str, system_prompt: &str, with_tools: bool) -> String {
    let mut request = Map::from_iter([
        ("subtype".to_owned(), "initialize".into()),
        ("systemPromptSnapshot".to_owned(), false.into()),
    ]);
    if !system_prompt.is_empty() {
        request.insert("appendSystemPrompt".to_owned(), system_prompt.into());
    }
    if with_tools {
        request.insert("sdkMcpServers".to_owned(), json!([SERVER]));
    }
    asks(id, &Value::Object(request))
}

/// Ends the turn at work.
pub(super) fn interrupt(id: &str) -> String {
    asks(id, &json!({"subtype": "interrupt"}))
}

/// Takes back what it has not begun with.
pub(super) fn take_back(id: &str, input: &str) -> String {
    asks(id, &json!({"subtype": "cancel_async_message", "message_uuid": input}))
}

/// Another model from now on.
pub(super) fn set_model(id: &str, model: &str) -> String {
    asks(id, &json!({"subtype": "set_model", "model": model}))
}

/// A word of our tools that answers nothing.
pub(super) fn tools_say(id: &str, message: &Value) -> String {
    asks(id, &json!({"subtype": "mcp_message", "server_name": SERVER, "message": message}))
}

/// A tool may act, with the input that it asked for.
pub(super) fn may_act(request: &str, input: &Value) -> String {
    answers(request, &json!({"behavior": "allow", "updatedInput": input}))
}

/// It may not, and why, for the model.
pub(super) fn may_not(request: &str, why: &str) -> String {
    answers(request, &json!({"behavior": "deny", "message": why}))
}

/// What our tools answered.
pub(super) fn tools_answer(request: &str, message: &Value) -> String {
    answers(request, &json!({"mcp_response": message}))
}

/// Nobody here knows what was asked for.
pub(super) fn unknown(request: &str, what: &str) -> String {
    let error = format!("{what:?} is not known here");
    json!({"type": "control_response", "response": {
        "subtype": "error", "request_id": request, "error": error}})
    .to_string()
}

fn asks(id: &str, request: &Value) -> String {
    json!({"type": "control_request", "request_id": id, "request": request}).to_string()
}

fn answers(request: &str, response: &Value) -> String {
    json!({"type": "control_response", "response": {
        "subtype": "success", "request_id": request, "response": response}})
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_one_line_whatever_is_said() {
        let words = json!("a\nb \u{2028} \"c\"");
        for line in [
            says("u", &words),
            initialize("r", "be\nbrief", true),
            may_act("r", &json!({"command": "a\nb"})),
            may_not("r", "no\nroom"),
            unknown("r", "dance\n"),
        ] {
            assert!(!line.contains('\n'), "{line}");
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
        }
        assert!(!initialize("r", "", false).contains("appendSystemPrompt"));
    }
}
