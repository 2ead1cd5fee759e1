//! A hostile guest: what it leaves in its folder.
//!
//! The test plays the guest from outside, through the same folder. Beside all of it another agent
//! is asked again and again.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::symlink,
    path::Path,
    time::SystemTime,
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use schemas::{admin::SessionInfo, session_dir::SessionDir};

use crate::{
    host_process::HostProcess,
    room::{Room, p99, print_ratio, say},
};

/// Round trips from which a figure is made.
const ROUNDS: usize = 60;

/// What a hostile guest leaves, and a word that the notice about it must have.
struct Attack {
    name: &'static str,
    notice: &'static str,
    leave: fn(&SessionDir),
}

const ATTACKS: [Attack; 8] = [
    Attack { name: "symlink", notice: "symbolic link", leave: leave_symlink },
    Attack { name: "fifo", notice: "not a file", leave: leave_fifo },
    Attack { name: "hard-link", notice: "more than one name", leave: leave_hard_link },
    Attack { name: "folder", notice: "not a file", leave: leave_folder },
    Attack { name: "view", notice: "", leave: leave_view },
    Attack { name: "truncated", notice: "cut short", leave: leave_truncated },
    Attack { name: "huge", notice: "bytes", leave: leave_huge },
    Attack { name: "fifo-journal", notice: "journal", leave: leave_fifo_journal },
];

#[tokio::test]
async fn a_hostile_folder_sets_its_session_aside_and_nobody_else() {
    let host = HostProcess::up().await;
    host.agent("honest").await;
    let mut honest = Room::enter(&host, "honest").await;
    honest.latencies(&host, 3).await;
    let quiet = p99(honest.latencies(&host, ROUNDS).await);

    let attacks = ATTACKS.iter().map(|attack| suffer(&host, attack));
    let attacked = futures_util::future::join_all(attacks);
    let (disturbed, _) = tokio::join!(honest.latencies(&host, ROUNDS), attacked);
    print_ratio("beside hostile folders", quiet, p99(disturbed));
    assert_eq!(fs::read_to_string(host.home().join("precious")).unwrap(), "precious");
    let told = host.log_text().matches("the session is set aside").count();
    assert_eq!(told, ATTACKS.len(), "each is told once");
}

/// One attack, from the first message to the fresh start.
async fn suffer(host: &HostProcess, attack: &Attack) {
    let name = attack.name;
    let agent = host.agent(name).await;
    let mut room = Room::enter(host, name).await;
    assert_eq!(room.ask(host, "hello").await, "You said: hello", "{name}");
    let session = host.session(name).await;
    let dir = host.session_dir(&agent.id, &session.id);
    fs::write(host.home().join("precious"), "precious").unwrap();
    (attack.leave)(&dir);

    let aside = host.until_state(name, "set aside").await;
    let why = aside.notice.unwrap_or_default();
    assert!(why.contains(attack.notice), "{name}: {why}");
    let notice = room.notice().await;
    assert!(notice.contains("set aside") && notice.contains("reset"), "{name}: {notice}");
    // What is said meanwhile is kept.
    let kept = say(host, name, "meanwhile").await;
    assert_eq!(host.session(name).await.state, "set aside", "{name}");

    reset(host, &session).await;
    assert_eq!(room.answer().await.in_reply_to, Some(kept.message_id), "{name}");
    assert_eq!(room.ask(host, "and now?").await, "You said: and now?", "{name}");
    assert_eq!(host.session(name).await.notice, None, "{name}");
}

/// An operator's reset.
pub(crate) async fn reset(host: &HostProcess, session: &SessionInfo) {
    let done = host.lazaret(&["sessions", "reset", session.id.as_str()]).await;
    assert!(done.status.success(), "{done:?}");
}

fn leave_symlink(dir: &SessionDir) {
    let precious = dir.root().ancestors().nth(3).unwrap().join("precious");
    fs::remove_file(dir.outbound_db()).unwrap();
    symlink(precious, dir.outbound_db()).unwrap();
}

fn leave_fifo(dir: &SessionDir) {
    fs::remove_file(dir.outbound_db()).unwrap();
    mkfifo(&dir.outbound_db(), Mode::S_IRWXU).unwrap();
}

fn leave_hard_link(dir: &SessionDir) {
    fs::hard_link(dir.outbound_db(), dir.out_dir().join("second")).unwrap();
    touch(&dir.outbound_db());
}

fn leave_folder(dir: &SessionDir) {
    fs::remove_file(dir.outbound_db()).unwrap();
    fs::create_dir(dir.outbound_db()).unwrap();
}

fn leave_view(dir: &SessionDir) {
    let forged = dir.out_dir().join("forged");
    fs::copy(dir.outbound_db(), &forged).unwrap();
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let db = rusqlite::Connection::open_with_flags(&forged, flags).unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    db.execute_batch(&format!("DROP TABLE messages_out; CREATE VIEW messages_out AS {endless};"))
        .unwrap();
    drop(db);
    fs::rename(forged, dir.outbound_db()).unwrap();
}

fn leave_truncated(dir: &SessionDir) {
    let file = OpenOptions::new().write(true).open(dir.outbound_db()).unwrap();
    file.set_len(file.metadata().unwrap().len() - 700).unwrap();
}

fn leave_huge(dir: &SessionDir) {
    let file = OpenOptions::new().write(true).open(dir.outbound_db()).unwrap();
    file.set_len(10 * 1024 * 1024 * 1024).unwrap();
}

fn leave_fifo_journal(dir: &SessionDir) {
    mkfifo(&dir.out_dir().join("outbound.db-journal"), Mode::S_IRWXU).unwrap();
    touch(&dir.outbound_db());
}

/// Makes the host look, as a write of the guest does.
#[expect(clippy::disallowed_methods, reason = "a file's time, not one that anything decides by")]
pub(crate) fn touch(path: &Path) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::now()).unwrap();
}
