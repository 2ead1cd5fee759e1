//! A message to a session without a container, beside a bare start of one, round by round.
//!
//! The bare start is one create and one start with the same spec through the same adapter; it ends
//! when the engine says that it runs, before its guest has done anything.

use std::time::{Duration, Instant};

use schemas::policy::SessionMode;

use crate::{Pace, bare::Yard, figure::Figures, lab::Lab, sample::Samples};

const AGENT: &str = "cold";

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut lab = Lab::new().await;
    lab.agent(AGENT, SessionMode::Shared).await;
    let mut events = lab.stream(AGENT, None).await;
    let mut yard = Yard::new();
    let (_, first) = lab.trip(AGENT, None, &mut events).await;
    let session = first.session_id;
    let [mut cold, mut bare] = [(); 2].map(|()| Samples::default());
    for _ in 0..pace.of(15, 5) {
        lab.put_to_sleep(&session).await;
        settle().await;
        cold.push(lab.trip(AGENT, None, &mut events).await.0.whole);
        settle().await;
        let request = yard.request();
        let began = Instant::now();
        let container = yard.start(&request).await;
        bare.push(began.elapsed());
        yard.end(&container, &request).await;
    }
    let start = bare.ms(50);
    figures.judge("cold_p50_ms", cold.ms(50), start + 60.0, "a bare start + 60 ms");
    figures.note("bare_start_p50_ms", start);
    figures.note("  cold - bare start, p50 ms", cold.ms(50) - start);
    figures.note("  cold p90 ms", cold.ms(90));
    figures.note("  bare start p90 ms", bare.ms(90));
}

/// What the engine does after it has answered is not to be in the way of the next measurement.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}
