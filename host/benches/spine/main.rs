//! What the spine must reach, measured on a real engine: `scripts/bench [part…] [--quick] [--json]`.
//!
//! The host under test is the release binary in a process of its own on a temporary home, with
//! real containers; what it is compared with runs interleaved with it, so that a noisy machine
//! harms both alike. Absolute figures are this machine's; the targets are ratios where they can be.
//! Never a test: nothing fails because a machine is slow.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot measure stops with the reason; its numbers are small"
)]

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

#[path = "../../tests/harness/models.rs"]
mod models;

mod figure;
mod sample;

mod bare;
mod install;
mod lab;
mod process;

mod warm;

mod cold;
mod old;

mod asleep;
mod weight;

mod ingest;

mod bomb;

mod due;

mod rewire;
mod route;

use figure::Figures;

/// One group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// A message to a container that lives, beside the bare path.
    Warm,
    /// A message to a session without a container, beside a bare start.
    Cold,
    /// The warm path with 50,000 old rows in both files.
    Old,
    /// Memory of host and guest, processor time of 20 idle guests.
    Weight,
    /// 1,000 sleeping sessions: memory each, and who opens their files.
    Asleep,
    /// Messages per second into 200 sessions, beside the floor.
    Ingest,
    /// A rewiring until a running agent sees it, and a command's answer.
    Rewire,
    /// One message of a room with ten wirings, among many; without host and engine.
    Route,
    /// Messages to one agent while a fork bomb rages in another's container.
    Bomb,
    /// 100 tasks of 20 sleeping agents: how late each is.
    Due,
}

const PARTS: [Part; 10] = [
    Part::Warm,
    Part::Cold,
    Part::Old,
    Part::Weight,
    Part::Asleep,
    Part::Ingest,
    Part::Rewire,
    Part::Route,
    Part::Bomb,
    Part::Due,
];

/// Measures the spine on a real engine.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Parser)]
struct Args {
    /// What to measure; everything when none is named
    parts: Vec<Part>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Fewer rounds, shorter waits
    #[arg(long)]
    quick: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Pace {
    quick: bool,
}

impl Pace {
    fn of(self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    // One thread, so that the client is no third party to the race for processors.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let figures = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).unwrap();
        let mut interrupt = signal(SignalKind::interrupt()).unwrap();
        // Dropping the work where it stands is the clean-up: all that was started is owned by it.
        tokio::select! {
            figures = measure(&args) => Some(figures),
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        }
    });
    let Some(figures) = figures else { return ExitCode::from(130) };
    if args.json {
        println!("{}", figures.json());
    } else {
        print!("{}", figures.table());
    }
    ExitCode::SUCCESS
}

async fn measure(args: &Args) -> Figures {
    let parts = if args.parts.is_empty() { PARTS.to_vec() } else { args.parts.clone() };
    let pace = Pace { quick: args.quick };
    let mut figures = Figures::default();
    for part in parts {
        eprintln!("measuring {part:?}");
        match part {
            Part::Warm => Box::pin(warm::measure(pace, &mut figures)).await,
            Part::Cold => Box::pin(cold::measure(pace, &mut figures)).await,
            Part::Old => Box::pin(old::measure(pace, &mut figures)).await,
            Part::Weight => Box::pin(weight::measure(pace, &mut figures)).await,
            Part::Asleep => Box::pin(asleep::measure(pace, &mut figures)).await,
            Part::Ingest => Box::pin(ingest::measure(pace, &mut figures)).await,
            Part::Rewire => Box::pin(rewire::measure(pace, &mut figures)).await,
            Part::Route => Box::pin(route::measure(pace, &mut figures)).await,
            Part::Bomb => Box::pin(bomb::measure(pace, &mut figures)).await,
            Part::Due => Box::pin(due::measure(pace, &mut figures)).await,
        }
    }
    figures
}
