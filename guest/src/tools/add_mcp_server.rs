//! `add_mcp_server`: more tools for the agent.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "add_mcp_server",
    about: "Asks for another MCP server on your machine, whose tools you have from then on. Its \
            program must be there already, or come with install_packages. A person agrees first.",
    fields: &[
        Field::needed("name", Kind::Text, "its name: lower-case letters, digits, - and _"),
        Field::needed("command", Kind::Text, "the program"),
        Field::may("args", Kind::Texts, "its arguments"),
        Field::may("env", Kind::Map, "its environment; never put secrets here"),
    ],
    example: r#"{"name": "files", "command": "mcp-files", "args": ["--root", "/workspace/work"]}"#,
    does: Does::Post(
        |given| {
            Ok(asks(Action::AddMcpServer {
                name: given.words("name"),
                command: given.words("command"),
                args: given.texts("args"),
                env: given.map("env"),
            }))
        },
        After::Request,
    ),
};
