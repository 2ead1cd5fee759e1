//! What holds of every request that an interface takes, as its own documentation says: what a real
//! one would refuse is named here. PURE.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    asked::{list, text},
    seen::Api,
};

/// What is wrong about a request.
pub(crate) fn wrong(api: Api, body: &Value, key: Option<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut holds = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    holds(key.is_some(), "no key came with it");
    holds(!text(body, "model").is_empty(), "no model");
    match api {
        Api::Messages => {
            holds(body.get("max_tokens").is_some_and(Value::is_u64), "no max_tokens");
            holds(!list(body, "messages").is_empty(), "no messages");
            wrong.extend(in_messages(list(body, "messages")));
        }
        Api::Chat => {
            holds(!list(body, "messages").is_empty(), "no messages");
            wrong.extend(in_chat(list(body, "messages")));
        }
        Api::Responses => {
            let input = body.get("input");
            let some = input.is_some_and(|input| input.is_string() || input.is_array());
            holds(some, "no input");
            wrong.extend(in_responses(list(body, "input")));
        }
    }
    wrong
}

/// Each call is followed by its result in the very next message, and each result has its call.
fn in_messages(messages: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open = BTreeSet::new();
    for message in messages {
        let role = text(message, "role");
        if !["user", "assistant", "system"].contains(&role) {
            wrong.push(format!("a message of {role:?}"));
        }
        let blocks = list(message, "content");
        let of = |kind: &str, id: &str| -> BTreeSet<String> {
            let of_kind = blocks.iter().filter(|block| text(block, "type") == kind);
            of_kind.map(|block| text(block, id).to_owned()).collect()
        };
        let empty =
            |block: &&Value| text(block, "type") == "text" && text(block, "text").is_empty();
        if blocks.iter().any(|block| empty(&block)) {
            wrong.push("an empty text".to_owned());
        }
        // What the system says comes between a call and its result, or after both.
        if role == "system" {
            continue;
        }
        let results = of("tool_result", "tool_use_id");
        wrong
            .extend(results.difference(&open).map(|id| format!("a result without its call: {id}")));
        wrong
            .extend(open.difference(&results).map(|id| format!("a call without its result: {id}")));
        open = of("tool_use", "id");
    }
    wrong.extend(open.iter().map(|id| format!("a call without its result: {id}")));
    wrong
}

fn in_chat(messages: &[Value]) -> Vec<String> {
    let mut open = Calls::default();
    for message in messages {
        match text(message, "role") {
            "assistant" => {
                open.ends();
                for call in list(message, "tool_calls") {
                    open.call(text(call, "id"));
                }
            }
            "tool" => open.result(text(message, "tool_call_id")),
            "system" | "developer" => {}
            "user" => open.ends(),
            role => open.wrong.push(format!("a message of {role:?}")),
        }
    }
    open.ends();
    open.wrong
}

fn in_responses(input: &[Value]) -> Vec<String> {
    let mut open = Calls::default();
    for item in input {
        match text(item, "type") {
            "function_call" | "custom_tool_call" | "local_shell_call" => {
                open.call(text(item, "call_id"));
            }
            "function_call_output" | "custom_tool_call_output" | "local_shell_call_output" => {
                open.result(text(item, "call_id"));
            }
            _ => {}
        }
    }
    open.ends();
    open.wrong
}

/// Calls that wait for their results.
#[derive(Default)]
struct Calls {
    open: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Calls {
    fn call(&mut self, id: &str) {
        if !self.open.insert(id.to_owned()) {
            self.wrong.push(format!("a call that stands twice: {id}"));
        }
    }

    fn result(&mut self, id: &str) {
        if !self.open.remove(id) {
            self.wrong.push(format!("a result without its call: {id}"));
        }
    }

    fn ends(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.wrong.extend(open.into_iter().map(|id| format!("a call without its result: {id}")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(api: Api, body: &Value, expected: &[&str]) {
        assert_eq!(wrong(api, body, Some("key")), expected, "{body}");
    }

    fn messages(messages: &Value) -> Value {
        json!({"model": "m", "max_tokens": 1, "messages": messages})
    }

    #[test]
    fn a_call_of_messages_is_followed_by_its_result_at_once() {
        let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "a"}]});
        let result =
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]});
        let hello = json!({"role": "user", "content": "hello"});
        let system = json!({"role": "system", "content": "more was said"});
        check(Api::Messages, &messages(&json!([hello, call, system, result])), &[]);
        let without = ["a call without its result: a"];
        check(Api::Messages, &messages(&json!([hello, call])), &without);
        let late = ["a call without its result: a", "a result without its call: a"];
        check(Api::Messages, &messages(&json!([hello, call, hello, result])), &late);
        let empty = json!([{"role": "user", "content": [{"type": "text", "text": ""}]}]);
        check(Api::Messages, &messages(&empty), &["an empty text"]);
        check(Api::Messages, &json!({}), &["no model", "no max_tokens", "no messages"]);
    }

    #[test]
    fn each_result_has_its_call_in_openais_ways_too() {
        let chat = json!({"model": "m", "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "tool_calls": [{"id": "a"}]},
            {"role": "user", "content": "and?"},
            {"role": "tool", "tool_call_id": "a"}]});
        let late = ["a call without its result: a", "a result without its call: a"];
        check(Api::Chat, &chat, &late);
        let responses = json!({"model": "m", "input": [
            {"type": "function_call", "call_id": "a"}, {"type": "message", "role": "user"},
            {"type": "function_call_output", "call_id": "a"},
            {"type": "function_call_output", "call_id": "b"}]});
        check(Api::Responses, &responses, &["a result without its call: b"]);
        let nothing = wrong(Api::Responses, &json!({"model": "m"}), None);
        assert_eq!(nothing, ["no key came with it", "no input"]);
    }
}
