//! What one line of Claude Code's output says. PURE.
//!
//! Owns the shapes of the lines that count here; every other line, and every other field, is
//! passed over. Only what is no JSON object with a `type` is garbage.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use schemas::usage::Usage;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{limits, provider::Tool};

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// A turn begins; the native id of its conversation.
    Session(String),
    /// A piece of what the model writes.
    Text(String),
    /// A piece of what it thinks.
    Thinking(String),
    /// The model would use these tools; or an error, in a word of Claude Code's.
    Message { uses: Vec<Tool>, error: Option<String> },
    /// The tools of these ids have ended.
    ToolsEnded(Vec<String>),
    /// A line about how the tool of that id goes on.
    Progress(String, String),
    /// What became of something that was said to it.
    Input { id: String, state: InputState },
    /// It asks something, and waits for the answer to this id.
    Asks(String, Ask),
    /// It answers what it was asked under this id.
    Answers(String, Result<Value, String>),
    /// A turn is over.
    Ended(Box<Ended>),
    /// Nothing that counts here.
    Nothing,
    /// This is no line of its protocol.
    Garbage,
}

/// How far an input has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputState {
    /// It waits.
    Queued,
    /// The model hears it.
    Started,
    /// Nothing more comes of it: it was answered, now or in an earlier life, or is given up.
    Over,
}

/// What it asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ask {
    /// Whether a tool may act, with its input as it would be used.
    MayUse(Tool, Value),
    /// Something of the tools that live on our side: JSON-RPC.
    Mcp(Value),
    /// Something that nobody knows here.
    Unknown(String),
}

/// How a turn ended, as it stands in the line.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ended {
    /// What it calls an error.
    pub(super) is_error: bool,
    /// `success`, or which error.
    pub(super) subtype: String,
    /// `completed`, or what else ended it.
    pub(super) reason: Option<String>,
    /// What the model's interface answered, when that ended it.
    pub(super) status: Option<u16>,
    /// All that was answered, or what went wrong.
    pub(super) result: String,
    /// What went wrong besides.
    pub(super) errors: Vec<String>,
    /// Which inputs it is about; none where it does not say.
    pub(super) inputs: Vec<String>,
    /// What was used since the line before of this kind.
    pub(super) used: Option<Usage>,
}

/// Reads a line.
pub(super) fn read(line: &str) -> Said {
    let Ok(head) = serde_json::from_str::<Head<'_>>(line) else { return Said::Garbage };
    let said = match (&*head.kind, head.subtype.as_deref()) {
        ("system", Some("init")) => of::<Init>(line).map(|init| Said::Session(init.session_id)),
        ("system", Some("task_started" | "task_progress")) => of::<Task>(line).and_then(progress),
        // What a sub-agent writes is not what the turn answers.
        ("stream_event", _) if head.parent_tool_use_id.is_none() => {
            of::<Stream<'_>>(line).map(|stream| stream.event.said())
        }
        ("assistant", _) => of::<Message>(line).map(Message::said),
        ("user", _) => of::<Message>(line).map(Message::results),
        ("command_lifecycle", _) => of::<Lifecycle>(line).map(|input| Said::Input {
            state: match input.state.as_str() {
                "queued" => InputState::Queued,
                "started" => InputState::Started,
                _ => InputState::Over,
            },
            id: input.command_uuid,
        }),
        ("control_request", _) => of::<Request>(line).map(Request::said),
        ("control_response", _) => of::<Response>(line).map(Response::said),
        ("result", _) => of::<Outcome>(line).map(|ended| Said::Ended(Box::new(ended.into()))),
        _ => None,
    };
    said.unwrap_or(Said::Nothing)
}

fn of<'l, T: Deserialize<'l>>(line: &'l str) -> Option<T> {
    serde_json::from_str(line)
        .inspect_err(|error| tracing::debug!(%error, "a line of another shape"))
        .ok()
}

#[derive(Deserialize)]
struct Head<'l> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'l, str>,
    #[serde(borrow)]
    subtype: Option<Cow<'l, str>>,
    #[serde(borrow)]
    parent_tool_use_id: Option<Cow<'l, str>>,
}

#[derive(Deserialize)]
struct Init {
    session_id: String,
}

#[derive(Deserialize)]
struct Task {
    tool_use_id: Option<String>,
    #[serde(default)]
    description: String,
}

fn progress(task: Task) -> Option<Said> {
    Some(Said::Progress(task.tool_use_id?, one_line(&task.description)))
}

#[derive(Deserialize)]
struct Stream<'l> {
    #[serde(borrow)]
    event: Event<'l>,
}

#[derive(Deserialize)]
struct Event<'l> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'l, str>,
    #[serde(borrow)]
    delta: Option<Delta<'l>>,
}

#[derive(Deserialize)]
struct Delta<'l> {
    #[serde(borrow)]
    text: Option<Cow<'l, str>>,
    #[serde(borrow)]
    thinking: Option<Cow<'l, str>>,
}

impl Event<'_> {
    fn said(self) -> Said {
        match (&*self.kind, self.delta) {
            ("content_block_delta", Some(Delta { text: Some(text), .. })) => {
                Said::Text(text.into_owned())
            }
            ("content_block_delta", Some(Delta { thinking: Some(thought), .. })) => {
                Said::Thinking(thought.into_owned())
            }
            _ => Said::Nothing,
        }
    }
}

#[derive(Deserialize)]
struct Message {
    message: Body,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    content: Value,
}

impl Message {
    fn said(self) -> Said {
        let uses = self.parts("tool_use").filter_map(|part| {
            let (id, name) = (text(part, "id")?, text(part, "name")?);
            Some(tool(id, name, part.get("input").unwrap_or(&Value::Null)))
        });
        Said::Message { uses: uses.collect(), error: self.error }
    }

    fn results(self) -> Said {
        let ended: Vec<String> = self
            .parts("tool_result")
            .filter_map(|part| text(part, "tool_use_id").map(str::to_owned))
            .collect();
        if ended.is_empty() { Said::Nothing } else { Said::ToolsEnded(ended) }
    }

    fn parts(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let parts = self.message.content.as_array().map_or(&[][..], Vec::as_slice);
        parts.iter().filter(move |part| text(part, "type") == Some(kind))
    }
}

#[derive(Deserialize)]
struct Lifecycle {
    command_uuid: String,
    state: String,
}

#[derive(Deserialize)]
struct Request {
    request_id: String,
    request: Map<String, Value>,
}

impl Request {
    fn said(mut self) -> Said {
        let word = |name| self.request.get(name).and_then(Value::as_str).unwrap_or_default();
        let subtype = word("subtype").to_owned();
        let (id, name) = (word("tool_use_id").to_owned(), word("tool_name").to_owned());
        let mut field = |name| self.request.remove(name).unwrap_or_default();
        let ask = match subtype.as_str() {
            "can_use_tool" => {
                let input = field("input");
                Ask::MayUse(tool(&id, &name, &input), input)
            }
            "mcp_message" => Ask::Mcp(field("message")),
            _ => Ask::Unknown(subtype),
        };
        Said::Asks(self.request_id, ask)
    }
}

#[derive(Deserialize)]
struct Response {
    response: Answer,
}

#[derive(Deserialize)]
struct Answer {
    request_id: String,
    subtype: String,
    #[serde(default)]
    response: Value,
    #[serde(default)]
    error: String,
}

impl Response {
    fn said(self) -> Said {
        let Answer { request_id, subtype, response, error } = self.response;
        Said::Answers(request_id, if subtype == "success" { Ok(response) } else { Err(error) })
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Outcome {
    is_error: bool,
    subtype: String,
    terminal_reason: Option<String>,
    api_error_status: Option<u16>,
    result: Option<String>,
    errors: Vec<String>,
    user_message_uuids: Option<Vec<String>>,
    model_usage_since_last_result: Option<BTreeMap<String, Spent>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spent {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    thinking_tokens: u64,
    #[serde(rename = "costUSD")]
    cost: Option<f64>,
}

impl From<Outcome> for Ended {
    fn from(line: Outcome) -> Self {
        let used = line.model_usage_since_last_result.filter(|models| !models.is_empty());
        Self {
            is_error: line.is_error,
            subtype: line.subtype,
            reason: line.terminal_reason,
            status: line.api_error_status,
            result: line.result.unwrap_or_default(),
            errors: line.errors,
            inputs: line.user_message_uuids.unwrap_or_default(),
            used: used.and_then(|models| models.values().map(Spent::used).reduce(Usage::plus)),
        }
    }
}

impl Spent {
    fn used(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens,
            cache_read_tokens: self.cache_read_input_tokens,
            cache_write_tokens: self.cache_creation_input_tokens,
            output_tokens: self.output_tokens,
            reasoning_tokens: self.thinking_tokens,
            // Nothing for something is a model whose price it does not know.
            cost_usd: self
                .cost
                .and_then(Usage::cost)
                .filter(|cost| *cost > 0.0 || (self.input_tokens == 0 && self.output_tokens == 0)),
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn tool(id: &str, name: &str, input: &Value) -> Tool {
    let known = ["command", "file_path", "notebook_path", "url", "query", "description"];
    let summary = known.iter().find_map(|key| text(input, key).map(one_line));
    let timeout = (name == "Bash").then(|| input.get("timeout")?.as_u64()).flatten();
    Tool {
        id: id.to_owned(),
        name: name.to_owned(),
        summary: summary.unwrap_or_else(|| one_line(&input.to_string())),
        timeout: timeout.map(Duration::from_millis),
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > limits::TOOL_CHARS * 4 {
            break;
        }
    }
    line.chars().take(limits::TOOL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "tables read better without borrows")]
    fn check(line: &Value, expected: Said) {
        assert_eq!(read(&line.to_string()), expected);
    }

    fn bash(command: &str, timeout: Option<u64>) -> Tool {
        let timeout = timeout.map(Duration::from_millis);
        Tool { id: "t1".into(), name: "Bash".into(), summary: command.into(), timeout }
    }

    #[test]
    fn what_the_model_writes_and_thinks_is_read_piece_by_piece() {
        let event = |event: Value| json!({"type": "stream_event", "event": event});
        let delta = |delta: Value| event(json!({"type": "content_block_delta", "delta": delta}));
        let text = delta(json!({"type": "text_delta", "text": "a \"b\"\n"}));
        check(&text, Said::Text("a \"b\"\n".into()));
        let thought = delta(json!({"type": "thinking_delta", "thinking": "hm"}));
        check(&thought, Said::Thinking("hm".into()));
        let input = delta(json!({"type": "input_json_delta", "partial_json": "{"}));
        check(&input, Said::Nothing);
        check(&event(json!({"type": "message_stop"})), Said::Nothing);
        let mut below = text;
        below["parent_tool_use_id"] = json!("t0");
        check(&below, Said::Nothing);
    }

    #[test]
    fn tools_are_seen_as_they_are_wanted_asked_for_go_on_and_end() {
        let input = json!({"command": "make\n  all", "timeout": 5});
        let part = json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": input});
        let said = json!({"type": "assistant", "message": {"content": [
            {"type": "text", "text": "now"}, part]}});
        let uses = vec![bash("make all", Some(5))];
        check(&said, Said::Message { uses, error: None });
        let asks = json!({"type": "control_request", "request_id": "r", "request": {
            "subtype": "can_use_tool", "tool_name": "Bash", "tool_use_id": "t1", "input": input}});
        check(&asks, Said::Asks("r".into(), Ask::MayUse(bash("make all", Some(5)), input)));
        let goes_on = json!({"type": "system", "subtype": "task_started", "tool_use_id": "t1",
            "description": "builds"});
        check(&goes_on, Said::Progress("t1".into(), "builds".into()));
        let ended = json!({"type": "user", "message": {"content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]}});
        check(&ended, Said::ToolsEnded(vec!["t1".into()]));
        check(&json!({"type": "user", "message": {"content": "words"}}), Said::Nothing);
    }

    #[test]
    fn a_tool_without_a_known_field_is_told_by_its_input_and_never_at_length() {
        let long = "x".repeat(10_000);
        assert_eq!(tool("", "T", &json!({"a": 1})).summary, r#"{"a":1}"#);
        assert_eq!(tool("", "T", &json!({"command": long})).summary.len(), limits::TOOL_CHARS);
    }

    #[test]
    fn the_end_of_a_turn_tells_all_that_decides() {
        let line = json!({
            "duration_ms": 3, "type": "result", "subtype": "success", "is_error": true,
            "terminal_reason": "api_error", "api_error_status": 529, "result": "Overloaded",
            "user_message_uuids": ["u1"], "total_cost_usd": 9.0,
            "model_usage_since_last_result": {
                "one": {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3,
                    "cacheCreationInputTokens": 4, "thinkingTokens": 1, "costUSD": 0.25},
                "two": {"inputTokens": 10, "outputTokens": 20, "costUSD": 0.5}}});
        let used = Usage {
            input_tokens: 11,
            cache_read_tokens: 3,
            cache_write_tokens: 4,
            output_tokens: 22,
            reasoning_tokens: 1,
            cost_usd: Some(0.75),
        };
        let expected = Ended {
            is_error: true,
            subtype: "success".into(),
            reason: Some("api_error".into()),
            status: Some(529),
            result: "Overloaded".into(),
            errors: vec![],
            inputs: vec!["u1".into()],
            used: Some(used),
        };
        check(&line, Said::Ended(Box::new(expected)));
    }

    #[test]
    fn a_price_that_is_not_told_or_is_nothing_for_something_is_not_known() {
        let cost = |spent: Value| {
            let line = json!({"type": "result", "model_usage_since_last_result": {"m": spent}});
            let Said::Ended(ended) = read(&line.to_string()) else { panic!("{line}") };
            ended.used.unwrap().cost_usd
        };
        assert_eq!(cost(json!({"inputTokens": 5})), None);
        assert_eq!(cost(json!({"inputTokens": 5, "costUSD": 0})), None);
        assert_eq!(cost(json!({"costUSD": 0})), Some(0.0));
    }

    #[test]
    fn what_is_unknown_is_passed_over_and_what_is_no_line_is_garbage() {
        for harmless in [
            json!({"type": "system", "subtype": "status"}),
            json!({"type": "from_the_future", "event": 5}),
            json!({"type": "result_like"}),
            json!({"type": "assistant", "message": 3}),
        ] {
            check(&harmless, Said::Nothing);
        }
        for garbage in ["", "Warning: x", "{\"type\":", "[1]", "3", "{\"kind\":\"system\"}"] {
            assert_eq!(read(garbage), Said::Garbage, "{garbage}");
        }
    }

    #[test]
    fn inputs_and_answers_are_known_by_their_ids() {
        let input =
            |state| json!({"type": "command_lifecycle", "command_uuid": "u", "state": state});
        for (word, state) in [
            ("queued", InputState::Queued),
            ("started", InputState::Started),
            ("completed", InputState::Over),
            ("cancelled", InputState::Over),
        ] {
            check(&input(word), Said::Input { id: "u".into(), state });
        }
        let answer = json!({"type": "control_response", "response": {
            "subtype": "success", "request_id": "r", "response": {"pid": 3}}});
        check(&answer, Said::Answers("r".into(), Ok(json!({"pid": 3}))));
        let refused = json!({"type": "control_response", "response": {
            "subtype": "error", "request_id": "r", "error": "no"}});
        check(&refused, Said::Answers("r".into(), Err("no".into())));
    }

    proptest::proptest! {
        #![proptest_config(crate::fuzz::cases())]

        #[test]
        fn any_line_is_read_and_half_of_one_is_garbage(noise in ".*", at in 0_usize..400) {
            read(&noise);
            let input = json!({"command": noise});
            let whole = json!({"type": "control_request", "request_id": "r", "request": {
                "subtype": "can_use_tool", "tool_name": "Bash", "tool_use_id": "t", "input": input}});
            let whole = whole.to_string();
            let asked = Said::Asks("r".into(), Ask::MayUse(tool("t", "Bash", &input), input));
            assert_eq!(read(&whole), asked);
            let half: String = whole.chars().take(at).collect();
            if half.len() < whole.len() {
                assert_eq!(read(&half), Said::Garbage);
            }
        }
    }
}
