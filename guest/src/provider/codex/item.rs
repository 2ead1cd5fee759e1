//! What the app server works at, as a tool of ours. PURE.
//!
//! Owns which of its items act on the world, and how each is named and told on one line.

use serde_json::Value;

use super::{super::Tool, wire::text};
use crate::limits;

/// Something that has begun and may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) tool: Tool,
    /// It is written down that it acts.
    pub(super) acts: bool,
    /// Of a tool that an MCP server serves: which one.
    server: Option<String>,
}

impl Item {
    /// An item that begins; `None` for one that only says something, or looks at it.
    pub(super) fn begun(item: &Value) -> Option<Self> {
        let kind = text(item, "type");
        let (name, about) = match kind {
            "commandExecution" => ("shell", text(item, "command").to_owned()),
            "fileChange" => ("apply_patch", changed(item)),
            "mcpToolCall" | "dynamicToolCall" => (text(item, "tool"), arguments(item)),
            "collabAgentToolCall" => (text(item, "tool"), text(item, "prompt").to_owned()),
            "webSearch" | "imageGeneration" => (kind, String::new()),
            _ => return None,
        };
        let server = (kind == "mcpToolCall").then(|| text(item, "server").to_owned());
        Some(Self::new(text(item, "id"), name, &about, server))
    }

    /// What asks and has not been seen to begin.
    pub(super) fn unknown(asks: &Value) -> Self {
        Self::new(text(asks, "itemId"), "shell", text(asks, "command"), None)
    }

    /// Whether it is a call of this server's tool.
    pub(super) fn is_of(&self, (server, tool): (&str, &str)) -> bool {
        self.server.as_deref() == Some(server) && self.tool.name == tool
    }

    fn new(id: &str, name: &str, about: &str, server: Option<String>) -> Self {
        let tool =
            Tool { id: id.to_owned(), name: name.to_owned(), summary: line(about), timeout: None };
        Self { tool, acts: false, server }
    }
}

/// A text on one line, cut.
pub(super) fn line(text: &str) -> String {
    let words = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    words.take(limits::TOOL_CHARS).collect()
}

fn changed(item: &Value) -> String {
    let changes = item.get("changes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let paths: Vec<&str> = changes.iter().map(|change| text(change, "path")).collect();
    paths.join(" ")
}

fn arguments(item: &Value) -> String {
    item.get("arguments").map(Value::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_acts_has_a_name_and_a_line() {
        for (item, expected) in [
            (json!({"type": "commandExecution", "command": "a\nb"}), Some(("shell", "a b"))),
            (
                json!({"type": "fileChange", "changes": [{"path": "/x"}, {"path": "/y"}]}),
                Some(("apply_patch", "/x /y")),
            ),
            (
                json!({"type": "mcpToolCall", "tool": "ping", "server": "s", "arguments": {"a": 1}}),
                Some(("ping", "{\"a\":1}")),
            ),
            (json!({"type": "agentMessage"}), None),
            (json!({"type": "reasoning"}), None),
            (json!({"type": "userMessage"}), None),
            (json!({}), None),
        ] {
            let begun = Item::begun(&item).map(|item| (item.tool.name, item.tool.summary));
            let begun = begun.as_ref().map(|(name, about)| (name.as_str(), about.as_str()));
            assert_eq!(begun, expected, "{item}");
        }
        assert_eq!(line(&"x".repeat(10_000)).len(), limits::TOOL_CHARS);
    }
}
