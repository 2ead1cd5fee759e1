//! The host for as long as one likes, with real containers: 100 conversations under a cap of 20
//! containers, a host that is killed every 20 seconds, and a channel that fails.
//!
//! `soak <time> [--json] [--cuts N] [--bin DIR]`; `scripts/soak` builds what it needs. It prints
//! what was lost, doubled or out of order (0 is the only good number), how long a restart takes
//! with a thousand sessions, and how fast adopted containers answer. The channel of the program
//! that people install cannot be made to fail, so every other life of the host is
//! `host/examples/trial`: the same code, whose channel fails one of 100 posts.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program: what goes wrong ends it, and it prints what it found"
)]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use host::client::Since;
use schemas::admin::{NewAgent, RoomEvent};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

mod house;
mod restart;
mod talk;

use house::House;
use talk::Tally;

/// Conversations at once.
const SESSIONS: usize = 100;

/// Between two messages of one conversation: 10,000 messages in ten minutes.
const PAUSE: Duration = Duration::from_secs(6);

/// Between two deaths of the host.
const LIFE: Duration = Duration::from_secs(20);

/// What everything may take that is still owed at the end.
const DRAIN: Duration = Duration::from_secs(600);

struct Told {
    time: Duration,
    json: bool,
    cuts: u32,
    bin: PathBuf,
}

fn told() -> Option<Told> {
    let own = std::env::current_exe().ok()?;
    // Beside the folder of the examples lie the programs.
    let bin = own.parent()?.parent()?.to_owned();
    let mut told = Told { time: Duration::ZERO, json: false, cuts: 500, bin };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => told.json = true,
            "--cuts" => told.cuts = words.next()?.parse().ok()?,
            "--bin" => told.bin = words.next()?.into(),
            time => told.time = duration(time)?,
        }
    }
    (told.time > Duration::ZERO).then_some(told)
}

fn duration(word: &str) -> Option<Duration> {
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()? * seconds))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(told) = told() else {
        eprintln!("usage: soak <time: 90s, 10m, 8h> [--json] [--cuts N] [--bin DIR]");
        return ExitCode::from(2);
    };
    let found = soak(&told).await;
    if told.json {
        println!("{found}");
    } else {
        for (key, value) in found.as_object().unwrap() {
            println!("{key:<20} {value}");
        }
    }
    let bad = ["lost", "doubled", "disordered", "cut_lost"].map(|key| found.get(key).unwrap() == 0);
    if bad.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn soak(told: &Told) -> Value {
    let mut house = House::new(&told.bin);
    house.start().await;
    let mut tally = Tally::default();
    let mut client = house.client().await.unwrap();
    for n in 0..SESSIONS {
        let _made: Value =
            client.post("/v1/agents", &NewAgent::named(name(n).as_str())).await.unwrap();
    }
    let end = Instant::now() + told.time;
    let people = talk::begin(&house, end);
    let mut kills = 0;
    while Instant::now() + LIFE < end {
        tokio::time::sleep(LIFE).await;
        house.dies();
        kills += 1;
        house.start().await;
        eprintln!("{kills} kills, {} messages", talk::count(&people));
    }
    tally.accepted = talk::end(people).await;
    drain(&house, &mut tally).await;
    let restarts = restart::measure(&mut house).await;
    let verdict = tally.verdict();
    let cut_lost = restart::cut_lost(told.cuts);
    json!({
        "messages": tally.messages(), "sessions": SESSIONS, "kills": kills,
        "lost": verdict.lost, "doubled": verdict.doubled, "disordered": verdict.disordered,
        "cuts": told.cuts, "cut_lost": cut_lost,
        "restart_ready_ms": restarts.ready_ms, "restart_sessions": restarts.sessions,
        "adopted_answer_ms": restarts.answer_ms, "adopted": restarts.adopted,
        "containers_at_most": house::CONTAINERS,
        "channel": "every other life of the host is examples/trial: 1 of 100 posts fails",
    })
}

/// Waits until everything that was accepted is answered, or nothing more can be hoped for.
async fn drain(house: &House, tally: &mut Tally) {
    let begun = Instant::now();
    loop {
        for n in 0..SESSIONS {
            tally.answers.insert(n, history(house, &name(n)).await);
        }
        let missing = tally.verdict().lost;
        if missing == 0 || begun.elapsed() > DRAIN {
            return;
        }
        eprintln!("{missing} answers are still to come");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Which message each reply in an agent's room answers, by number.
async fn history(house: &House, agent: &str) -> Vec<String> {
    let mut after = 0;
    let mut answered = Vec::new();
    loop {
        let from = Since { after: Some(after), ..Since::default() };
        let mut stream = house.client().await.unwrap().stream(agent, &from).await.unwrap();
        let before = answered.len();
        while let Ok(Ok(Some(event))) = timeout(Duration::from_secs(10), stream.next()).await {
            match event {
                RoomEvent::Message(said) => {
                    after = said.seq;
                    answered.extend(said.in_reply_to.map(|id| id.to_string()));
                }
                RoomEvent::CaughtUp => break,
                RoomEvent::Typing { .. }
                | RoomEvent::RunFinished { .. }
                | RoomEvent::Notice { .. } => {}
            }
        }
        if answered.len() == before {
            return answered;
        }
    }
}

fn name(n: usize) -> String {
    format!("agent{n}")
}
