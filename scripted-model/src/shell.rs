//! The shell tools of the runtimes that are known: how each is called, and what it takes. From what
//! these runtimes offered when they were asked to run something.

use serde_json::{Value, json};

use crate::asked::Offered;

/// The first shell tool among what is offered, with the arguments that run a command.
pub(crate) fn call(offered: &[Offered], command: &str) -> Option<(Offered, Value)> {
    offered.iter().find_map(|tool| Some((tool.clone(), arguments(&tool.name, command)?)))
}

fn arguments(tool: &str, command: &str) -> Option<Value> {
    match tool {
        "Bash" | "bash" | "run_shell_command" => {
            Some(json!({"command": command, "description": "as scripted"}))
        }
        "exec_command" => Some(json!({"cmd": command})),
        "shell_command" => Some(json!({"command": command})),
        "shell" | "local_shell" | "container.exec" => {
            Some(json!({"command": ["bash", "-lc", command]}))
        }
        // It takes a program that calls the tool.
        "exec" => Some(json!(format!(
            "text((await tools.exec_command({{cmd: {}}})).output);",
            json!(command)
        ))),
        _ => None,
    }
}
