//! Our tools for Claude Code, without a process of their own: what it asks of them comes as a
//! control request, and their server is a stream of JSON-RPC lines.
//!
//! Owns which answer belongs to which request. Never looks at what is asked.

use std::{collections::HashMap, fmt, sync::Arc};

use serde_json::{Value, json};
use tokio::{
    io::{DuplexStream, ReadHalf, split},
    sync::mpsc,
    task::JoinSet,
};

use super::told;
use crate::{
    limits,
    provider::child::{lines::Lines, write_all},
};

/// Where a server of tools is to be had: each process of Claude Code meets a new one, and speaks
/// one line of JSON-RPC at a time with it. The stream holds `limits::TOOL_PIPE` bytes; the server
/// ends when its stream does.
#[derive(Clone)]
pub struct Tools(Arc<dyn Fn() -> DuplexStream + Send + Sync>);

impl Tools {
    /// Tools that are served at the other end of what this returns.
    pub fn new(serve: impl Fn() -> DuplexStream + Send + Sync + 'static) -> Self {
        Self(Arc::new(serve))
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tools")
    }
}

/// Between one process and one server.
#[derive(Debug)]
pub(super) struct Bridge {
    from: Lines<ReadHalf<DuplexStream>>,
    to: mpsc::Sender<String>,
    /// Requests that the server has not answered, by their JSON-RPC id.
    waiting: HashMap<String, String>,
    /// Numbers what the server says by itself.
    said: u64,
    _writer: JoinSet<()>,
}

impl Bridge {
    pub(super) fn new(tools: &Tools) -> Self {
        let (from, to) = split((tools.0)());
        let (lines, rest) = mpsc::channel(limits::CHILD_QUEUE);
        let mut writer = JoinSet::new();
        writer.spawn(write_all(to, rest));
        let from = Lines::new(from, limits::CHILD_LINE);
        Self { from, to: lines, waiting: HashMap::new(), said: 0, _writer: writer }
    }

    /// Passes a message on; what is to be said at once to Claude Code, if anything.
    pub(super) fn pass(&mut self, request: String, message: &Value) -> Option<String> {
        let id = message.get("id").filter(|id| !id.is_null()).map(Value::to_string);
        if self.to.try_send(message.to_string()).is_err() {
            return Some(match id {
                Some(_) => {
                    told::tools_answer(&request, &gone(message.get("id").unwrap_or(&Value::Null)))
                }
                None => heard(&request),
            });
        }
        match id {
            // It waits for an answer to everything, also where there is none.
            None => Some(heard(&request)),
            Some(id) => {
                self.waiting.insert(id, request);
                None
            }
        }
    }

    /// What the server says next, as a line for Claude Code. When it is gone, whoever waits for it
    /// is told so; then there is nothing, for ever. Giving up waiting loses nothing.
    pub(super) async fn next(&mut self) -> String {
        loop {
            let Ok(Some(line)) = self.from.next().await else {
                let Some(id) = self.waiting.keys().next().cloned() else {
                    return std::future::pending().await;
                };
                let request = self.waiting.remove(&id).unwrap_or_default();
                return told::tools_answer(
                    &request,
                    &gone(&serde_json::from_str(&id).unwrap_or_default()),
                );
            };
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                tracing::debug!("the tools said something that is no JSON");
                continue;
            };
            let answers = message.get("method").is_none();
            let id = message.get("id").map(Value::to_string);
            match id.as_ref().and_then(|id| self.waiting.remove(id)).filter(|_| answers) {
                Some(request) => return told::tools_answer(&request, &message),
                None if id.is_none() => {
                    self.said += 1;
                    return told::tools_say(&format!("tools-{}", self.said), &message);
                }
                None => tracing::debug!("the tools answered or asked what nobody waits for"),
            }
        }
    }
}

fn heard(request: &str) -> String {
    told::tools_answer(request, &json!({"jsonrpc": "2.0", "id": 0, "result": {}}))
}

fn gone(id: &Value) -> Value {
    let error = json!({"code": -32000, "message": "the tools do not answer just now"});
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;

    #[tokio::test]
    async fn answers_find_their_requests_in_any_order_and_notifications_are_answered_at_once() {
        let (ours, theirs) = tokio::io::duplex(limits::TOOL_PIPE);
        let ours = Mutex::new(Some(ours));
        let tools = Tools::new(move || ours.lock().unwrap().take().unwrap());
        let mut bridge = Bridge::new(&tools);
        let ask = |id| json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"});
        assert_eq!(bridge.pass("r1".into(), &ask(1)), None);
        assert_eq!(bridge.pass("r2".into(), &ask(2)), None);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert!(bridge.pass("r3".into(), &note).unwrap().contains("\"r3\""));
        let (from, mut to) = split(theirs);
        let mut from = BufReader::new(from).lines();
        for expected in ["\"id\":1", "\"id\":2", "initialized"] {
            assert!(from.next_line().await.unwrap().unwrap().contains(expected));
        }
        let lines = [
            json!({"jsonrpc": "2.0", "id": 2, "result": "b"}).to_string(),
            "noise".to_owned(),
            json!({"jsonrpc": "2.0", "id": 9, "result": "nobody asked"}).to_string(),
            json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}).to_string(),
            json!({"jsonrpc": "2.0", "id": 1, "result": "a"}).to_string(),
        ];
        to.write_all((lines.join("\n") + "\n").as_bytes()).await.unwrap();
        let second = bridge.next().await;
        assert!(second.contains("\"r2\"") && second.contains("\"b\""), "{second}");
        assert!(bridge.next().await.contains("list_changed"));
        let first = bridge.next().await;
        assert!(first.contains("\"r1\"") && first.contains("\"a\""), "{first}");
    }
}
