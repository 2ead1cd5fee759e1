//! What a guest leaves in its folder, in this process: the host alone looks at it, for the guest
//! that is started over it does nothing.

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use host::requests::Request;
use schemas::session_dir::SessionDir;

use super::attacks::{ASIDE, Attack, HEARTBEATS, journal, tampered, touch};
use crate::world::World;

/// What stands in the file outside.
pub(super) const SECRET: &str = "canary-5f1e-which-nobody-may-read";

/// One session is attacked through its `out/`; the host, its files and another do not notice.
async fn is_set_aside(attack: &Attack, asleep: bool) {
    let name = attack.name;
    World::new()
        .agent("andy")
        .agent("betty")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            if asleep {
                world.guest_is_gone().await;
            } else {
                world.yard.freeze_the_one();
            }
            let outside = world.outside(SECRET);
            (attack.leave)(&world.dir_of(&sent), &outside);
            world.yard.freezes_at_birth(true);
            world.says("andy", "are you well?").await;
            let notice = world.next_notice("andy").await;
            let told = notice.contains("set aside") && notice.contains(attack.notice);
            assert!(told && notice.len() < 1_000, "{name}: {notice}");
            let listed = world.until_state("andy", "set aside").await;
            assert!(listed.notice.unwrap().contains(attack.notice), "{name}");
            assert!(
                world.errors().iter().any(|line| line.replace('\\', "").contains(attack.notice)),
                "{name}"
            );
            world.yard.freezes_at_birth(false);
            world.says("betty", "and you?").await;
            assert_eq!(world.next_reply("betty").await, "You said: and you?", "{name}");

            let id = sent.session_id.to_string();
            world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: are you well?", "{name}");
            untouched(world, &outside);
        })
        .await;
}

/// The file outside is as it was, and its content stands nowhere else.
pub(super) fn untouched(world: &World, outside: &Path) {
    assert_eq!(fs::read_to_string(outside).unwrap(), SECRET);
    let leaks = holding(world.home(), SECRET.as_bytes());
    assert!(leaks.iter().all(|path| path == outside), "{leaks:?}");
}

/// Regular files of one name below a folder that hold these bytes, and are not huge.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let meta = fs::symlink_metadata(entry.path()).unwrap();
        if meta.is_dir() {
            found.extend(holding(&entry.path(), bytes));
        } else if meta.is_file() && meta.nlink() == 1 && meta.len() < 1 << 27 {
            let content = fs::read(entry.path()).unwrap();
            let holds = content.windows(bytes.len()).any(|window| window == bytes);
            found.extend(holds.then(|| entry.path()));
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn whatever_stands_in_place_of_the_database_or_its_journal_sets_the_session_aside() {
    for attack in ASIDE {
        is_set_aside(attack, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_in_place_of_the_heartbeat_sets_the_session_aside() {
    let leave = |dir: &SessionDir, _: &Path| {
        fs::remove_file(dir.heartbeat()).ok();
        fs::create_dir_all(dir.heartbeat().join("deep")).unwrap();
    };
    let attack = Attack { name: "beat-folder", notice: ".heartbeat is a directory", leave };
    is_set_aside(&attack, true).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_else_stands_in_place_of_the_heartbeat_is_taken_away_and_not_followed() {
    for attack in HEARTBEATS {
        World::new()
            .agent("andy")
            .run(async |world| {
                let sent = world.has_been_here().await;
                let outside = world.outside(SECRET);
                (attack.leave)(&world.dir_of(&sent), &outside);
                world.says("andy", "and now?").await;
                assert_eq!(world.next_reply("andy").await, "You said: and now?");
                let beat = fs::symlink_metadata(world.dir_of(&sent).heartbeat());
                assert!(beat.is_ok_and(|meta| meta.is_file()), "{}", attack.name);
                untouched(world, &outside);
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_from_the_future_keeps_no_dead_guest_alive() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!slow 600000").await;
            world.until_state("andy", "awake").await;
            world.passes(Duration::from_secs(3)).await;
            world.yard.freeze_the_one();
            let beat = fs::File::open(world.dir_of(&sent).heartbeat()).unwrap();
            let future = std::time::UNIX_EPOCH + Duration::from_secs(100_000_000_000);
            beat.set_modified(future).unwrap();
            let started = world.yard.started();
            world.passes(Duration::from_secs(120)).await;
            assert!(world.yard.started() > started, "it was taken for alive");
            world.next_reply("andy").await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_hot_journal_waits_for_its_guest_and_a_made_up_one_is_never_played_by_the_host() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.has_been_here().await;
            let (outside, dir) = (world.outside(SECRET), world.dir_of(&sent));
            let before = fs::read(dir.outbound_db()).unwrap();
            fs::write(journal(&dir), super_journal(&outside)).unwrap();
            touch(&dir.outbound_db());
            let list = format!("messages list {}", sent.session_id);
            let listed = world.command(&list).await.unwrap_err().to_string();
            assert!(listed.contains("in the middle of writing"), "{listed}");
            world.yard.freezes_at_birth(true);
            world.says("andy", "are you well?").await;
            world.passes(Duration::from_secs(30)).await;
            untouched(world, &outside);
            assert_eq!(fs::read(dir.outbound_db()).unwrap(), before);
            // Its guest may clear it away: what it does, it does in its container.
            fs::write(journal(&dir), [7; 600]).unwrap();
            world.yard.freezes_at_birth(false);
            assert_eq!(world.next_reply("andy").await, "You said: are you well?");
        })
        .await;
}

/// A journal that names another file as the journal above it.
fn super_journal(above: &Path) -> Vec<u8> {
    let name = above.to_str().unwrap().as_bytes();
    let mut journal = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7".to_vec();
    journal.resize(512, 0);
    journal.extend_from_slice(&0x4000_0000_u32.to_be_bytes());
    journal.extend_from_slice(name);
    journal.extend_from_slice(&u32::try_from(name.len()).unwrap().to_be_bytes());
    let sum: u32 = name.iter().map(|byte| u32::from(*byte)).sum();
    journal.extend_from_slice(&sum.to_be_bytes());
    journal.extend_from_slice(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7");
    journal
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_swapped_while_the_host_looks_never_leads_it_outside() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.has_been_here().await;
            let (outside, dir) = (world.outside(SECRET), world.dir_of(&sent));
            tampered(&dir, |_| {});
            let swapping = Swapping::begin(&dir, &outside);
            world.yard.freezes_at_birth(true);
            for round in 0..20 {
                world.says("andy", &format!("round {round}")).await;
                world.passes(Duration::from_secs(2)).await;
            }
            drop(swapping);
            untouched(world, &outside);
            world.until_state("andy", "set aside").await;
            world.yard.freezes_at_birth(false);
            let id = sent.session_id.to_string();
            world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
            for round in 0..20 {
                assert_eq!(world.next_reply("andy").await, format!("You said: round {round}"));
            }
        })
        .await;
}

/// A process that swaps the database with a link, as fast as it can, until this is dropped.
struct Swapping {
    end: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Swapping {
    fn begin(dir: &SessionDir, outside: &Path) -> Self {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        let end = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
        let (name, link) = (dir.outbound_db(), dir.out_dir().join("link"));
        std::os::unix::fs::symlink(outside, &link).unwrap();
        let ended = end.clone();
        let thread = std::thread::spawn(move || {
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                let flags = RenameFlags::RENAME_EXCHANGE;
                renameat2(AT_FDCWD, &link, AT_FDCWD, &name, flags).ok();
            }
        });
        Self { end, thread: Some(thread) }
    }
}

impl Drop for Swapping {
    fn drop(&mut self) {
        self.end.store(true, std::sync::atomic::Ordering::Relaxed);
        drop(self.thread.take().map(std::thread::JoinHandle::join));
    }
}
