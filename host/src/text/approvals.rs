//! What is said about things that wait for a person.

use jiff::Timestamp;
use schemas::{ids::ApprovalId, people::ApprovalInfo, policy::ApprovalStatus};

use super::shown;
use crate::approvals::{PendingAction, Room};

/// Somebody else was faster.
pub const ANSWERED_MEANWHILE: &str = "somebody else answered in the meantime";

/// An approval of a room names no agent, and there is not exactly one.
pub const WHICH_AGENT: &str = "which agent is the room for?";

/// What to do about [`WHICH_AGENT`].
pub const WHICH_AGENT_HINT: &str = "name one with --agent NAME, or make one with --new-agent NAME";

/// A choice of an agent where there is nothing to choose.
pub const NO_ROOM_TO_CONNECT: &str = "this connects no room; there is no agent to choose";

/// Instead of a file of a message that waited.
pub const FILE_NOT_HELD: &str = "it was too large to be kept while its sender was not known";

/// An id that is none, or of several.
pub const WHOLE_ID: &str = "write the whole id: lazaret approvals list";

/// Approved, and yet nothing can be done.
pub const NO_EFFECT_YET: &str = "approved and written down, but this version cannot carry it out";

/// Whoever said yes may no longer do it themselves.
pub const APPROVER_MAY_NOT: &str = "who approved it may no longer do it themselves";

/// Whoever asked may no longer ask.
pub const ASKER_MAY_NOT: &str = "the agent may no longer ask for it";

/// In one line, what is asked.
#[must_use]
pub fn title(action: &PendingAction) -> String {
    let title = match action {
        PendingAction::ConnectRoom(room) => {
            format!("connect {} to an agent; {} spoke there", place(room), sender(room))
        }
        PendingAction::AdmitSender { room, agents } => {
            let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
            format!("let {} talk to {} in {}", sender(room), names.join(", "), place(room))
        }
        PendingAction::Commands { asker, words, .. } => {
            format!("{} asks for: {}", asker.name, words.join("; "))
        }
        PendingAction::InstallPackages { agent, apt, npm, .. } => {
            let packages: Vec<&str> = apt.iter().chain(npm).map(String::as_str).collect();
            format!("{} asks to install {}", agent.name, packages.join(", "))
        }
        PendingAction::AddMcpServer { agent, name, .. } => {
            format!("{} asks for the tool server {name}", agent.name)
        }
    };
    shown::line(&title)
}

/// To the operator, when something new waits.
#[must_use]
pub fn asked(id: &ApprovalId, title: &str) -> String {
    format!("waiting for your word: {title} — lazaret approvals show {id}")
}

/// To the operator, halfway.
#[must_use]
pub fn reminder(id: &ApprovalId, title: &str, until: Timestamp) -> String {
    format!("still waiting for your word, until {until:.0}: {title} — lazaret approvals show {id}")
}

/// Why an answer comes too late.
#[must_use]
pub fn settled(id: &ApprovalId, status: ApprovalStatus) -> String {
    format!("approval {id} is {} already", status.as_str())
}

/// What came of an answer.
#[must_use]
pub fn answered(info: &ApprovalInfo) -> String {
    let what = match info.result.as_deref() {
        None => "what follows is done as soon as it can be".to_owned(),
        Some(result) => shown::block(result),
    };
    format!("{}: {}\n{what}", info.status.as_str(), info.title)
}

/// What was shown is not what is stored.
#[must_use]
pub fn changed(id: &ApprovalId) -> String {
    format!("approval {id} is not what was shown")
}

fn place(room: &Room) -> String {
    let id = shown::id(&format!("{}:{}", room.channel, room.platform_id));
    room.name.as_ref().map_or_else(|| id.clone(), |name| format!("{} ({id})", shown::name(name)))
}

fn sender(room: &Room) -> String {
    let id = shown::id(&room.sender);
    room.sender_name
        .as_ref()
        .map_or_else(|| id.clone(), |name| format!("{} ({id})", shown::name(name)))
}
