//! A guest that went bad: its session is set aside, the host and all others go on.

use std::{fs, time::Duration};

use host::requests::Request;
use schemas::session_dir::SessionDir;

use crate::world::World;

pub(crate) mod attacks;

mod files;
mod folder;
mod parsers;
mod rows;
mod shown;
mod strangers;
mod words;

/// One session is attacked through its `out/`; another must not notice.
async fn is_set_aside(attack: impl Fn(&SessionDir), reason: &str) {
    World::new()
        .agent("andy")
        .agent("betty")
        .with_errors()
        .run(async |world| {
            let sent = world.has_been_here().await;
            attack(&world.dir_of(&sent));
            world.says("andy", "are you well?").await;
            let notice = world.next_notice("andy").await;
            assert!(notice.contains("set aside") && notice.contains(reason), "{notice}");
            let listed = world.until_state("andy", "set aside").await;
            assert!(listed.notice.unwrap().contains(reason));
            world.says("betty", "and you?").await;
            assert_eq!(world.next_reply("betty").await, "You said: and you?");

            let id = sent.session_id.to_string();
            world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: are you well?");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_held_for_ever_sets_the_session_aside_and_delays_nobody() {
    is_set_aside(
        |dir| {
            let file =
                fs::OpenOptions::new().read(true).write(true).open(dir.outbound_db()).unwrap();
            let lock = nix::libc::flock {
                l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
                l_whence: i16::try_from(nix::libc::SEEK_SET).unwrap(),
                l_start: 0,
                l_len: 0,
                l_pid: 0,
            };
            nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_OFD_SETLK(&lock)).unwrap();
            // Held until the process ends: that is what for ever means here.
            std::mem::forget(file);
        },
        "lock",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_set_aside_keeps_its_messages_over_a_restart() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.has_been_here().await;
            fs::write(world.dir_of(&sent).outbound_db(), vec![7; 8192]).unwrap();
            world.says("andy", "still there?").await;
            world.next_notice("andy").await;
            world.crash_host().await;
            world.start_host().await;
            world.until_state("andy", "set aside").await;
            world.passes(Duration::from_secs(600)).await;
            let id = sent.session_id.to_string();
            world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: still there?");
        })
        .await;
}
