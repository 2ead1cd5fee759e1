//! 1,000 sleeping sessions: what each costs the host in memory, and who opens their files.
//!
//! They are in the central database and on the disk before the host starts, as after months of
//! use. Memory is the difference to a host whose home holds none. Opens are counted by the kernel,
//! with a watch on each session's `in/` and `out/`.

use std::{path::Path, time::Duration};

use host::{client::Since, sessions::key::session_for, store::Store};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use schemas::{
    host_side::{InboundWriter, ensure},
    ids::MessageId,
    message::InboundStatus,
    policy::SessionMode,
    session_dir::SessionDir,
    time::{Clock, SystemClock},
};
use tokio::time::sleep;

use crate::{
    Pace,
    bare::{delivered, message},
    figure::Figures,
    lab::{Lab, new_agent},
    process::rss_kib,
};

const AGENT: &str = "sleepy";
const SESSIONS: usize = 1_000;

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let calm = Duration::from_secs(pace.of(10, 3) as u64);
    let without = {
        let lab = Lab::prepared(async |store, home| drop(sessions(store, home, 0).await)).await;
        sleep(calm).await;
        rss_kib(lab.pid())
    };
    let mut folders = Vec::new();
    let lab = Lab::prepared(async |store, home| folders = sessions(store, home, SESSIONS).await);
    let lab = lab.await;
    sleep(calm).await;
    let each = |kib: f64| (kib - without) / SESSIONS as f64;
    let with = rss_kib(lab.pid());
    figures.judge("sleeping_session_kib", each(with), 8.0, "as found at the start");

    let inotify = watch(&folders);
    let minute = pace.of(60, 15);
    sleep(Duration::from_secs(minute as u64)).await;
    let opens = count(&inotify) as f64 * 60.0 / minute as f64;
    figures.judge("opens_per_minute", opens, 0.0, "nothing opens what sleeps");
    // A zero is only worth something if the watch would have seen one.
    std::fs::File::open(folders[SESSIONS / 2].inbound_db()).unwrap();
    assert_eq!(count(&inotify), 1, "the watch sees an open");
    drop(inotify);

    look_at_each(&lab).await;
    sleep(calm).await;
    let after = each(rss_kib(lab.pid()));
    figures.judge("  the same KiB after each was looked at", after, 8.0, "each had its task");
}

/// Makes the sessions, each with a settled message.
async fn sessions(store: &Store, home: &Path, count: usize) -> Vec<SessionDir> {
    let now = SystemClock.now();
    let agent = store.create_agent(new_agent(AGENT, SessionMode::PerThread), now).await.unwrap();
    let wirings = store.wirings_of(agent.id.clone()).await.unwrap();
    let mut folders = Vec::with_capacity(count);
    for n in 0..count {
        let mut place = wirings[0].place.clone();
        place.thread_id = Some(thread(n));
        let wanted = session_for(&wirings[0], &place);
        let record = store.session_for(wanted, now).await.unwrap();
        let dir = SessionDir::on_host(home, &agent.id, &record.id);
        ensure(&dir).unwrap();
        let row = message();
        InboundWriter::new(dir.clone())
            .write(|tx| {
                tx.append(&row)?;
                tx.set_status(std::slice::from_ref(&row.id), InboundStatus::Completed)?;
                tx.put_ledger(&delivered(MessageId::mint(now)))
            })
            .unwrap();
        folders.push(dir);
    }
    folders
}

/// Asks what was said in each, which wakes its task without a container, and lets it retire.
async fn look_at_each(lab: &Lab) {
    for n in 0..SESSIONS {
        let from = Since { thread: Some(thread(n)), after: Some(0), last: None };
        drop(lab.client.stream(AGENT, &from).await.unwrap());
    }
}

fn watch(folders: &[SessionDir]) -> Inotify {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
    for dir in folders {
        for folder in [dir.in_dir(), dir.out_dir()] {
            inotify.add_watch(&folder, AddWatchFlags::IN_OPEN).unwrap();
        }
    }
    inotify
}

/// Opens since the last count.
fn count(inotify: &Inotify) -> usize {
    let mut seen = 0;
    while let Ok(events) = inotify.read_events() {
        seen += events.len();
    }
    seen
}

fn thread(n: usize) -> String {
    format!("t{n}")
}
