//! The command line of `lazaret-guest`, the one static binary that is mounted into every container.
//!
//! Owns what only the host's container spec and tests type, and the signals of the `run` mode.

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use schemas::{
    CONTRACT_VERSION,
    session_dir::{GUEST_ROOT, SessionDir},
    sqlite,
    time::{Clock, SystemClock},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    GuestError, GuestErrorKind, Ports, config, init, load,
    models::Models,
    probe,
    provider::{self, Surroundings},
    steps::Steps,
    tools::{self, Desk, Listener},
    watch::Watch,
};

const USAGE: &str =
    "lazaret-guest init [--dir DIR] | init -- COMMAND…   PID 1; runs `run` or the command
lazaret-guest run [--dir DIR]      works on the session
lazaret-guest probe [--dir DIR]    prints what this process can see and do, as JSON
lazaret-guest tools --socket PATH  the agent's tools over MCP, from a guest that runs
lazaret-guest exec -- COMMAND…     becomes the command, with all signals let through
lazaret-guest --version
";

/// Does what the command line says. `steps` says who watches the steps of a session's turns.
#[must_use]
pub fn main(steps: impl FnOnce(&SessionDir) -> Steps) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match dispatch(&args, steps) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tracing::error!("{}", error.chain());
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(args: &[OsString], steps: impl FnOnce(&SessionDir) -> Steps) -> Result<u8, GuestError> {
    let words: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or("?")).collect();
    let rest = |n: usize| args.get(n..).unwrap_or_default();
    match words.as_slice() {
        ["init", "--", _, ..] => supervise(rest(2)),
        ["init", ..] => supervise(&own_run(rest(1))?),
        ["exec", "--", _, ..] => Err(cannot_start(init::exec(rest(2)).err())),
        ["run"] => run(&SessionDir::at(GUEST_ROOT), steps),
        ["run", "--dir", _] => run(&dir_of(rest(2)), steps),
        ["probe"] => print(&format!("{:#}\n", probe::report(&SessionDir::at(GUEST_ROOT)))),
        ["probe", "--dir", _] => print(&format!("{:#}\n", probe::report(&dir_of(rest(2))))),
        ["tools", "--socket", _] => pipe(rest(2)),
        ["--version"] => print(&format!(
            "lazaret-guest {} contract {CONTRACT_VERSION}\n",
            env!("CARGO_PKG_VERSION")
        )),
        _ => Err(GuestError::bare(GuestErrorKind::Config, format!("usage:\n{USAGE}"))),
    }
}

fn pipe(rest: &[OsString]) -> Result<u8, GuestError> {
    let socket = rest.first().map(PathBuf::from).unwrap_or_default();
    let piped = tools::pipe(&socket);
    piped.map(|()| 0).map_err(|error| {
        let message = format!("cannot reach the tools at {}", socket.display());
        GuestError::new(GuestErrorKind::Disk, message, error)
    })
}

fn supervise(command: &[OsString]) -> Result<u8, GuestError> {
    init::run(command).map_err(|error| cannot_start(Some(error)))
}

fn own_run(rest: &[OsString]) -> Result<Vec<OsString>, GuestError> {
    let program = std::env::current_exe().map_err(|error| cannot_start(Some(error)))?;
    Ok([program.into(), "run".into()].into_iter().chain(rest.iter().cloned()).collect())
}

fn cannot_start(error: Option<std::io::Error>) -> GuestError {
    let error = error.unwrap_or_else(|| std::io::Error::other("unknown"));
    // What a shell answers for a command that it cannot find.
    GuestError::new(GuestErrorKind::Exit(127), "cannot start the command", error)
}

fn dir_of(rest: &[OsString]) -> SessionDir {
    SessionDir::at(rest.first().map_or_else(|| OsString::from(GUEST_ROOT), Clone::clone))
}

fn print(text: &str) -> Result<u8, GuestError> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map(|()| 0)
        .map_err(|e| GuestError::new(GuestErrorKind::Disk, "cannot print", e))
}

fn run(dir: &SessionDir, steps: impl FnOnce(&SessionDir) -> Steps) -> Result<u8, GuestError> {
    sqlite::check_library()?;
    let desk = Desk::default();
    let asks_models = !load(dir)?.models.is_empty();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| GuestError::new(GuestErrorKind::Config, "cannot start the runtime", e))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())
            .map_err(|e| GuestError::new(GuestErrorKind::Config, "cannot take signals", e))?;
        let clock = SystemClock;
        let listener = Listener::open(&std::env::temp_dir(), clock.now(), &desk)
            .inspect_err(|error| tracing::warn!(%error, "no socket for the tools"))
            .ok();
        let models = if asks_models { models(dir).await } else { None };
        let base = models.as_ref().map(|models| models.base().to_owned());
        let around = Surroundings { dir: dir.clone(), models: base, desk: desk.clone() };
        let ports = Ports {
            clock: Arc::new(clock),
            wake: Box::new(Watch::new(dir)),
            providers: Box::new(move |name| provider::by_name(name, &around)),
            // The host watches the file.
            on_commit: Box::new(|| {}),
            steps: steps(dir),
            desk,
        };
        let cancel = CancellationToken::new();
        let mut work = std::pin::pin!(crate::run(dir.clone(), ports, cancel.clone()));
        let tools = async {
            match &listener {
                Some(listener) => listener.serve().await,
                None => std::future::pending().await,
            }
        };
        let mut tools = std::pin::pin!(tools);
        tokio::select! {
            ended = &mut work => return ended,
            () = &mut tools => {}
            _ = terminate.recv() => cancel.cancel(),
        }
        work.await
    })?;
    Ok(0)
}

/// The way to the models. A guest without one still answers: its provider says what it lacks.
async fn models(dir: &SessionDir) -> Option<Models> {
    let socket = config::model_socket().unwrap_or_else(|| dir.model_socket());
    let forwards = Models::forward(socket).await;
    forwards.inspect_err(|error| tracing::warn!(%error, "no way to the models")).ok()
}
