//! Anthropic's Messages: what a request asks, and how an answer looks. PURE.

use serde_json::{Value, json};

use crate::{
    asked::{Asked, End, Offered, Said, list, text, text_of},
    frame::Frame,
};

/// Reads a request.
pub(crate) fn asked(body: &Value) -> Asked {
    let person = list(body, "messages").iter().rev().filter(|one| text(one, "role") == "user");
    let words = person.map(|one| text_of(one.get("content"))).find(|words| !words.is_empty());
    Asked {
        model: text(body, "model").to_owned(),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        tools: list(body, "tools").iter().map(|tool| Offered::plain(text(tool, "name"))).collect(),
        last_words: words.unwrap_or_default(),
    }
}

/// The body of a refusal.
pub(crate) fn refusal(status: u16) -> Value {
    let (kind, message) = match status {
        400 => ("invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "not permitted"),
        404 => ("not_found_error", "model: not found"),
        413 => ("request_too_large", "too large"),
        429 => ("rate_limit_error", "this request would exceed your rate limit"),
        529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

/// An answer in one piece.
pub(crate) fn whole(said: &Said, asked: &Asked, nth: usize) -> Value {
    let mut content = Vec::new();
    if !said.words.is_empty() {
        content.push(json!({"type": "text", "text": said.text()}));
    }
    if let Some((tool, input)) = &said.call {
        let id = call_id(nth);
        content.push(json!({"type": "tool_use", "id": id, "name": tool.name, "input": input}));
    }
    let mut message = message(asked, nth, &content);
    if let Some(fields) = message.as_object_mut() {
        fields.insert("stop_reason".into(), json!(stop_reason(said)));
        fields.insert("usage".into(), usage(said));
    }
    message
}

/// An answer piece by piece.
pub(crate) fn frames(said: &Said, asked: &Asked, nth: usize) -> Vec<Frame> {
    let mut frames =
        vec![Frame::Named(json!({"type": "message_start", "message": message(asked, nth, &[])}))];
    let mut index = 0;
    if let Some(thought) = &said.thought {
        let start = json!({"type": "thinking", "thinking": "", "signature": ""});
        let deltas = [
            json!({"type": "thinking_delta", "thinking": thought}),
            json!({"type": "signature_delta", "signature": "c2lnbmVk"}),
        ];
        block(&mut frames, &mut index, &start, deltas.map(|delta| vec![delta]).concat(), said);
    }
    if !said.words.is_empty() {
        let deltas = said.words.iter().map(|word| json!({"type": "text_delta", "text": word}));
        let start = json!({"type": "text", "text": ""});
        block(&mut frames, &mut index, &start, deltas.collect(), said);
    }
    match said.end {
        End::Cut => {
            frames.push(Frame::Cut);
            return frames;
        }
        End::Fails => {
            let error = json!({"type": "overloaded_error", "message": "Overloaded"});
            frames.push(Frame::Named(json!({"type": "error", "error": error})));
            return frames;
        }
        End::Whole => {}
    }
    if let Some((tool, input)) = &said.call {
        let start = json!({"type": "tool_use", "id": call_id(nth), "name": tool.name, "input": {}});
        let delta = json!({"type": "input_json_delta", "partial_json": input.to_string()});
        block(&mut frames, &mut index, &start, vec![delta], said);
    }
    let delta = json!({"stop_reason": stop_reason(said), "stop_sequence": null});
    frames
        .push(Frame::Named(json!({"type": "message_delta", "delta": delta, "usage": usage(said)})));
    frames.push(Frame::Named(json!({"type": "message_stop"})));
    frames
}

fn block(frames: &mut Vec<Frame>, index: &mut u32, start: &Value, deltas: Vec<Value>, said: &Said) {
    let at = *index;
    *index += 1;
    frames.push(Frame::Named(
        json!({"type": "content_block_start", "index": at, "content_block": start}),
    ));
    for delta in deltas {
        if !said.pause.is_zero() {
            frames.push(Frame::Pause(said.pause));
        }
        frames.push(Frame::Named(
            json!({"type": "content_block_delta", "index": at, "delta": delta}),
        ));
    }
    // One that is cut has no end.
    if said.end == End::Whole {
        frames.push(Frame::Named(json!({"type": "content_block_stop", "index": at})));
    }
}

fn message(asked: &Asked, nth: usize, content: &[Value]) -> Value {
    json!({
        "id": format!("msg_{nth:06}"), "type": "message", "role": "assistant",
        "model": asked.model, "content": content, "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 100, "cache_creation_input_tokens": 20,
                  "cache_read_input_tokens": 30, "output_tokens": 1, "service_tier": "standard"},
    })
}

fn usage(said: &Said) -> Value {
    json!({"input_tokens": 100, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30,
           "output_tokens": said.words.len().max(1)})
}

fn stop_reason(said: &Said) -> &'static str {
    if said.call.is_some() { "tool_use" } else { "end_turn" }
}

fn call_id(nth: usize) -> String {
    format!("toolu_{nth:06}")
}
