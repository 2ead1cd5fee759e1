//! The host for as long as one likes, with real containers: 100 conversations under a cap of 20
//! containers, a host that is killed every 20 seconds, and a channel that fails.
//!
//! `soak [<messages> | <time>] [--json] [--cuts N] [--bin DIR]`; `scripts/soak` builds what it
//! needs. It prints what was lost, doubled or out of order for those who listened all the while (0
//! is the only good number), how long a restart takes with a thousand sessions, and how fast
//! adopted containers answer. The channel of the program that people install cannot be made to
//! fail, so every other life of the host is `host/examples/trial`: the same code, whose channel
//! fails one of 50 posts, which makes one of a hundred over all.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program: what goes wrong ends it, and it prints what it found"
)]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use schemas::admin::NewAgent;
use serde_json::{Value, json};

mod books;
mod house;
mod restart;
mod talk;
mod tally;
mod told;

use house::House;
use talk::People;
use told::Told;

/// Conversations at once.
const SESSIONS: usize = 100;

/// Between two messages of one conversation: 10,000 messages in eight minutes and a half.
const PAUSE: Duration = Duration::from_secs(5);

/// Between two deaths of the host.
const LIFE: Duration = Duration::from_secs(20);

/// What everything may take that is still owed at the end.
const DRAIN: Duration = Duration::from_secs(600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(told) = told::told() else {
        eprintln!("{}", told::USAGE);
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
    let bad = ["lost", "doubled", "disordered", "unsettled", "cut_lost"];
    if bad.iter().any(|key| found.get(key).unwrap() != 0) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn soak(told: &Told) -> Value {
    let mut house = House::new(&told.bin);
    house.start().await;
    let mut client = house.client().await.unwrap();
    for n in 0..SESSIONS {
        let _made: Value =
            client.post("/v1/agents", &NewAgent::named(name(n).as_str())).await.unwrap();
    }
    let begun = Instant::now();
    let mut people = talk::begin(&house, told.until);
    let kills = kill_while_they_talk(&mut house, &mut people).await;
    drain(&people).await;
    let took = begun.elapsed().as_secs_f64();
    let tally = people.tally();
    let unsettled = books::unsettled(&house, &tally.sessions()).await;
    let (verdict, messages) = (tally.verdict(), tally.messages());
    if verdict.lost + verdict.doubled + verdict.disordered + unsettled > 0 {
        house.is_kept();
    }
    drop(people);
    let failed = house.failed_posts();
    let restarts = restart::measure(&mut house).await;
    drop(house);
    let cut_lost = restart::cut_lost(told.cuts);
    json!({
        "messages": messages, "sessions": SESSIONS, "seconds": took.round(), "kills": kills,
        "channel_errors": failed,
        "lost": verdict.lost, "doubled": verdict.doubled, "disordered": verdict.disordered,
        "unsettled": unsettled, "cuts": told.cuts, "cut_lost": cut_lost,
        "answer_p50_ms": verdict.waited_ms(50), "answer_p99_ms": verdict.waited_ms(99),
        "answer_max_ms": verdict.waited_ms(100),
        "restart_ready_ms": restarts.ready_ms, "restart_sessions": restarts.sessions,
        "adopted_answer_ms": restarts.answer_ms, "adopted": restarts.adopted,
        "containers_at_most": house::CONTAINERS,
        "channel": "every other life of the host is examples/trial: 1 of 50 posts fails",
    })
}

/// How often the host died.
async fn kill_while_they_talk(house: &mut House, people: &mut People) -> u32 {
    let mut kills = 0;
    loop {
        tokio::select! {
            // The end first: nobody dies once there is nothing to say.
            biased;
            () = people.have_talked() => return kills,
            () = tokio::time::sleep(LIFE) => {}
        }
        house.dies();
        kills += 1;
        let ready = house.start().await;
        let tally = people.tally();
        let (said, owed) = (tally.messages(), tally.unanswered().len());
        eprintln!("{kills} kills, {said} messages, {owed} unanswered, ready in {ready:.0?}");
    }
}

/// Waits until everything that was accepted is answered, or nothing more can be hoped for.
async fn drain(people: &People) {
    let begun = Instant::now();
    loop {
        let tally = people.tally();
        let missing = tally.unanswered();
        if missing.is_empty() || begun.elapsed() > DRAIN {
            for (session, message) in missing {
                eprintln!("nobody heard an answer to {message} of {session}");
            }
            for (notice, times) in tally.notices() {
                eprintln!("{times} times: {notice}");
            }
            return;
        }
        eprintln!("{} answers are still to come", missing.len());
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

fn name(n: usize) -> String {
    format!("agent{n}")
}
