//! The scripted model server as a program: `scripted-model [PORT]`, 8399 by default.

use std::process::ExitCode;

use scripted_model::server::ScriptedModel;

/// Where it listens unless it is told otherwise.
const PORT: u16 = 8399;

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what people read")]
async fn main() -> ExitCode {
    let port = match std::env::args().nth(1).map(|port| port.parse()) {
        None => PORT,
        Some(Ok(port)) => port,
        Some(Err(_)) => {
            eprintln!("usage: scripted-model [PORT]");
            return ExitCode::FAILURE;
        }
    };
    match ScriptedModel::start(port).await {
        Ok(server) => {
            println!("{}", server.base("<script>[@<name>]"));
            drop(server.serve().await);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot listen on port {port}: {error}");
            ExitCode::FAILURE
        }
    }
}
