//! Every sentence that the host says to a person, in one place.
//!
//! Owns wording only, so that one voice speaks and the same thing is called the same everywhere.
//! Rooms get calm sentences without internals; causes go to the operator's log.

use schemas::{admin::Status, ids::MessageId};

use crate::{
    error::{ErrorKind, HostError},
    routing::ChatCommand,
};

/// A repeated id with another body.
#[must_use]
pub fn conflicting_message(id: &MessageId) -> HostError {
    HostError::new(ErrorKind::Conflict, format!("message {id} was sent before with another body"))
        .hint("use a new client id for a new message")
}

/// The host is ending.
#[must_use]
pub fn closing() -> HostError {
    HostError::new(ErrorKind::HostDown, "the host is shutting down")
        .hint("start it again with: lazaret up")
}

/// The engine cannot be reached; what it said, and what is known to help.
#[must_use]
pub fn engine_lost(reason: String, hint: Option<String>) -> HostError {
    let lost = HostError::new(ErrorKind::Engine, reason);
    match hint {
        Some(hint) => lost.hint(hint),
        None => lost,
    }
}

/// How the engine is, for people; further lines say what follows and what can be done.
#[must_use]
pub fn engine_state(status: &Status) -> String {
    if status.engine_ok {
        return status.engine.clone();
    }
    let hint = status.engine_hint.as_ref().map(|hint| format!("\nhint: {hint}"));
    format!(
        "NOT REACHABLE: {}\nmessages are kept until it answers{}",
        status.engine,
        hint.unwrap_or_default()
    )
}

/// What `up` says on a terminal once the host takes messages.
#[must_use]
pub fn up_and_ready(status: &Status) -> String {
    let ready =
        format!("lazaret {} is ready on {} (pid {})", status.version, status.home, status.pid);
    if status.engine_ok {
        return format!("{ready}; engine: {}", status.engine);
    }
    let hint = status.engine_hint.as_ref().map(|hint| format!("\nhint: {hint}"));
    format!(
        "{ready}, but without its engine; messages are kept until it answers: {}{}",
        status.engine,
        hint.unwrap_or_default()
    )
}

/// Said in the room when a run failed.
#[must_use]
pub fn run_failed(reason: &str) -> String {
    format!("I could not answer: {}", shown::line(reason))
}

/// Said in the room when the container cannot be started.
#[must_use]
pub fn cannot_start(reason: &str) -> String {
    format!(
        "I cannot start right now ({reason}). Your message is kept; write again once it is mended."
    )
}

/// Said in the room when the host cannot write what the agent's container needs.
#[must_use]
pub fn disk_trouble() -> String {
    "I cannot start right now: the host's disk cannot be written. Your message is kept; I try again \
     until it can."
        .to_owned()
}

/// Why a message is given up after its guest died again and again.
#[must_use]
pub fn gave_up() -> String {
    "the agent's container ended unexpectedly, again and again".to_owned()
}

/// Why a message is given up whose conversation was put away.
#[must_use]
pub fn archived() -> String {
    "the conversation was archived".to_owned()
}

/// What is said to somebody who would speak to it.
#[must_use]
pub fn archived_session() -> HostError {
    HostError::new(ErrorKind::Conflict, "the session is archived")
        .hint("a new message in its room begins a fresh one")
}

/// Said in the room when a session is set aside.
#[must_use]
pub fn set_aside(reason: &str) -> String {
    format!(
        "This session was set aside: {reason}. An operator can give it fresh files with \
         `lazaret sessions reset`."
    )
}

/// Said in the room when the container had to be ended for holding a lock.
#[must_use]
pub fn lock_holder() -> String {
    "the agent held a lock on its mailbox and was restarted".to_owned()
}

/// Said in the room when the session waits for a place or for the engine.
#[must_use]
pub fn waiting() -> String {
    "Your message is kept; I wait until a container can be started.".to_owned()
}

/// Said in the room over a command that its giver may not give.
#[must_use]
pub fn may_not(words: &str) -> String {
    format!("You may not {words}.")
}

/// The commands of a chat.
#[must_use]
pub fn chat_help() -> String {
    let lines = ChatCommand::LIST.map(|(command, _, does)| format!("{command}: {does}"));
    format!("You can say:\n{}\nEverything else goes to me as it is.", lines.join("\n"))
}

pub mod admin;
pub mod approvals;
pub mod backup;
pub mod bounds;
pub mod channels;
pub mod chat;
pub mod demo;
pub mod doctor;
pub mod engage;
pub mod erase;
pub mod people;
pub mod posts;
pub mod prompts;
pub mod quota;
pub mod secrets;
pub mod shown;
pub mod tasks;
pub mod turns;
pub mod upkeep;

/// When a disk is full.
pub const FREE_SPACE: &str = "free some space on the disk of the home folder";

/// When the home, or something in it, cannot be used.
pub const CHECK_THE_HOME: &str =
    "check owner, mode and free space of the home folder, and whether its disk is mounted writable";

/// When a home cannot be used at all.
pub const CHECK_OR_CHOOSE_HOME: &str = "check owner, mode and free space of it, whether its disk is mounted writable, or choose \
     another with --home";

/// The guest program is not where it should be.
pub const NO_GUEST: &str = "the program lazaret-guest is not beside lazaret";

/// What to do about [`NO_GUEST`].
pub const NO_GUEST_HINT: &str =
    "build it, then put it there or name it by guest = \"…\" in lazaret.toml";

/// When a settings file cannot be read and nothing better is known.
pub const FILE_HINT: &str = "lazaret up --help lists the settings";

/// What the program is, above its help.
pub const ABOUT: &str = "Runs AI agents in containers and carries their messages";

/// Where to begin, below the help.
pub const AFTER_HELP: &str = "\
Begin with:
  lazaret demo                see it work, on a temporary home
  lazaret up                  run the host
  lazaret agents create andy  make an agent
  lazaret chat andy           talk with it

Exit codes: 0 done, 1 refused or failed, 2 usage, 3 no host is running";

/// Below the help of `up`.
pub const SETTINGS: &str = "\
Settings are read from lazaret.toml in the home; unknown keys are errors:
  engine        where the engine listens, such as unix:///run/docker.sock
  guest         the guest program, when it is not beside lazaret
  image         the image of agents that bring none
  idle_timeout  how long a container without work is kept, such as 10m
  log           what is logged, such as info or warn,host=debug
  log_format    auto, pretty or json
  time_zone     an IANA name; else the system's

The environment beats the file: LAZARET_ENGINE (or DOCKER_HOST), LAZARET_GUEST,
LAZARET_LOG, LAZARET_LOG_FORMAT. LAZARET_HOME and LAZARET_RUN_DIR say where the
home and the sockets lie. The first SIGTERM or Ctrl-C lets the host finish what
it writes; containers go on running, and the next host takes them over.";

/// When no host answers.
pub const START_IT: &str = "start it with: lazaret up";

/// At the start of `chat`.
pub const CHAT_HELP: &str = "/file <path> attaches a file to the next message, /quit leaves";

/// When the host goes away under a client that waits.
pub const HOST_AWAY: &str = "the host is away; waiting for it to come back";

/// When it is there again.
pub const HOST_BACK: &str = "the host is back";

/// When something was typed while the host was away.
pub const KEPT_FOR_LATER: &str = "your message is kept and sent when the host is back";

/// At each start without containers.
pub const NOT_ISOLATED: &str = "NO ISOLATION: agents run as plain processes of this user, with \
                                all that this user may do; never give them what strangers wrote";

/// That an agent is at work.
#[must_use]
pub fn working(agent: &str) -> String {
    format!("{agent} is working…")
}

/// That a run did not complete, and why.
#[must_use]
pub fn run_ended(outcome: schemas::message::Outcome, reason: Option<&str>) -> String {
    let outcome = outcome.as_str();
    match reason {
        Some(reason) => format!("the run ended as {outcome}: {reason}"),
        None => format!("the run ended as {outcome}"),
    }
}

/// The nearest known words to one that is not known, or all of them when none is near.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let near = known
        .clone()
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min();
    match near {
        Some((_, candidate)) => format!("did you mean {candidate}?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            format!("known are {}", all.join(", "))
        }
    }
}

/// Behind those who are asked when an agent's first provider cannot answer.
pub const UNLESS_TOOLS_ACTED: &str = "not once tools have acted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_gets_the_list() {
        assert_eq!(did_you_mean("imgae", ["engine", "image"]), "did you mean image?");
        assert_eq!(did_you_mean("zebra", ["engine", "image"]), "known are engine, image");
    }
}
