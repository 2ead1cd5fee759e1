//! OpenAI's Responses: what a request asks, and how an answer looks. PURE.

use serde_json::{Value, json};

use crate::{
    asked::{Asked, End, Offered, Said, list, text, text_of},
    frame::Frame,
};

/// Reads a request.
pub(crate) fn asked(body: &Value) -> Asked {
    let words = match body.get("input") {
        Some(Value::String(words)) => words.clone(),
        _ => {
            let mut said = list(body, "input").iter().rev();
            said.find(|item| text(item, "role") == "user")
                .map(|item| text_of(item.get("content")))
                .unwrap_or_default()
        }
    };
    Asked {
        model: text(body, "model").to_owned(),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        tools: offers(body).flat_map(offered).collect(),
        last_words: words,
    }
}

/// What is offered: beside the input, or by an item of it.
fn offers(body: &Value) -> impl Iterator<Item = &Value> {
    let said = list(body, "input").iter();
    let later = said.filter(|item| text(item, "type") == "additional_tools");
    list(body, "tools").iter().chain(later.flat_map(|item| list(item, "tools")))
}

/// A tool, or all of a namespace.
fn offered(tool: &Value) -> Vec<Offered> {
    let named = |tool: &Value| match text(tool, "name") {
        "" => text(tool, "type").to_owned(),
        name => name.to_owned(),
    };
    match text(tool, "type") {
        "namespace" => {
            let space = named(tool);
            let inside = list(tool, "tools").iter().map(|one| Offered {
                name: match space.as_str() {
                    // The runtime's own tools, as they are called without a namespace.
                    "functions" => named(one),
                    _ => format!("{space}__{}", named(one)),
                },
                namespace: Some((space.clone(), named(one))),
                free: text(one, "type") == "custom",
            });
            inside.collect()
        }
        kind => vec![Offered { name: named(tool), namespace: None, free: kind == "custom" }],
    }
}

/// An answer in one piece.
pub(crate) fn whole(said: &Said, asked: &Asked, nth: usize) -> Value {
    let mut output = vec![message(said, nth, "completed")];
    output.extend(call(said, nth));
    response(asked, nth, "completed", &output, &usage(said))
}

/// An answer piece by piece; each event has its number.
pub(crate) fn frames(said: &Said, asked: &Asked, nth: usize) -> Vec<Frame> {
    let mut script = Script::default();
    let begun = response(asked, nth, "in_progress", &[], &Value::Null);
    script.event(json!({"type": "response.created", "response": begun}));
    script.event(json!({"type": "response.in_progress", "response": begun}));
    let mut output = Vec::new();
    if let Some(thought) = &said.thought {
        output.push(script.thought(thought, nth));
    }
    let at = output.len();
    if !said.words.is_empty() {
        script.words(said, nth, at);
    }
    match said.end {
        End::Cut => {
            script.frames.push(Frame::Cut);
            return script.frames;
        }
        End::Fails => {
            let mut failed = response(asked, nth, "failed", &[], &Value::Null);
            if let Some(fields) = failed.as_object_mut() {
                let error = json!({"code": "server_error", "message": "Overloaded"});
                fields.insert("error".into(), error);
            }
            script.event(json!({"type": "response.failed", "response": failed}));
            return script.frames;
        }
        End::Whole => {}
    }
    if !said.words.is_empty() {
        output.push(message(said, nth, "completed"));
    }
    if let Some(call) = call(said, nth) {
        script.call(&call, output.len());
        output.push(call);
    }
    let done = response(asked, nth, "completed", &output, &usage(said));
    script.event(json!({"type": "response.completed", "response": done}));
    script.frames
}

#[derive(Default)]
struct Script {
    frames: Vec<Frame>,
    number: u64,
}

impl Script {
    fn event(&mut self, mut event: Value) {
        if let Some(fields) = event.as_object_mut() {
            fields.insert("sequence_number".into(), json!(self.number));
        }
        self.number += 1;
        self.frames.push(Frame::Named(event));
    }

    fn thought(&mut self, thought: &str, nth: usize) -> Value {
        let id = format!("rs_{nth}");
        let summary = json!([{"type": "summary_text", "text": thought}]);
        let item = json!({"id": id, "type": "reasoning", "summary": summary});
        let begun = json!({"id": id, "type": "reasoning", "summary": []});
        self.event(json!({"type": "response.output_item.added", "output_index": 0, "item": begun}));
        self.event(json!({"type": "response.reasoning_summary_text.delta", "item_id": id,
                          "output_index": 0, "summary_index": 0, "delta": thought}));
        self.event(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
        item
    }

    fn words(&mut self, said: &Said, nth: usize, at: usize) {
        let id = message_id(nth);
        let begun = json!({"id": id, "type": "message", "status": "in_progress",
                           "role": "assistant", "content": []});
        let part = json!({"type": "output_text", "text": "", "annotations": []});
        self.event(
            json!({"type": "response.output_item.added", "output_index": at, "item": begun}),
        );
        self.event(json!({"type": "response.content_part.added", "item_id": id,
                          "output_index": at, "content_index": 0, "part": part}));
        for word in &said.words {
            if !said.pause.is_zero() {
                self.frames.push(Frame::Pause(said.pause));
            }
            self.event(json!({"type": "response.output_text.delta", "item_id": id,
                              "output_index": at, "content_index": 0, "delta": word}));
        }
        // One that is cut has no end.
        if said.end == End::Whole {
            self.event(json!({"type": "response.output_text.done", "item_id": id,
                              "output_index": at, "content_index": 0, "text": said.text()}));
            let done = message(said, nth, "completed");
            self.event(
                json!({"type": "response.output_item.done", "output_index": at, "item": done}),
            );
        }
    }

    fn call(&mut self, call: &Value, at: usize) {
        let key = if text(call, "type") == "custom_tool_call" { "input" } else { "arguments" };
        let (event, whole) = match key {
            "input" => ("response.custom_tool_call_input", text(call, "input")),
            _ => ("response.function_call_arguments", text(call, "arguments")),
        };
        let mut begun = call.clone();
        if let Some(fields) = begun.as_object_mut() {
            fields.insert(key.into(), json!(""));
            fields.insert("status".into(), json!("in_progress"));
        }
        let id = text(call, "id");
        self.event(
            json!({"type": "response.output_item.added", "output_index": at, "item": begun}),
        );
        self.event(json!({"type": format!("{event}.delta"), "item_id": id, "output_index": at,
                          "delta": whole}));
        self.event(json!({"type": format!("{event}.done"), "item_id": id, "output_index": at,
                          key: whole}));
        self.event(json!({"type": "response.output_item.done", "output_index": at, "item": call}));
    }
}

fn message_id(nth: usize) -> String {
    format!("msg_{nth}")
}

fn message(said: &Said, nth: usize, status: &str) -> Value {
    let part = json!({"type": "output_text", "text": said.text(), "annotations": []});
    json!({"id": message_id(nth), "type": "message", "status": status, "role": "assistant",
           "content": [part]})
}

fn call(said: &Said, nth: usize) -> Option<Value> {
    let (tool, arguments) = said.call.as_ref()?;
    let call_id = format!("call_{nth}");
    let mut call = if tool.free {
        json!({"id": format!("ctc_{nth}"), "type": "custom_tool_call", "status": "completed",
               "name": tool.name, "input": free_text(arguments), "call_id": call_id})
    } else {
        json!({"id": format!("fc_{nth}"), "type": "function_call", "status": "completed",
               "name": tool.name, "arguments": arguments.to_string(), "call_id": call_id})
    };
    if let (Some((space, name)), Some(fields)) = (&tool.namespace, call.as_object_mut()) {
        fields.insert("namespace".into(), json!(space));
        fields.insert("name".into(), json!(name));
    }
    Some(call)
}

/// What a tool gets that takes free text: a text as it is, everything else as JSON.
fn free_text(arguments: &Value) -> String {
    arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned)
}

fn response(asked: &Asked, nth: usize, status: &str, output: &[Value], usage: &Value) -> Value {
    json!({"id": format!("resp_{nth}"), "object": "response", "created_at": 1, "status": status,
           "model": asked.model, "output": output, "usage": usage, "error": null,
           "incomplete_details": null, "parallel_tool_calls": false, "tool_choice": "auto",
           "tools": []})
}

fn usage(said: &Said) -> Value {
    let written = said.words.len().max(1);
    json!({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 30},
           "output_tokens": written, "output_tokens_details": {"reasoning_tokens": 0},
           "total_tokens": 100 + written})
}
