//! What the operator's commands say of what they did.

use std::path::Path;

use schemas::{admin::SessionInfo, ids::SessionId};

use crate::{
    error::{ErrorKind, HostError},
    sessions::{MessageInfo, lifecycle::WITHOUT_CONTAINER},
};

/// A room is known.
#[must_use]
pub fn room_made(place: &str) -> String {
    format!("made {place}; wire an agent to it: lazaret wirings create {place} <agent>")
}

/// An agent is wired.
#[must_use]
pub fn wired(agent: &str, place: &str) -> String {
    format!("{agent} listens in {place}")
}

/// A name is in an address book.
#[must_use]
pub fn reachable(agent: &str, name: &str, to: &str) -> String {
    format!("{agent} reaches {to} as {name}")
}

/// Something is different now.
#[must_use]
pub fn changed(what: &str) -> String {
    format!("changed {what}")
}

/// What was said, line by line.
#[must_use]
pub fn transcript(messages: &[MessageInfo]) -> String {
    let line = |one: &MessageInfo| {
        let said: Option<serde_json::Value> = serde_json::from_str(&one.content).ok();
        let text = said.as_ref().and_then(|said| said.get("text")).and_then(|text| text.as_str());
        let by = one.sender.as_deref().unwrap_or("agent");
        let at = one.at.map(|at| format!(" at {at:.0}")).unwrap_or_default();
        format!("{by}{at} ({}):\n{}\n", one.status, text.unwrap_or(&one.content))
    };
    messages.iter().map(line).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// A session is put away.
#[must_use]
pub fn archived(session: &SessionId) -> String {
    format!("{session} is archived; the next message in its room begins a fresh one")
}

/// A session that was set aside works again.
#[must_use]
pub fn starts_afresh(session: &SessionId) -> String {
    format!("{session} starts afresh")
}

/// A session's container ends.
#[must_use]
pub fn restarts(session: &SessionInfo) -> String {
    let id = &session.id;
    match session.state.as_str() {
        "asleep" | WITHOUT_CONTAINER => {
            format!("{id} has no container; its next one is a fresh one")
        }
        "stopping" => format!("{id} restarts"),
        _ => format!("{id} restarts after its run"),
    }
}

/// Something is deleted.
#[must_use]
pub fn gone(what: &str) -> String {
    format!("deleted {what}")
}

/// What a deletion would take.
#[must_use]
pub fn would_go(what: &[String]) -> String {
    format!("nothing is deleted yet; this would go:\n  {}", what.join("\n  "))
}

/// What cannot be deleted, for these things use it.
#[must_use]
pub fn in_use(what: &str, by: &[(&str, &[String])]) -> HostError {
    let uses: Vec<String> = by
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(kind, names)| {
            let plural = if names.len() == 1 { "" } else { "s" };
            format!("{} {kind}{plural} ({})", names.len(), few(names))
        })
        .collect();
    HostError::new(ErrorKind::Conflict, format!("{what} is in use: {}", uses.join(", ")))
        .hint("delete or archive those first")
}

/// What becomes of the files of a deleted agent.
pub const KEPT_ASIDE: &str = "its folders are not deleted: they are moved to removed/ in the home";

/// An agent is deleted.
#[must_use]
pub fn agent_gone(name: &str, aside: Option<&Path>) -> String {
    match aside {
        Some(aside) => format!("deleted {name}; its folders lie in {}", aside.display()),
        None => gone(name),
    }
}

/// How somebody becomes the owner.
pub const NOT_OWNED: &str = "nobody yet: lazaret people claim-code, then say the code in a chat";

/// How long what an agent said is kept: its own word, else the install's; 0 is forever.
#[must_use]
pub fn kept(own: Option<u32>, install: Option<u32>) -> String {
    match (own, install) {
        (Some(0), _) | (None, None | Some(0)) => "forever".to_owned(),
        (Some(days), _) => format!("{days} days"),
        (None, Some(days)) => format!("{days} days, as lazaret.toml says"),
    }
}

/// What applies to containers that start from now on.
pub const AT_NEXT_START: &str = "containers that run keep theirs: lazaret agents restart";

/// The first names, and how many more there are.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("{} more", names.len().saturating_sub(SHOWN));
    if names.len() > SHOWN {
        shown.push(&more);
    }
    shown.join(", ")
}
