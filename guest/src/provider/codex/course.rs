//! One turn of the app server, event by event. PURE.
//!
//! Owns what each event means for the turn, and that only its own count: what another turn or
//! another conversation left behind is dropped, and whatever asks from there is refused. A tool
//! waits until it is written down that it acts; one that did not ask is written down late rather
//! than never.

use serde_json::{Value, json};

use super::{
    super::{Class, Fault, Tool},
    item::{Item, line},
    spent::Spent,
    trouble,
    wire::{self, Told, text},
};
use crate::turn::ProviderEvent;

/// What is to be done about an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// Says this.
    Say(ProviderEvent),
    /// Answers `yes` once it is written down that the tool acts, and `no` when it cannot be.
    Gate { tool: Tool, yes: String, no: String },
    /// Writes down that this tool acts already.
    Late(Tool),
    /// Answers this.
    Tell(String),
    /// The turn is over.
    Over(Ending),
}

/// How a turn came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Completed,
    Interrupted,
    Failed(Fault),
}

/// A turn as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Course {
    thread: String,
    /// Its id, once that is known.
    turn: Option<String>,
    /// It has begun: from then on it can be spoken to, and stopped.
    begun: bool,
    /// What has begun and not ended.
    items: Vec<Item>,
    acted: bool,
    /// What was said since a tool last asked or acted: whether it is only by the way, and the words.
    said: Vec<(bool, String)>,
    /// The message whose words come in pieces.
    speaks: Option<String>,
    spent: Spent,
    trouble: Option<Fault>,
}

impl Course {
    /// A turn that is asked for in this conversation.
    pub(super) fn of(thread: &str) -> Self {
        Self { thread: thread.to_owned(), ..Self::default() }
    }

    /// Its id, as the answer to the request for it says.
    pub(super) fn is(&mut self, turn: &str) {
        self.turn = Some(turn.to_owned());
    }

    /// Its id, once it has begun: before, the app server knows no turn to speak to or to stop.
    pub(super) fn begun(&self) -> Option<&str> {
        self.turn.as_deref().filter(|_| self.begun)
    }

    /// It goes on by another turn of the app server, which belongs to the same question.
    pub(super) fn goes_on(&mut self) {
        (self.turn, self.begun, self.trouble) = (None, false, None);
    }

    /// It is written down that this tool acts.
    pub(super) fn acts(&mut self, id: &str) {
        self.acted = true;
        self.said.clear();
        for item in &mut self.items {
            item.acts |= item.tool.id == id;
        }
    }

    /// Whether a tool has acted.
    pub(super) fn has_acted(&self) -> bool {
        self.acted
    }

    /// Whether a tool acts now.
    pub(super) fn is_acting(&self) -> bool {
        self.items.iter().any(|item| item.acts)
    }

    /// All that was answered: what was said since the last tool, without what was only said by the
    /// way, unless that is all.
    pub(super) fn answer(&self) -> Option<String> {
        let words = |aside: bool| -> Vec<&str> {
            let chosen = self.said.iter().filter(|(by_the_way, _)| aside || !by_the_way);
            chosen.map(|(_, words)| words.as_str()).collect()
        };
        let answer = [words(false), words(true)].into_iter().find(|words| !words.is_empty())?;
        Some(answer.join("\n\n"))
    }

    /// Takes what it tells.
    pub(super) fn hear(&mut self, told: &Told) -> Vec<Act> {
        let Told { method, params } = told;
        if method == "turn/started" && self.is_here(params) {
            let turn = self.turn.get_or_insert_with(|| turn_of(params).to_owned());
            self.begun |= turn == turn_of(params);
        }
        if !self.is_ours(params) {
            return Vec::new();
        }
        let delta = || text(params, "delta").to_owned();
        match method.as_str() {
            "item/started" => self.begins(params),
            "item/completed" => self.ends(params),
            "item/agentMessage/delta" => {
                self.speaks = Some(text(params, "itemId").to_owned());
                vec![Act::Say(ProviderEvent::Text(delta()))]
            }
            "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" => {
                vec![Act::Say(ProviderEvent::Thinking(delta()))]
            }
            "item/commandExecution/outputDelta" | "item/mcpToolCall/progress" => {
                let goes_on =
                    line([text(params, "delta"), text(params, "message")].concat().trim());
                let id = text(params, "itemId");
                let mut acts = self.late(id);
                acts.push(Act::Say(ProviderEvent::ToolProgress(id.to_owned(), goes_on)));
                acts
            }
            "thread/tokenUsage/updated" => {
                let used = self.spent.so_far(params.get("tokenUsage").unwrap_or(&Value::Null));
                vec![Act::Say(ProviderEvent::Used(used))]
            }
            "error" if params.get("willRetry") != Some(&Value::Bool(true)) => {
                self.trouble = params.get("error").map(trouble::fault);
                Vec::new()
            }
            "turn/completed" => {
                let none = Value::Null;
                vec![Act::Over(self.ending(params.get("turn").unwrap_or(&none)))]
            }
            _ => Vec::new(),
        }
    }

    /// Takes what it asks.
    pub(super) fn asked(&mut self, id: &Value, told: &Told) -> Vec<Act> {
        let Told { method, params } = told;
        let decide = |key: &str, word: &str| wire::answer(id, &json!({ key: word }));
        match method.as_str() {
            "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => {
                let no = decide("decision", "decline");
                if !self.is_ours(params) {
                    return vec![Act::Tell(no)];
                }
                let known = self.items.iter().find(|item| item.tool.id == text(params, "itemId"));
                let tool =
                    known.map_or_else(|| Item::unknown(params).tool, |item| item.tool.clone());
                self.said.clear();
                vec![Act::Gate { tool, yes: decide("decision", "accept"), no }]
            }
            "mcpServer/elicitation/request" => {
                let no = decide("action", "decline");
                let asks = params.get("_meta").unwrap_or(&Value::Null);
                let is_call = text(asks, "codex_approval_kind") == "mcp_tool_call";
                let wanted = (text(params, "serverName"), text(asks, "tool_name"));
                let known = self.items.iter().find(|item| !item.acts && item.is_of(wanted));
                let Some(item) = known.filter(|_| is_call && self.is_ours(params)) else {
                    return vec![Act::Tell(no)];
                };
                let (tool, yes) = (item.tool.clone(), json!({ "action": "accept", "content": {} }));
                self.said.clear();
                vec![Act::Gate { tool, yes: wire::answer(id, &yes), no }]
            }
            // Whoever asks a person asks by our own tools, which wait for days.
            "item/tool/requestUserInput" => {
                vec![Act::Tell(wire::answer(id, &json!({ "answers": {} })))]
            }
            _ => vec![Act::Tell(wire::refusal(id))],
        }
    }

    fn is_here(&self, params: &Value) -> bool {
        text(params, "threadId") == self.thread
    }

    /// An elicitation may come without a turn.
    fn is_ours(&self, params: &Value) -> bool {
        let unnamed = params.get("turnId") == Some(&Value::Null);
        self.is_here(params) && (unnamed || self.turn.as_deref() == Some(turn_of(params)))
    }

    fn begins(&mut self, params: &Value) -> Vec<Act> {
        let item = params.get("item").unwrap_or(&Value::Null);
        if text(item, "type") == "agentMessage" {
            // As in the answer, so that whoever reads along reads the same.
            let before = !self.said.is_empty();
            let gap = || Act::Say(ProviderEvent::Text("\n\n".to_owned()));
            return before.then(gap).into_iter().collect();
        }
        self.items.extend(Item::begun(item));
        Vec::new()
    }

    fn ends(&mut self, params: &Value) -> Vec<Act> {
        let item = params.get("item").unwrap_or(&Value::Null);
        let id = text(item, "id");
        if text(item, "type") == "agentMessage" {
            let words = text(item, "text").to_owned();
            let in_pieces = self.speaks.take().is_some_and(|speaks| speaks == id);
            self.take(item);
            let whole = || Act::Say(ProviderEvent::Text(words));
            return (!in_pieces).then(whole).into_iter().collect();
        }
        let was_refused = text(item, "status") == "declined";
        let mut acts = if was_refused { Vec::new() } else { self.late(id) };
        let known = self.items.iter().position(|item| item.tool.id == id);
        let acted = known.map(|at| self.items.swap_remove(at)).is_some_and(|item| item.acts);
        if acted || !acts.is_empty() {
            acts.push(Act::Say(ProviderEvent::ToolEnded(id.to_owned())));
        }
        acts
    }

    fn take(&mut self, message: &Value) {
        let by_the_way = text(message, "phase") == "commentary";
        self.said.push((by_the_way, text(message, "text").to_owned()));
    }

    /// A tool that acts and has not asked.
    fn late(&self, id: &str) -> Vec<Act> {
        let item = self.items.iter().find(|item| item.tool.id == id && !item.acts);
        item.map(|item| Act::Late(item.tool.clone())).into_iter().collect()
    }

    fn ending(&mut self, turn: &Value) -> Ending {
        match text(turn, "status") {
            "completed" => Ending::Completed,
            "interrupted" => Ending::Interrupted,
            status => {
                let said = turn.get("error").filter(|error| !error.is_null()).map(trouble::fault);
                let unsaid = || Fault::new(Class::Opaque, format!("the turn is {status:?}"));
                Ending::Failed(said.or_else(|| self.trouble.take()).unwrap_or_else(unsaid))
            }
        }
    }
}

/// Whether a turn of the transcript was asked for by this run.
pub(super) fn is_of_run(turn: &Value, run: &str) -> bool {
    items(turn).iter().any(|item| text(item, "clientId") == run)
}

/// What a turn of the transcript answered.
pub(super) fn answered_by(turn: &Value) -> Option<String> {
    let mut course = Course::default();
    for item in items(turn) {
        if Item::begun(item).is_some() {
            course.said.clear();
        }
        if text(item, "type") == "agentMessage" {
            course.take(item);
        }
    }
    course.answer()
}

fn items(turn: &Value) -> &[Value] {
    turn.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The turn that an event belongs to.
fn turn_of(params: &Value) -> &str {
    match params.get("turn") {
        Some(turn) => text(turn, "id"),
        None => text(params, "turnId"),
    }
}

#[cfg(test)]
mod tests;
