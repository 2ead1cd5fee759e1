//! OpenAI's Chat Completions: what a request asks, and how an answer looks. PURE.

use serde_json::{Value, json};

use crate::{
    asked::{Asked, End, Offered, Said, list, text, text_of},
    frame::Frame,
};

/// Reads a request.
pub(crate) fn asked(body: &Value) -> Asked {
    let person = list(body, "messages").iter().rev().find(|one| text(one, "role") == "user");
    let tools = list(body, "tools").iter().filter_map(|tool| tool.get("function"));
    Asked {
        model: text(body, "model").to_owned(),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        tools: tools.map(|function| Offered::plain(text(function, "name"))).collect(),
        last_words: person.map(|one| text_of(one.get("content"))).unwrap_or_default(),
    }
}

/// The body of a refusal: that of both of OpenAI's interfaces.
pub(crate) fn refusal(status: u16) -> Value {
    let (kind, code, message) = match status {
        400 => ("invalid_request_error", Some("context_length_exceeded"), "too many tokens"),
        401 => ("invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided"),
        404 => ("invalid_request_error", Some("model_not_found"), "The model does not exist"),
        429 => ("tokens", Some("rate_limit_exceeded"), "Rate limit reached"),
        529 => ("server_error", Some("overloaded"), "Overloaded"),
        _ => ("server_error", None, "The server had an error"),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// An answer in one piece.
pub(crate) fn whole(said: &Said, asked: &Asked, nth: usize) -> Value {
    let mut message = json!({"role": "assistant", "content": said.text()});
    if let (Some(call), Some(fields)) = (call(said, nth), message.as_object_mut()) {
        fields.insert("tool_calls".into(), json!([call]));
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": reason(said)});
    json!({"id": format!("chatcmpl-{nth}"), "object": "chat.completion", "created": 1,
           "model": asked.model, "choices": [choice], "usage": usage(said)})
}

/// An answer piece by piece.
pub(crate) fn frames(said: &Said, asked: &Asked, nth: usize) -> Vec<Frame> {
    let chunk = |choices: Value, usage: Value| {
        Frame::Bare(json!({"id": format!("chatcmpl-{nth}"), "object": "chat.completion.chunk",
                           "created": 1, "model": asked.model, "choices": choices,
                           "usage": usage}))
    };
    let piece = |delta: Value, reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        chunk(json!([choice]), Value::Null)
    };
    let mut frames = vec![piece(json!({"role": "assistant", "content": ""}), None)];
    if let Some(thought) = &said.thought {
        frames.push(piece(json!({"reasoning_content": thought}), None));
    }
    for word in &said.words {
        if !said.pause.is_zero() {
            frames.push(Frame::Pause(said.pause));
        }
        frames.push(piece(json!({"content": word}), None));
    }
    match said.end {
        End::Cut => {
            frames.push(Frame::Cut);
            return frames;
        }
        End::Fails => {
            frames.push(Frame::Bare(refusal(529)));
            return frames;
        }
        End::Whole => {}
    }
    if let Some(call) = call(said, nth) {
        frames.push(piece(json!({"tool_calls": [call]}), None));
    }
    frames.push(piece(json!({}), Some(reason(said))));
    frames.push(chunk(json!([]), usage(said)));
    frames.push(Frame::Done);
    frames
}

fn call(said: &Said, nth: usize) -> Option<Value> {
    let (tool, arguments) = said.call.as_ref()?;
    let function = json!({"name": tool.name, "arguments": arguments.to_string()});
    Some(json!({"index": 0, "id": format!("call_{nth}"), "type": "function", "function": function}))
}

fn reason(said: &Said) -> &'static str {
    if said.call.is_some() { "tool_calls" } else { "stop" }
}

fn usage(said: &Said) -> Value {
    let written = said.words.len().max(1);
    json!({"prompt_tokens": 100, "completion_tokens": written, "total_tokens": 100 + written,
           "prompt_tokens_details": {"cached_tokens": 30}})
}
