//! The command line: parsing, sending, printing.
//!
//! Owns the commands, one per file, and how a process begins and ends. Every command but `up` and
//! `demo` is a client of the host's socket; none opens a database or a session's folder.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use schemas::admin::AdminAnswer;
use tokio::runtime::{Builder, Runtime};

use crate::{
    admin,
    client::Client,
    config::Config,
    error::{ErrorKind, HostError, Result},
    limits,
    serve::Trial,
    text,
};

mod down;
mod up;

mod backup;
mod doctor;
mod restore;
mod status;

mod chat;
mod demo;
mod send;
mod waiting;

mod attach;
mod save;

mod config;
mod grammar;
mod secret;

mod logging;
mod out;

use out::Out;

#[derive(Debug, Parser)]
#[command(name = "lazaret", version, about = text::ABOUT, after_help = text::AFTER_HELP)]
struct Cli {
    /// The folder where everything durable lies [default: $LAZARET_HOME, or lazaret among your data]
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Print JSON for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host in the foreground
    Up(up::Args),
    /// Stop the host; agents go on in their containers
    Down,
    /// Show how the host is
    Status,
    /// Look for what is wrong, and say how to mend it
    Doctor(doctor::Args),
    /// Copy everything that must not be lost into one archive, while messages flow
    Backup(backup::Args),
    /// Put back what was copied
    Restore(restore::Args),
    #[command(flatten)]
    Admin(admin::Command),
    /// Say something to an agent
    Send(send::Args),
    /// Talk with an agent
    Chat(chat::Args),
    /// Show a message's whole way, on a temporary home
    Demo(demo::Args),
    /// Show what the host is told, and by whom
    #[command(subcommand)]
    Config(config::Command),
    /// Print completions for a shell
    Completions(grammar::Completions),
    /// Print the manual, or write a page for each command into a folder
    Man(grammar::Man),
}

/// What a command works with.
#[derive(Debug)]
struct Context {
    config: Config,
    out: Out,
    trial: Trial,
}

impl Context {
    /// A connection to the host, or the error that says how to start one.
    async fn connect(&self) -> Result<Client> {
        Client::connect(self.config.socket()).await.map_err(|error| match error.kind {
            ErrorKind::HostDown => {
                let what = format!("no host is running for {}", self.config.home.display());
                HostError::new(ErrorKind::HostDown, what).hint(text::START_IT)
            }
            ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Denied
            | ErrorKind::Conflict
            | ErrorKind::TooLarge
            | ErrorKind::Busy
            | ErrorKind::Storage
            | ErrorKind::Engine
            | ErrorKind::Internal => error,
        })
    }
}

/// Reads the command line, does it, and says how it went: 0 done, 1 refused or failed, 2 usage,
/// 3 no host.
#[must_use]
pub fn main() -> ExitCode {
    begin(Cli::parse(), Trial::default())
}

/// The same with a host that is put to a test: the programs that people install have no way here.
#[must_use]
pub fn main_on_trial(args: impl IntoIterator<Item = OsString>, trial: Trial) -> ExitCode {
    begin(Cli::parse_from(args), trial)
}

fn begin(cli: Cli, trial: Trial) -> ExitCode {
    match &cli.command {
        // They are about the program itself, whatever the home looks like.
        Command::Completions(args) => {
            grammar::completions(args);
            return ExitCode::SUCCESS;
        }
        Command::Man(args) => return ended(grammar::man(args).map(|()| ExitCode::SUCCESS)),
        Command::Config(config::Command::Show) => {
            let shown = config::show(cli.home.as_deref(), Out::new(cli.json));
            return ended(shown.map(|()| ExitCode::SUCCESS));
        }
        Command::Up(_)
        | Command::Down
        | Command::Status
        | Command::Doctor(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Admin(_)
        | Command::Send(_)
        | Command::Chat(_)
        | Command::Demo(_) => {}
    }
    let done = Config::load(cli.home.as_deref()).and_then(|config| {
        let daemon = matches!(cli.command, Command::Up(_));
        logging::start(&config, daemon)?;
        let context = Context { config, out: Out::new(cli.json), trial };
        runtime(daemon)?.block_on(run(cli.command, context))
    });
    ended(done)
}

fn ended(done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        out::report(&error);
        ExitCode::from(error.kind.exit_code())
    })
}

async fn run(command: Command, context: Context) -> Result<ExitCode> {
    match command {
        Command::Up(args) => Box::pin(up::run(args, context)).await?,
        Command::Down => down::run(&context).await?,
        Command::Status => status::run(&context).await?,
        Command::Doctor(args) => return Box::pin(doctor::run(&args, &context)).await,
        Command::Backup(args) => return Box::pin(backup::run(&args, &context)).await,
        Command::Restore(args) => Box::pin(restore::run(args, &context)).await?,
        Command::Admin(mut command) => {
            secret::complete(&mut command)?;
            ask(&command, &context).await?;
        }
        Command::Chat(args) => Box::pin(chat::run(args, &context)).await?,
        Command::Demo(args) => Box::pin(demo::run(args, &context)).await?,
        Command::Send(args) => return Box::pin(send::run(args, &context)).await,
        // Done before there was a home.
        Command::Config(_) | Command::Completions(_) | Command::Man(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// One of the operator's commands: the host does it and says how the answer looks.
async fn ask(command: &admin::Command, context: &Context) -> Result<()> {
    let answer: AdminAnswer = context.connect().await?.post("/v1/admin", command).await?;
    if context.out.json() {
        context.out.object(&answer.data);
    } else {
        context.out.line(&answer.text);
    }
    Ok(())
}

/// The host has a thread for its tasks beside the one that waits for signals; a client needs only
/// the one it is.
fn runtime(daemon: bool) -> Result<Runtime> {
    let mut builder = if daemon {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(limits::WORKERS);
        builder
    } else {
        Builder::new_current_thread()
    };
    let built = builder
        .max_blocking_threads(limits::BLOCKING_THREADS)
        .thread_stack_size(limits::THREAD_STACK)
        .enable_all()
        .build();
    built.map_err(|error| {
        HostError::new(ErrorKind::Internal, "cannot start the runtime").because(error)
    })
}
