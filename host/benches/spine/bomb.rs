//! Round trips of one agent while a fork bomb rages in another's container.
//!
//! The bomb is frozen and let go by turns, so that a machine with a bad minute harms both kinds of
//! rounds alike, and so that both are taken with the same container beside them. Compared is the
//! p99: what people notice are the slow ones.

use std::time::{Duration, Instant};

use host::client::EventStream;
use schemas::{admin::NewAgent, policy::SessionMode};
use tokio::time::sleep;

use crate::{
    Pace,
    figure::Figures,
    install::{docker, processes},
    lab::{Lab, PATIENCE, new_agent},
    sample::{Pauses, Samples},
};

const AGENT: &str = "beside";
const BOMBER: &str = "bomber";

/// What the bomber may use: one processor, and enough processes for a good bomb.
const MILLI_CPUS: u32 = 1_000;
const PIDS: u32 = 256;

/// What `container/base.Dockerfile` builds on; it brings perl.
const IMAGE: &str = "debian:bookworm-slim";

/// Rounds until the bomb is frozen or let go.
const TURN: usize = 10;

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut lab = Lab::new().await;
    let bomber = bomber(&mut lab).await;
    lab.agent(AGENT, SessionMode::Shared).await;
    let mut events = lab.stream(AGENT, None).await;
    for _ in 0..5 {
        lab.trip(AGENT, None, &mut events).await;
    }
    ignite(&bomber).await;
    let mut pauses = Pauses::new();
    let [mut frozen, mut raging] = [(); 2].map(|()| Samples::default());
    for _ in 0..pace.of(30, 8) {
        docker(&["pause", &bomber]);
        turn(&mut lab, &mut events, &mut pauses, &mut frozen).await;
        docker(&["unpause", &bomber]);
        turn(&mut lab, &mut events, &mut pauses, &mut raging).await;
    }
    let ratio = raging.ms(99) / frozen.ms(99);
    figures.judge("bomb_p99_ratio", ratio, 2.0, "beside a raging bomb / beside a frozen one");
    for (name, samples) in [("frozen", frozen), ("raging", raging)] {
        for percent in [50, 90, 99] {
            figures.note(format!("  bomb {name} p{percent} ms"), samples.ms(percent));
        }
    }
}

/// Makes the agent of the bomb, wakes it, and tells its container.
async fn bomber(lab: &mut Lab) -> String {
    let agent = NewAgent {
        image: Some(IMAGE.to_owned()),
        milli_cpus: Some(MILLI_CPUS),
        pids: Some(PIDS),
        ..new_agent(BOMBER, SessionMode::Shared)
    };
    lab.agent_like(&agent).await;
    let mut events = lab.stream(BOMBER, None).await;
    let (_, accepted) = lab.trip(BOMBER, None, &mut events).await;
    lab.install.id(&accepted.session_id)
}

/// Sets the bomb off, and waits until it fills its container.
async fn ignite(container: &str) {
    // None of them gives up when it cannot fork.
    docker(&["exec", "--detach", container, "perl", "-e", "fork while 1"]);
    let began = Instant::now();
    while processes(container) < PIDS - 16 {
        assert!(began.elapsed() < PATIENCE, "the bomb does not go off");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn turn(lab: &mut Lab, events: &mut EventStream, pauses: &mut Pauses, into: &mut Samples) {
    for _ in 0..TURN {
        pauses.next().await;
        into.push(lab.trip(AGENT, None, events).await.0.whole);
    }
}
