//! The warm path beside the bare path, round by round.
//!
//! The product's span begins before its client writes the request, so it holds the insert's commit
//! as the bare path's does. It ends when the reply's event was read from the room's stream, which
//! is before the ledger's commit: what it is compared with is the bare path *without* the ledger.

use schemas::policy::SessionMode;

use crate::{Pace, bare::Bare, figure::Figures, lab::Lab, sample::Pauses, sample::Samples};

const AGENT: &str = "warm";

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut lab = Lab::new().await;
    lab.agent(AGENT, SessionMode::Shared).await;
    let mut events = lab.stream(AGENT, None).await;
    let mut bare = Bare::start().await;
    for _ in 0..5 {
        lab.trip(AGENT, None, &mut events).await;
        bare.round();
    }
    let mut pauses = Pauses::new();
    let [mut whole, mut accepted, mut after] = [(); 3].map(|()| Samples::default());
    let [mut replied, mut settled] = [(); 2].map(|()| Samples::default());
    for _ in 0..pace.of(200, 50) {
        pauses.next().await;
        let (trip, _) = lab.trip(AGENT, None, &mut events).await;
        whole.push(trip.whole);
        accepted.push(trip.accepted);
        after.push(trip.whole - trip.accepted);
        pauses.next().await;
        let round = bare.round();
        replied.push(round.replied);
        settled.push(round.settled);
    }
    let (p50, p99) = (replied.ms(50), replied.ms(99));
    figures.judge("warm_p50_ms", whole.ms(50), 1.3 * p50, "1.3 x the bare path");
    figures.judge("warm_p99_ms", whole.ms(99), 4.0 * p99, "4 x the bare path");
    figures.note("bare_path_p50_ms", p50);
    figures.note("bare_path_p99_ms", p99);
    figures.note("  warm / bare, p50", whole.ms(50) / p50);
    figures.note("  warm / bare, p99", whole.ms(99) / p99);
    figures.note("  until accepted p50 ms", accepted.ms(50));
    figures.note("  from accepted p50 ms", after.ms(50));
    figures.note("  from accepted p99 ms", after.ms(99));
    figures.note("  bare with ledger p50 ms", settled.ms(50));
    figures.note("  bare with ledger p99 ms", settled.ms(99));
}
