//! How Claude Code is started.
//!
//! Owns its arguments and its environment, and so what it may take from where: nothing from the
//! folder that it works in or from its home, since the agent writes both. Hooks, MCP servers,
//! skills, memory files and permissions that lie there do nothing.

use std::{ffi::OsString, path::PathBuf};

use crate::provider::{
    Launch, Surroundings,
    child::{Program, base_env},
};

/// Found on the image's `PATH`.
pub(super) const PROGRAM: &str = "claude";

/// What is taken from it: its own clock and its own ways to ask, to plan, to go elsewhere and to
/// call others would act beside the turn, where nobody records, answers or counts it.
const NOT_OURS: &str = "AskUserQuestion,CronCreate,CronDelete,CronList,EnterPlanMode,\
    ExitPlanMode,EnterWorktree,ExitWorktree,ListAgents,Monitor,ScheduleWakeup,SendMessage,Workflow";

/// Which conversation it is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversation<'i> {
    /// A new one, of this id.
    New(&'i str),
    /// The one of this id.
    Old(&'i str),
}

/// What is started. `root` says whether we are root, which it refuses to be without a word.
pub(super) fn program(
    program: PathBuf,
    launch: &Launch,
    around: &Surroundings,
    conversation: Conversation<'_>,
    root: bool,
) -> Program {
    let mut args: Vec<OsString> = [
        "-p",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--include-partial-messages",
        "--verbose",
        "--permission-mode=default",
        "--permission-prompt-tool=stdio",
        "--strict-mcp-config",
        "--setting-sources=",
    ]
    .map(OsString::from)
    .into();
    args.push(format!("--disallowed-tools={NOT_OURS}").into());
    let (flag, id) = match conversation {
        Conversation::New(id) => ("--session-id", id),
        Conversation::Old(id) => ("--resume", id),
    };
    args.extend([flag.into(), id.into()]);
    if let Some(model) = &launch.model {
        args.extend(["--model".into(), model.into()]);
    }
    let home = around.dir.home();
    let mut env = base_env(&home);
    env.push(("CLAUDE_CONFIG_DIR".into(), home.join(".claude").into()));
    if let Some(models) = &around.models {
        env.push(("ANTHROPIC_BASE_URL".into(), format!("{models}/anthropic").into()));
    }
    // The key is added on the way; without one it asks for a login.
    env.push(("ANTHROPIC_API_KEY".into(), "added-by-the-host".into()));
    let switches = [
        ("CLAUDE_CODE_MAX_RETRIES", "0"),
        // It would ask again for the whole answer at once, and hide what was wrong.
        ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        // What goes on after a turn would act unrecorded, and begin turns of its own.
        ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
        ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
        ("ENABLE_TOOL_SEARCH", "false"),
    ];
    env.extend(switches.map(|(name, value)| (name.into(), value.into())));
    if root {
        env.push(("IS_SANDBOX".into(), "1".into()));
    }
    Program { program, args, dir: launch.work_dir.clone(), env }
}

#[cfg(test)]
mod tests {
    use schemas::session_dir::SessionDir;

    use super::*;

    #[test]
    fn it_takes_nothing_from_the_folders_that_the_agent_writes_and_holds_no_key() {
        let around = Surroundings {
            desk: crate::tools::Desk::default(),
            dir: SessionDir::at("/workspace"),
            models: Some("http://127.0.0.1:8399".into()),
        };
        let launch = Launch { model: Some("opus".into()), ..Launch::default() };
        let conversation = Conversation::Old("u1");
        let program = program(PROGRAM.into(), &launch, &around, conversation, false);
        let words = |word: &str| program.args.iter().any(|arg| arg == word);
        assert!(words("--setting-sources=") && words("--strict-mcp-config"));
        assert!(words("--resume") && words("u1") && words("opus") && !words("--session-id"));
        let env = |name: &str| {
            let found = program.env.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.to_str().unwrap())
        };
        assert_eq!(env("ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:8399/anthropic"));
        assert_eq!(env("ANTHROPIC_API_KEY"), Some("added-by-the-host"));
        assert_eq!(env("HOME"), Some("/workspace/home"));
        assert_eq!(env("IS_SANDBOX"), None);
    }
}
