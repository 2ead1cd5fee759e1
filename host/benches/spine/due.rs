//! How late a task is: 100 single times of 20 sleeping agents, from the scheduled time until the
//! inbound row is durable in the session's file, as the task's log has it.
//!
//! The row, not the reply: what comes after it is a message's cold path, which has figures of its
//! own. The times lie 100 ms apart, as those of an install do; while later ones come due, the
//! containers of earlier ones start, so the host is measured with its hands full.

use std::time::Duration;

use host::admin::{Parsed, parse};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    admin::AdminAnswer,
    policy::SessionMode,
    time::{Clock, SystemClock},
};
use tokio::time::sleep;

use crate::{
    Pace,
    figure::Figures,
    lab::{Lab, PATIENCE},
    sample::Samples,
};

const AGENTS: usize = 20;

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut lab = Lab::new().await;
    for n in 0..AGENTS {
        lab.agent(&agent(n), SessionMode::Shared).await;
    }
    let tasks = pace.of(100, 40);
    // Making them takes its time, and must be over before the first is due.
    let first = SystemClock.now() + SignedDuration::from_secs(10);
    let mut times = Vec::new();
    for n in 0..tasks {
        let at = first + SignedDuration::from_millis(100) * i32::try_from(n).unwrap();
        let words = format!("tasks create {} tick --name t{n} --at {at}", agent(n % AGENTS));
        let made = admin(&mut lab, &words).await.data;
        times.push((made["id"].as_str().unwrap().to_owned(), at));
    }
    assert!(SystemClock.now() < first, "they were not made in time");
    let mut late = Samples::default();
    for (id, at) in times {
        late.push(written(&mut lab, &id).await.duration_since(at).unsigned_abs());
    }
    figures.judge("due_late_p99_ms", late.ms(99), 100.0, "until the row is durable");
    figures.note("  late p50 ms", late.ms(50));
}

/// When the row of a task's one time was durable.
async fn written(lab: &mut Lab, id: &str) -> Timestamp {
    let began = std::time::Instant::now();
    loop {
        let log = admin(lab, &format!("tasks log {id}")).await.data;
        if let Some(at) = log.pointer("/0/written_at").and_then(|at| at.as_str()) {
            return at.parse().unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "a task is not done");
        sleep(Duration::from_secs(1)).await;
    }
}

fn agent(n: usize) -> String {
    format!("sleeper-{n}")
}

async fn admin(lab: &mut Lab, words: &str) -> AdminAnswer {
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let Ok(Parsed::Command(command)) = parse(&words) else { panic!("{words:?}") };
    lab.client.post("/v1/admin", &command).await.unwrap()
}
