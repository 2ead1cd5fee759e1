//! What an operator waits for: a change that a running agent sees, and a command's answer.
//!
//! A rewiring counts from before its request is written until the agent, asked for its address
//! book, answers with the change: one message's whole way is part of the figure, so it is an upper
//! bound. A command's wall time is judged beside the same program's that only says its version.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use host::admin::{Parsed, parse};
use schemas::{admin::AdminAnswer, policy::SessionMode};

use crate::{Pace, figure::Figures, lab::Lab, sample::Pauses, sample::Samples};

const AGENT: &str = "wired";

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut lab = Lab::new().await;
    lab.agent(AGENT, SessionMode::Shared).await;
    let mut events = lab.stream(AGENT, None).await;
    for _ in 0..5 {
        lab.trip(AGENT, None, &mut events).await;
    }
    admin(&mut lab, "rooms create slack C1").await;
    let mut pauses = Pauses::new();
    let [mut seen, mut answered] = [(); 2].map(|()| Samples::default());
    for round in 0..pace.of(100, 30) {
        pauses.next().await;
        let name = format!("place-{round}");
        let began = Instant::now();
        admin(&mut lab, &format!("destinations create {AGENT} {name} --room slack:C1")).await;
        answered.push(began.elapsed());
        let book = lab.hear(AGENT, "!destinations", &mut events).await;
        seen.push(began.elapsed());
        assert!(book.contains(&name), "the change is not visible: {book}");
        admin(&mut lab, &format!("destinations delete {AGENT} {name}")).await;
    }
    figures.judge("rewire_ms", seen.ms(50), 50.0, "seen by the running agent");
    figures.note("  rewire p99 ms", seen.ms(99));
    figures.note("  until the operator is answered p50 ms", answered.ms(50));
    let [mut list, mut version] = [(); 2].map(|()| Samples::default());
    for _ in 0..pace.of(100, 30) {
        pauses.next().await;
        list.push(run(&lab, &["agents", "list"]));
        version.push(run(&lab, &["--version"]));
    }
    let beside = list.ms(50) - version.ms(50);
    figures.judge("cli_ms", beside, 20.0, "beside the start of the process");
    figures.note("  agents list p50 ms", list.ms(50));
    figures.note("  --version p50 ms", version.ms(50));
}

async fn admin(lab: &mut Lab, words: &str) {
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let Ok(Parsed::Command(command)) = parse(&words) else { panic!("{words:?}") };
    let _answer: AdminAnswer = lab.client.post("/v1/admin", &command).await.unwrap();
}

fn run(lab: &Lab, args: &[&str]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
    command.arg("--home").arg(lab.home()).args(args).stdout(Stdio::null());
    let began = Instant::now();
    let ended = command.status().unwrap();
    let took = began.elapsed();
    assert!(ended.success(), "{args:?}");
    took
}
