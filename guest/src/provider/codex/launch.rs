//! How the app server is started, and what it is asked to begin with. PURE.
//!
//! Owns its command line: everything that it could read from a folder is either said here, where
//! nothing else counts more, or switched off.
//!
//! The working folder is marked as untrusted. Without that word the app server would trust it by
//! itself, and take providers, MCP servers, hooks and rules for what may run unasked from the
//! `.codex` that lies in it. Its `AGENTS.md` is not read either: what an agent is told comes from
//! the host, by the system prompt.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::super::Launch;

/// The provider's name in its configuration.
const ROUTE: &str = "lazaret";
/// Where it looks for the key. The true one is added on the host's side.
pub(super) const KEY_VARIABLE: &str = "LAZARET_MODEL_KEY";

/// What is not for an agent in a container without a network, or begins turns by itself, or brings
/// commands from elsewhere, or tries again without end.
const OFF: [&str; 12] = [
    "apps",
    "daemon_auto_start",
    "goals",
    "hooks",
    "instant_interrupt",
    "plugin_sharing",
    "plugins",
    "remote_plugin",
    "shell_snapshot",
    "skill_mcp_dependency_install",
    "tool_suggest",
    "unbounded_connection_retries",
];

/// Files and folders of its home that change what runs, and by whom. The agent can write there, so
/// they go before each start.
pub(super) const SWEPT: [&str; 5] =
    ["config.toml", "hooks.json", "managed_config.toml", "requirements.toml", "rules"];

/// What the command line depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    /// Where the model APIs are to be had.
    pub(super) models: &'a str,
    /// The folders that it may work in, by every name that they have.
    pub(super) untrusted: &'a [PathBuf],
    /// The program that serves our tools.
    pub(super) tools: Option<&'a [String]>,
}

/// The arguments.
pub(super) fn arguments(setting: &Setting<'_>) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["app-server".into()];
    let mut set = |key: &str, value: String| {
        args.extend(["-c".into(), format!("{key}={value}").into()]);
    };
    set("model_provider", quoted(ROUTE));
    let base = quoted(&format!("{}/openai", setting.models));
    set(
        &format!("model_providers.{ROUTE}"),
        format!(
            "{{name={},base_url={base},env_key={},wire_api=\"responses\",\
             request_max_retries=0,stream_max_retries=0}}",
            quoted(ROUTE),
            quoted(KEY_VARIABLE)
        ),
    );
    let folders: Vec<String> = setting
        .untrusted
        .iter()
        .map(|folder| {
            format!("{}={{trust_level=\"untrusted\"}}", quoted(&folder.to_string_lossy()))
        })
        .collect();
    set("projects", format!("{{{}}}", folders.join(",")));
    if let Some([program, rest @ ..]) = setting.tools {
        let rest: Vec<String> = rest.iter().map(|one| quoted(one)).collect();
        set(
            "mcp_servers.lazaret",
            // Asked about like any other tool: that one acts is written down first.
            format!(
                "{{command={},args=[{}],default_tools_approval_mode=\"prompt\"}}",
                quoted(program),
                rest.join(",")
            ),
        );
    }
    // The container is the sandbox: its own needs user namespaces, which the container refuses.
    set("sandbox_mode", quoted("danger-full-access"));
    for key in ["analytics.enabled", "feedback.enabled", "check_for_update_on_startup"] {
        set(key, "false".to_owned());
    }
    // Other agents are the host's to make, and what a skill says is the host's to give.
    for key in ["agents.enabled", "skills.bundled.enabled", "skills.include_instructions"] {
        set(key, "false".to_owned());
    }
    set("web_search", quoted("disabled"));
    set("history.persistence", quoted("none"));
    for feature in OFF {
        args.extend(["--disable".into(), feature.into()]);
    }
    args
}

/// What it is told about us.
pub(super) fn greeting() -> Value {
    let us = json!({ "name": "lazaret", "title": "lazaret", "version": env!("CARGO_PKG_VERSION") });
    json!({ "clientInfo": us, "capabilities": { "experimentalApi": true } })
}

/// What holds for a conversation, a new one or one that goes on. It asks about every command and
/// every patch.
pub(super) fn conversation(launch: &Launch, going_on: Option<&str>) -> Value {
    let mut params = json!({
        "cwd": launch.work_dir,
        "approvalPolicy": "untrusted",
        "sandbox": "danger-full-access",
    });
    if let Some(model) = &launch.model {
        put(&mut params, "model", json!(model));
    }
    if !launch.system_prompt.is_empty() {
        // Beside its own, which tell how its tools are used.
        put(&mut params, "developerInstructions", json!(launch.system_prompt));
    }
    if let Some(thread) = going_on {
        put(&mut params, "threadId", json!(thread));
        put(&mut params, "excludeTurns", json!(true));
    }
    params
}

/// A turn; `run` is its mark in the transcript.
pub(super) fn turn(thread: &str, run: &str, input: &[Value], launch: &Launch) -> Value {
    let mut params = json!({ "threadId": thread, "clientUserMessageId": run, "input": input });
    if let Some(model) = &launch.model {
        put(&mut params, "model", json!(model));
    }
    params
}

/// Words, as it takes them.
pub(super) fn words(text: &str) -> Value {
    json!({ "type": "text", "text": text, "text_elements": [] })
}

/// A picture that lies in a file.
pub(super) fn picture(path: &Path) -> Value {
    json!({ "type": "localImage", "path": path })
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

/// A string of TOML: one of JSON is one, but for a character that no path has.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_counts_is_on_the_command_line() {
        let folders = [PathBuf::from("/workspace/work"), PathBuf::from("/we\"ird")];
        let tools = ["/opt/lazaret/guest".to_owned(), "tools".to_owned()];
        let setting =
            Setting { models: "http://127.0.0.1:8399", untrusted: &folders, tools: Some(&tools) };
        let shown: Vec<String> =
            arguments(&setting).iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        insta::assert_snapshot!(shown.join(" ").replace(" -c ", "\n-c ").replace(" --", "\n--"), @r#"
        app-server
        -c model_provider="lazaret"
        -c model_providers.lazaret={name="lazaret",base_url="http://127.0.0.1:8399/openai",env_key="LAZARET_MODEL_KEY",wire_api="responses",request_max_retries=0,stream_max_retries=0}
        -c projects={"/workspace/work"={trust_level="untrusted"},"/we\"ird"={trust_level="untrusted"}}
        -c mcp_servers.lazaret={command="/opt/lazaret/guest",args=["tools"],default_tools_approval_mode="prompt"}
        -c sandbox_mode="danger-full-access"
        -c analytics.enabled=false
        -c feedback.enabled=false
        -c check_for_update_on_startup=false
        -c agents.enabled=false
        -c skills.bundled.enabled=false
        -c skills.include_instructions=false
        -c web_search="disabled"
        -c history.persistence="none"
        --disable apps
        --disable daemon_auto_start
        --disable goals
        --disable hooks
        --disable instant_interrupt
        --disable plugin_sharing
        --disable plugins
        --disable remote_plugin
        --disable shell_snapshot
        --disable skill_mcp_dependency_install
        --disable tool_suggest
        --disable unbounded_connection_retries
        "#);
        let without = arguments(&Setting { tools: None, ..setting });
        assert!(without.iter().all(|arg| !arg.to_string_lossy().contains("mcp_servers")));
    }

    #[test]
    fn a_model_and_instructions_are_said_only_when_there_are_any() {
        let bare = Launch { work_dir: "/w".into(), ..Launch::default() };
        assert_eq!(
            conversation(&bare, None),
            json!({ "cwd": "/w", "approvalPolicy": "untrusted", "sandbox": "danger-full-access" })
        );
        let bare_turn = turn("t", "r", &[words("x")], &bare);
        assert_eq!(bare_turn.as_object().unwrap().len(), 3);
        let full =
            Launch { model: Some("m".to_owned()), system_prompt: "Be brief.".to_owned(), ..bare };
        let going_on = conversation(&full, Some("t"));
        assert_eq!((&going_on["threadId"], &going_on["model"]), (&json!("t"), &json!("m")));
        assert_eq!(going_on["developerInstructions"], "Be brief.");
        assert_eq!(turn("t", "r", &[], &full)["model"], "m");
    }
}
