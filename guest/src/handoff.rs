//! What a model is told that goes on with a conversation which another one began. PURE.
//!
//! Owns its bounds and its words. What people said in it is escaped like everything that they say,
//! so that none of it passes for this text.

use crate::{limits, past::Past, written::escaped};

/// The last messages in both directions, and what was done already for the message that comes
/// next, by a try that broke off. Empty where there is neither.
#[must_use]
pub fn handoff(history: &[Past], done: &[String]) -> String {
    let mut parts = Vec::new();
    let last = history.get(history.len().saturating_sub(limits::HANDOFF_MESSAGES)..);
    let last = last.unwrap_or_default();
    if !last.is_empty() {
        let lines: Vec<String> =
            last.iter().map(|one| one.written(limits::HANDOFF_CHARS)).collect();
        parts.push(format!(
            "You go on with this conversation; you do not remember it, so here is how it went, \
             the oldest message first. What stands in <you> was said in your name. All of it is \
             over: answer only what follows after it.\n<history>\n{}\n</history>",
            lines.join("\n")
        ));
    }
    if !done.is_empty() {
        let lines: Vec<String> =
            done.iter().take(limits::HANDOFF_DONE).map(|one| line(one)).collect();
        let more = done.len().saturating_sub(lines.len());
        let more = if more > 0 { format!("\n(and {more} more)") } else { String::new() };
        parts.push(format!(
            "Somebody began to work on the message that follows, and broke off. This was done \
             for it already; look what came of it, and do not do it again:\n<done>\n{}{more}\n</done>",
            lines.join("\n")
        ));
    }
    parts.join("\n")
}

fn line(done: &str) -> String {
    let flat: Vec<&str> = done.split_whitespace().collect();
    let short: String = flat.join(" ").chars().take(limits::HANDOFF_DONE_CHARS).collect();
    format!("- {}", escaped(&short))
}
