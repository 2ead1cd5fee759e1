//! Memory of host and guest, and what 20 idle guests and their host take of one processor.

use std::time::{Duration, Instant};

use schemas::policy::SessionMode;
use tokio::time::sleep;

use crate::{
    Pace,
    figure::Figures,
    lab::Lab,
    process::{cpu_time, pss_kib, rss_kib, tree},
};

const AGENT: &str = "weight";
const GUESTS: usize = 20;
const MESSAGES: usize = 200;
const SETTLING: Duration = Duration::from_secs(40);

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut lab = Lab::new().await;
    lab.agent(AGENT, SessionMode::PerThread).await;
    figures.note("  host RSS without a session MiB", mib(rss_kib(lab.pid())));
    let first = thread(0);
    let mut events = lab.stream(AGENT, first.clone()).await;
    let (_, accepted) = lab.trip(AGENT, first.clone(), &mut events).await;
    let pid = lab.install.pid(&accepted.session_id);
    sleep(Duration::from_secs(5)).await;
    figures.judge("host_rss_mib", mib(rss_kib(lab.pid())), 20.0, "one session awake");
    let guest = |of: fn(u32) -> f64| mib(tree(pid).into_iter().map(of).sum());
    figures.judge("guest_rss_mib", guest(rss_kib), 8.0, "PID 1 and the guest together");
    figures.note("  guest PSS MiB", guest(pss_kib));
    for _ in 0..pace.of(MESSAGES, 50) {
        lab.trip(AGENT, first.clone(), &mut events).await;
    }
    figures.note("  host RSS after the messages MiB", mib(rss_kib(lab.pid())));
    figures.note("  guest RSS after the messages MiB", guest(rss_kib));
    idle(&mut lab, pace, vec![pid], figures).await;
}

async fn idle(lab: &mut Lab, pace: Pace, mut guests: Vec<u32>, figures: &mut Figures) {
    for n in guests.len()..GUESTS {
        let mut events = lab.stream(AGENT, thread(n)).await;
        let (_, accepted) = lab.trip(AGENT, thread(n), &mut events).await;
        guests.push(lab.install.pid(&accepted.session_id));
    }
    figures.note("  host RSS with 20 guests MiB", mib(rss_kib(lab.pid())));
    // A guest tidies its files 30 s after its last message; that is work, not idleness.
    sleep(SETTLING).await;
    let guests: Vec<u32> = guests.into_iter().flat_map(tree).collect();
    let host = lab.pid();
    let ran = || (cpu_time(host), guests.iter().copied().map(cpu_time).sum::<Duration>());
    let (before, began) = (ran(), Instant::now());
    sleep(Duration::from_secs(pace.of(60, 20) as u64)).await;
    let (after, took) = (ran(), began.elapsed());
    let percent = |ran: Duration| ran.as_secs_f64() / took.as_secs_f64() * 100.0;
    let (of_host, of_guests) = (percent(after.0 - before.0), percent(after.1 - before.1));
    figures.judge("idle_cpu_pct", of_host + of_guests, 0.1, "of one processor, host + 20 guests");
    figures.note("  of it the host", of_host);
    figures.note("  of it the guests", of_guests);
}

fn thread(n: usize) -> Option<String> {
    Some(format!("t{n}"))
}

fn mib(kib: f64) -> f64 {
    kib / 1024.0
}
