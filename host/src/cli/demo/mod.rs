//! `lazaret demo`: a real message on its whole way, with the times, on a temporary home.
//!
//! It starts a host as a process of its own and speaks to it as any client does, so what it shows
//! is what a person gets. Whatever happens, the host is stopped and the home is deleted.

use schemas::admin::{Agent, NewAgent, Status};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use super::{Context, out::Out};
use crate::{
    client::Client,
    error::{ErrorKind, HostError, Result},
    limits, text,
};

mod engine;
mod host;
mod probe;
mod story;

use host::Host;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Do not install an engine where none answers
    #[arg(long)]
    no_install: bool,
    /// Go without an engine: the agent is a plain process and nothing is isolated
    #[arg(long)]
    no_isolation: bool,
}

/// The name of the demo's agent.
const AGENT: &str = "andy";

/// Shows everything, and leaves nothing behind.
pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    // Before anything is started or installed.
    context.config.guest()?;
    let (host, isolated) = tokio::select! {
        started = start(&args, context) => started?,
        // An installation takes a while.
        ended = asked_to_end() => return ended,
    };
    let shown = tokio::select! {
        shown = show(&host, isolated, context.out) => shown,
        // The host hears it as well and begins to end; what is left is to clean up.
        ended = asked_to_end() => ended,
    };
    context.out.line(text::demo::ENDING);
    let ended = host.end().await;
    shown?;
    ended?;
    let program = std::env::args().next().unwrap_or_else(|| "lazaret".to_owned());
    context.out.line(format!("\n{}", text::demo::next(&program)));
    Ok(())
}

/// Returns only when a signal came.
async fn asked_to_end() -> Result<()> {
    let listen = |kind| {
        signal(kind).map_err(|error| {
            HostError::new(ErrorKind::Internal, "cannot listen for signals").because(error)
        })
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    Err(HostError::new(ErrorKind::Busy, "interrupted"))
}

/// A host whose engine answers, or one without isolation where no engine can be had.
async fn start(args: &Args, context: &Context) -> Result<(Host, bool)> {
    let out = context.out;
    if !args.no_isolation {
        let host = Host::start(&context.config, true).await?;
        let reached = reach_engine(&host, args, out).await;
        match reached {
            Ok(true) => return Ok((host, true)),
            Ok(false) => host.end().await?,
            Err(error) => {
                host.end().await?;
                return Err(error);
            }
        }
    }
    out.line(text::demo::UNISOLATED);
    Ok((Host::start(&context.config, false).await?, false))
}

async fn reach_engine(host: &Host, args: &Args, out: Out) -> Result<bool> {
    let mut client = host.client().await?;
    let status: Status = client.get("/v1/status").await?;
    out.line(format!("A host runs on {} (pid {}).", status.home, status.pid));
    if status.engine_ok {
        out.line(format!("It reaches an engine: {}.", status.engine));
        return Ok(true);
    }
    if args.no_install || !engine::can_install() {
        out.line(text::demo::NO_ENGINE);
        return Ok(false);
    }
    out.line(text::demo::INSTALLS);
    match engine::install().await {
        Ok(installed) => engine_answers(&mut client, installed, out).await,
        Err(error) => {
            out.line(format!("That did not work: {}.", error.chain()));
            Ok(false)
        }
    }
}

/// The host looks for its engine by itself; this only watches.
async fn engine_answers(
    client: &mut Client,
    mut installed: engine::Installed,
    out: Out,
) -> Result<bool> {
    let deadline = Instant::now() + limits::DEMO_ENGINE;
    while Instant::now() < deadline {
        let status: Status = client.get("/v1/status").await?;
        if status.engine_ok {
            out.line(format!("The host reaches it: {}.", status.engine));
            return Ok(true);
        }
        if let Some(why) = installed.gave_up() {
            out.line(format!("It is installed, but it ended at once: {why}"));
            return Ok(false);
        }
        sleep(limits::RECONNECT_EVERY).await;
    }
    out.line("It is installed, but it does not answer.");
    Ok(false)
}

async fn show(host: &Host, isolated: bool, out: Out) -> Result<()> {
    let mut client = host.client().await?;
    let agent: Agent = client.post("/v1/agents", &new_agent()?).await?;
    out.line(format!("Made the agent {} ({}).", agent.name, agent.id));
    let mut story = story::Story::begin(client, out).await?;
    out.line(text::demo::COLD);
    let cold = story.tell(story::first_message()).await?;
    let cold = out_of_run(cold)?;
    out.line(if isolated { text::demo::INSIDE } else { text::demo::INSIDE_UNISOLATED });
    out_of_run(story.probe().await?)?;
    out.line(text::demo::WARM);
    let warm = out_of_run(story.tell(story::message("And once more.")).await?)?;
    let milliseconds = |took: std::time::Duration| took.as_secs_f64() * 1000.0;
    out.line(format!(
        "\nFirst reply after {:.0} ms, second after {:.1} ms.",
        milliseconds(cold),
        milliseconds(warm)
    ));
    Ok(())
}

fn out_of_run(told: story::Told) -> Result<std::time::Duration> {
    match told {
        story::Told::Replied(took) => Ok(took),
        story::Told::Ended(why) => Err(HostError::new(ErrorKind::Engine, why)
            .hint("with LAZARET_LOG=debug the host's log says more: lazaret up")),
    }
}

fn new_agent() -> Result<NewAgent> {
    // Through JSON, for the defaults are the wire's.
    serde_json::from_value(serde_json::json!({ "name": AGENT })).map_err(|error| {
        HostError::new(ErrorKind::Internal, "cannot make the demo's agent").because(error)
    })
}
