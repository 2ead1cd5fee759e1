//! Power cuts: what was acknowledged, and what was seen, is there when the power comes back.
//!
//! A home lies on ext4 in a file on btrfs, and a host works there. A reflink copy of that file,
//! taken at any moment while messages flow, is what the disk held at that moment: what the file
//! system and SQLite had not yet written is not in it. The copy is mounted, a host is started on
//! it, and what it knows is compared with what people were told before the cut. No container is
//! needed (what is tried here is disks), but loop devices and root are.
//!
//! That this can fail was tried by hand: with `synchronous = OFF` in the session files 25 cuts lost
//! dozens of answers that people had read; with it in the central database the first cut lost the
//! agents themselves.
//!
//! `CUTS=500 cargo test -p host --test power` cuts the power more often.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics is a test that fails"
)]

use std::time::Duration;

#[path = "../harness/guest.rs"]
mod guest;
#[path = "../harness/waiting.rs"]
mod waiting;

mod disk;
mod flow;
mod host;
mod proof;

use disk::Disk;
use flow::Flow;
use host::Host;

/// Cuts of one run of the test suite.
const CUTS: u32 = 50;

/// Longest time that messages flow before a cut.
const LONGEST: u64 = 200;

#[expect(clippy::disallowed_methods, reason = "how often is no setting of the host")]
fn cuts() -> u32 {
    std::env::var("CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(CUTS)
}

#[tokio::test]
async fn whatever_was_acknowledged_outlives_a_power_cut() {
    let disk = Disk::new();
    let host = Host::start(&disk.home()).await;
    let flow = Flow::begin(&host).await;
    let mut lost = Vec::new();
    for cut in 0..cuts() {
        // Each time at another moment: primes do not fall into step with anything.
        let pause = Duration::from_millis(u64::from(cut) * 37 % LONGEST);
        flow.goes_on_for(pause).await;
        // Read before the copy is begun: all of it must be in there.
        let told = flow.told();
        let copy = disk.cut();
        flow.pauses().await;
        lost.extend(proof::missing(&copy, told).await.into_iter().map(|what| (cut, what)));
    }
    eprintln!("cuts {} cut_lost {} messages {}", cuts(), lost.len(), flow.told().accepted.len());
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(
        flow.told().accepted.len() > usize::try_from(cuts()).unwrap(),
        "hardly anything flowed"
    );
}
