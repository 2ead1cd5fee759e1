//! PURE: what an action comes to: words of the operator's grammar, or one of the two that have no
//! command.
//!
//! Owns the checks of what a guest chose. Its values never become options: they stand behind an
//! option's `=`, or behind `--`.

use std::collections::BTreeMap;

use schemas::{
    action::{Action, TaskHow},
    ids::AgentId,
};

use crate::limits::action as limits;

/// What follows from an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// These words, asked by the agent.
    Words(Vec<String>),
    /// Packages in its image.
    Packages { apt: Vec<String>, npm: Vec<String>, reason: Option<String> },
    /// Something about the tasks of its conversation.
    Task(Wish),
    /// A tool server in its container.
    Server { name: String, command: String, args: Vec<String>, env: BTreeMap<String, String> },
}

/// What an agent wants of its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// A new one; with a room when it is to be done elsewhere, perhaps.
    Schedule {
        prompt: String,
        name: Option<String>,
        how: Box<TaskHow>,
        room: Option<(String, Option<String>)>,
    },
    /// What there is.
    List,
    /// Another prompt, time or script.
    Update { task: String, prompt: Option<String>, how: Box<TaskHow> },
    /// Not before it is resumed.
    Pause(String),
    /// From its next time on again.
    Resume(String),
    /// Never again.
    Cancel(String),
}

/// The words of a task in another room, which a person is asked about.
pub(super) fn elsewhere(
    agent: &AgentId,
    (prompt, name): (String, Option<String>),
    how: TaskHow,
    (room, thread): (String, Option<String>),
) -> Vec<String> {
    let TaskHow { at, every, zone, missed, script, often } = how;
    let missed = missed.map(|missed| missed.as_str().to_owned());
    let given = [
        ("name", name),
        ("room", Some(room)),
        ("thread", thread),
        ("at", at),
        ("every", every),
        ("zone", zone),
        ("missed", missed),
        ("script", script),
    ];
    let mut options: Vec<String> = given
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("--{name}={value}")))
        .collect();
    options.extend(often.then(|| "--often".to_owned()));
    words(["tasks", "create"], options, [agent.to_string(), prompt])
}

/// Reads an action of an agent's.
///
/// # Errors
/// Why it is refused, for the agent.
pub(super) fn plan(agent: &AgentId, action: Action) -> Result<Plan, String> {
    match action {
        Action::CreateAgent { name, prompt } => {
            let mut options = vec![format!("--reachable-from={agent}")];
            options.extend(prompt.map(|prompt| format!("--prompt={prompt}")));
            Ok(Plan::Words(words(["agents", "create"], options, [name])))
        }
        Action::RequestDestination { name, room, agent: other, reason: _ } => {
            let leads = match (room, other) {
                (Some(room), None) => format!("--room={room}"),
                (None, Some(other)) => format!("--agent={other}"),
                (Some(_), Some(_)) | (None, None) => {
                    return Err("a destination leads to a room or to an agent".to_owned());
                }
            };
            let which = [agent.to_string(), name];
            Ok(Plan::Words(words(["destinations", "create"], vec![leads], which)))
        }
        Action::Admin { args } if args.len() > limits::ADMIN_WORDS => {
            Err(format!("a command has at most {} words", limits::ADMIN_WORDS))
        }
        Action::Admin { args } => Ok(Plan::Words(args)),
        Action::InstallPackages { apt, npm, reason } => packages(apt, npm, reason.as_deref()),
        Action::AddMcpServer { name, command, args, env } => server(name, command, args, env),
        Action::ScheduleTask { prompt, name, how, room, thread } => {
            let room = room.map(|room| (room, thread));
            Ok(Plan::Task(Wish::Schedule { prompt, name, how, room }))
        }
        Action::ListTasks {} => Ok(Plan::Task(Wish::List)),
        Action::UpdateTask { task, prompt, how } => {
            Ok(Plan::Task(Wish::Update { task, prompt, how }))
        }
        Action::PauseTask { task } => Ok(Plan::Task(Wish::Pause(task))),
        Action::ResumeTask { task } => Ok(Plan::Task(Wish::Resume(task))),
        Action::CancelTask { task } => Ok(Plan::Task(Wish::Cancel(task))),
    }
}

fn words<const N: usize>(
    verb: [&str; 2],
    options: Vec<String>,
    values: [String; N],
) -> Vec<String> {
    let verb = verb.map(str::to_owned);
    verb.into_iter().chain(options).chain(["--".to_owned()]).chain(values).collect()
}

fn packages(apt: Vec<String>, npm: Vec<String>, reason: Option<&str>) -> Result<Plan, String> {
    let count = apt.len() + npm.len();
    if count == 0 || count > limits::PACKAGES {
        return Err(format!("name one to {} packages", limits::PACKAGES));
    }
    let bad = |name: &String, why: &str| {
        let name: String = name.chars().take(limits::SHOWN_CHARS).collect();
        Err(format!("{name:?} is no name of {why}"))
    };
    if let Some(name) = apt.iter().find(|name| !is_apt(name)) {
        return bad(name, "a Debian package");
    }
    if let Some(name) = npm.iter().find(|name| !is_npm(name)) {
        return bad(name, "an npm package");
    }
    Ok(Plan::Packages { apt, npm, reason: reason.map(cut) })
}

fn server(
    name: String,
    command: String,
    args: Vec<String>,
    env: BTreeMap<String, String>,
) -> Result<Plan, String> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > limits::SHOWN_CHARS || !name.chars().all(word) {
        return Err("a server's name is a word of a-z, 0-9, - and _".to_owned());
    }
    if command.trim().is_empty() || !is_value(&command) {
        return Err("a server has a program".to_owned());
    }
    if args.len() > limits::SERVER_PARTS || env.len() > limits::SERVER_PARTS {
        return Err(format!(
            "a server has at most {0} arguments and {0} variables",
            limits::SERVER_PARTS
        ));
    }
    if !args.iter().chain(env.values()).all(|value| is_value(value)) {
        return Err("an argument or a variable is over-long, or holds a control character".into());
    }
    if !env.keys().all(|name| is_variable(name)) {
        return Err("a variable's name is of A-Z, a-z, 0-9 and _".to_owned());
    }
    Ok(Plan::Server { name, command, args, env })
}

/// As Debian's policy has it.
fn is_apt(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (2..=limits::PACKAGE_BYTES).contains(&name.len())
        && name.starts_with(plain)
        && name.chars().all(|c| plain(c) || matches!(c, '+' | '-' | '.'))
}

/// `name`, `@scope/name`, each with `@version` or without.
fn is_npm(name: &str) -> bool {
    let part = |text: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.starts_with(plain)
            && text.chars().all(|c| plain(c) || matches!(c, '-' | '_' | '.' | '~'))
    };
    let version = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
    };
    let (scope, rest) = match name.strip_prefix('@').map(|rest| rest.split_once('/')) {
        Some(Some((scope, rest))) => (Some(scope), rest),
        Some(None) => return false,
        None => (None, name),
    };
    let (bare, at) = rest.split_once('@').map_or((rest, None), |(bare, at)| (bare, Some(at)));
    name.len() <= limits::PACKAGE_BYTES
        && scope.is_none_or(part)
        && part(bare)
        && at.is_none_or(version)
}

fn is_value(text: &str) -> bool {
    text.len() <= limits::VALUE_BYTES && !text.contains(|c: char| c.is_control() && c != '\n')
}

fn is_variable(name: &str) -> bool {
    name.len() <= limits::SHOWN_CHARS
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn cut(text: &str) -> String {
    text.chars().take(limits::REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn read(json: &str) -> Result<Plan, String> {
        let agent = AgentId::mint(Timestamp::UNIX_EPOCH);
        plan(&agent, serde_json::from_str(json).unwrap())
    }

    #[track_caller]
    fn refused(json: &str, why: &str) {
        let reason = read(json).unwrap_err();
        assert!(reason.contains(why), "{json}: {reason}");
    }

    #[test]
    fn what_a_guest_chose_never_becomes_an_option() {
        let Ok(Plan::Words(words)) =
            read(r#"{"action":"create_agent","name":"--help","prompt":"--image evil"}"#)
        else {
            panic!("no words")
        };
        assert_eq!(words[..2], ["agents", "create"]);
        assert_eq!(words[3..], ["--prompt=--image evil", "--", "--help"]);
        let Ok(Plan::Words(words)) =
            read(r#"{"action":"request_destination","name":"-x","room":"--thread=t"}"#)
        else {
            panic!("no words")
        };
        assert_eq!(words[2], "--room=--thread=t");
        assert_eq!((words[3].as_str(), words[5].as_str()), ("--", "-x"));
    }

    #[test]
    fn a_task_elsewhere_is_words_that_a_person_reads() {
        let json = r#"{"action":"schedule_task","prompt":"--help","room":"slack:C1",
                       "every":"@daily","script":"--often"}"#;
        let Ok(Plan::Task(Wish::Schedule { prompt, name, how, room: Some(room) })) = read(json)
        else {
            panic!("no task")
        };
        let agent = AgentId::mint(Timestamp::UNIX_EPOCH);
        let words = elsewhere(&agent, (prompt, name), *how, room);
        let given = ["--room=slack:C1", "--every=@daily", "--script=--often", "--"];
        assert_eq!(words[2..6], given);
        assert_eq!((words[0].as_str(), words[7].as_str()), ("tasks", "--help"));
    }

    #[test]
    fn a_destination_leads_to_one_place() {
        refused(r#"{"action":"request_destination","name":"x"}"#, "room or to an agent");
        refused(
            r#"{"action":"request_destination","name":"x","room":"a:b","agent":"c"}"#,
            "room or to an agent",
        );
    }

    #[test]
    fn packages_have_names_and_nothing_else() {
        let fine = r#"{"action":"install_packages","apt":["ripgrep","g++","libc6"],
                       "npm":["left-pad","@scope/pkg@1.2.3","typescript@next"]}"#;
        assert!(matches!(read(fine), Ok(Plan::Packages { .. })), "{:?}", read(fine));
        for apt in ["x", "-y", "a b", "rip;reboot", "Rip", "../x", "a=1", "$(x)"] {
            refused(&format!(r#"{{"action":"install_packages","apt":["{apt}"]}}"#), "Debian");
        }
        for npm in ["", "-g", "@scope", "@/x", "a/b", "a@", "a@1 2", "git+ssh://x", "a@file:x"] {
            refused(&format!(r#"{{"action":"install_packages","npm":["{npm}"]}}"#), "npm");
        }
        refused(r#"{"action":"install_packages"}"#, "one to");
        let many = vec![r#""aa""#; limits::PACKAGES + 1].join(",");
        refused(&format!(r#"{{"action":"install_packages","apt":[{many}]}}"#), "one to");
    }

    #[test]
    fn a_server_is_shown_as_it_would_run() {
        let server = |rest: &str| format!(r#"{{"action":"add_mcp_server",{rest}}}"#);
        let fine = server(r#""name":"git","command":"npx","args":["-y","x"],"env":{"A_1":"b"}"#);
        assert!(matches!(read(&fine), Ok(Plan::Server { .. })));
        refused(&server(r#""name":"Git!","command":"npx""#), "name");
        refused(&server(r#""name":"git","command":" ""#), "program");
        refused(&server(r#""name":"git","command":"x","args":["a\u0007"]"#), "argument");
        refused(&server(r#""name":"git","command":"x","env":{"A=B":"c"}"#), "variable");
        let long = "x".repeat(limits::VALUE_BYTES + 1);
        refused(&server(&format!(r#""name":"git","command":"x","args":["{long}"]"#)), "argument");
    }
}
