//! `lazaret up`: the host, in the foreground, until it is asked to end.

use std::io::{self, IsTerminal};

use schemas::admin::Status;
use tokio::signal::unix::{SignalKind, signal};

use super::Context;
use crate::{
    daemon::Stop,
    error::{ErrorKind, HostError, Result},
    text,
};

#[derive(Debug, clap::Args)]
#[command(after_help = text::SETTINGS)]
pub(super) struct Args {
    /// Run agents as plain processes: no container, no wall; only to try things out
    #[arg(long)]
    no_isolation: bool,
    /// Stop and remove the containers, too, when the host ends
    #[arg(long, hide = true)]
    ephemeral: bool,
}

/// Runs the host; the first signal asks it to end, the second does not wait.
pub(super) async fn run(args: Args, context: Context) -> Result<()> {
    let mut config = context.config;
    config.ephemeral = args.ephemeral;
    if args.no_isolation {
        config.isolated = false;
        tracing::warn!("{}", text::NOT_ISOLATED);
    }
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let stop = Stop::default();
    let (out, on_terminal) = (context.out, io::stdout().is_terminal());
    let ready = move |status: &Status| {
        // Elsewhere the log says it.
        if on_terminal {
            out.line(text::up_and_ready(status));
        }
    };
    let mut running = Box::pin(crate::serve::run(config, context.trial, stop.clone(), ready));
    for last in [false, true] {
        tokio::select! {
            ended = &mut running => return ended,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if last {
            tracing::warn!("asked twice to end; what was being written may be lost");
        } else {
            tracing::info!("asked to end; containers go on running");
            stop.closing.cancel();
        }
    }
    Err(HostError::new(ErrorKind::Internal, "the host was ended in the middle of its work"))
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal> {
    signal(kind).map_err(|error| {
        HostError::new(ErrorKind::Internal, "cannot listen for signals").because(error)
    })
}
