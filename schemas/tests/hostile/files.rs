//! The file itself: what stands under its name, its journal, its size, its lock.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    time::Duration,
};

use nix::{fcntl, libc, sys::stat::Mode, unistd::mkfifo};
use rusqlite::Connection;
use schemas::{
    guest_side::OutboundWriter,
    host_side::{OutboundReader, Reading, RefusedKind},
    limits::OUTBOUND_HARD_BYTES,
    session_dir::SessionDir,
};

use crate::{
    common::{reply, session},
    copied, honest, journal, look, raw, reasons, refused, session_beside, tampered,
};

/// Puts something that is not a file of its own at `path`; `target` is a file of somebody else's.
type Trap = fn(path: &Path, target: &Path);

const TRAPS: [(&str, Trap, RefusedKind); 6] = [
    ("symlink", |path, target| symlink(target, path).unwrap(), RefusedKind::OutsideFolder),
    ("broken", |path, _| symlink("/nowhere/at/all", path).unwrap(), RefusedKind::OutsideFolder),
    ("link", |path, target| fs::hard_link(target, path).unwrap(), RefusedKind::Linked),
    ("fifo", |path, _| mkfifo(path, Mode::S_IRWXU).unwrap(), RefusedKind::NotRegular),
    ("folder", |path, _| fs::create_dir(path).unwrap(), RefusedKind::NotRegular),
    ("socket", |path, _| drop(UnixListener::bind(path).unwrap()), RefusedKind::NotRegular),
];

#[test]
fn nothing_but_a_file_of_its_own_is_taken_for_the_database() {
    for (_, trap, kind) in TRAPS {
        let (_home, dir) = session();
        let other = session_beside(&dir);
        honest(&other);
        trap(&dir.outbound_db(), &other.outbound_db());
        refused(&dir, kind);
    }
}

#[test]
fn nothing_but_a_file_of_its_own_is_taken_for_the_journal() {
    for (name, trap, _) in TRAPS {
        let (_home, dir) = session();
        honest(&dir);
        let target = dir.root().join("target");
        fs::write(&target, "x").unwrap();
        trap(&journal(&dir), &target);
        refused(&dir, RefusedKind::Journal);
        assert_eq!(fs::read(&target).unwrap(), b"x", "{name}");
    }
}

/// A transaction so large that half of it stands in the file before it commits.
fn half_done(dir: &SessionDir) -> Connection {
    let conn = raw(&dir.outbound_db());
    conn.execute_batch(
        "PRAGMA cache_size = 1; BEGIN IMMEDIATE; UPDATE messages_out SET content = 'half'; \
         WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 2 FROM n WHERE i < 2000) INSERT \
         INTO messages_out (id, seq, timestamp, kind, content) SELECT i, i, 't', 'chat', 'half' \
         FROM n",
    )
    .unwrap();
    conn
}

#[test]
fn a_live_journal_is_not_settled_until_the_guest_writes_again() {
    let (_home, dir) = session();
    let crashed = session_beside(&dir);
    honest(&dir);
    let conn = half_done(&dir);
    // A copy of both files in the middle of a transaction is what a kill leaves behind.
    fs::copy(journal(&dir), journal(&crashed)).unwrap();
    fs::copy(dir.outbound_db(), crashed.outbound_db()).unwrap();
    drop(conn);
    assert!(matches!(look(&crashed), Ok(Reading::NotSettled)));
    let guest = OutboundWriter::new(crashed.clone());
    guest.write(|tx| tx.release_claims(jiff::Timestamp::UNIX_EPOCH)).unwrap();
    let rows = copied(&crashed).messages_above(0, 10).unwrap();
    let contents: Vec<String> = rows.into_iter().map(|row| row.unwrap().content).collect();
    assert_eq!(contents, ["{}"]);
}

#[test]
fn a_cold_journal_is_ignored() {
    for cold in [&b""[..], &[0; 512][..], &b"\0\xd5\x05\xf9"[..]] {
        let (_home, dir) = session();
        honest(&dir);
        fs::write(journal(&dir), cold).unwrap();
        assert_eq!(reasons(&dir).len(), 1);
    }
}

#[test]
fn a_wal_database_is_refused_and_its_siblings_are_never_followed() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        let mode: String =
            conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    });
    let target = dir.root().join("target");
    fs::write(&target, "x").unwrap();
    for sibling in ["outbound.db-wal", "outbound.db-shm"] {
        symlink(&target, dir.out_dir().join(sibling)).unwrap();
    }
    refused(&dir, RefusedKind::NotADatabase);
    assert_eq!(fs::read(&target).unwrap(), b"x");
}

#[test]
fn an_empty_file_is_a_guest_that_has_not_committed_yet() {
    let (_home, dir) = session();
    assert!(matches!(look(&dir), Ok(Reading::Absent)));
    File::create(dir.outbound_db()).unwrap();
    assert!(matches!(look(&dir), Ok(Reading::Absent)));
}

#[test]
fn junk_zeros_and_a_lone_header_are_no_database() {
    let (_home, dir) = session();
    for bytes in [vec![0; 8192], b"SQLite format 3\0".to_vec(), vec![0xAA; 100_000]] {
        fs::write(dir.outbound_db(), bytes).unwrap();
        refused(&dir, RefusedKind::NotADatabase);
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let (_home, dir) = session();
    honest(&dir);
    let whole = fs::read(dir.outbound_db()).unwrap();
    for end in (100..whole.len()).step_by(1500) {
        fs::write(dir.outbound_db(), whole.get(..end).unwrap()).unwrap();
        refused(&dir, RefusedKind::NotADatabase);
    }
}

#[test]
fn a_broken_page_anywhere_neither_panics_nor_hangs() {
    let (_home, dir) = session();
    honest(&dir);
    let whole = fs::read(dir.outbound_db()).unwrap();
    for at in (100..whole.len()).step_by(211) {
        let mut broken = whole.clone();
        for byte in broken.iter_mut().skip(at).take(64) {
            *byte = !*byte;
        }
        fs::write(dir.outbound_db(), broken).unwrap();
        if let Ok(Reading::Copy(copy)) = look(&dir) {
            drop(copy.messages_above(0, 10));
        }
    }
}

#[test]
fn a_file_above_the_hard_limit_is_refused_by_its_size() {
    let (_home, dir) = session();
    honest(&dir);
    for size in [OUTBOUND_HARD_BYTES + 1, 700 << 20, 10 << 30] {
        let file = File::options().write(true).open(dir.outbound_db()).unwrap();
        file.set_len(size).unwrap();
        refused(&dir, RefusedKind::TooLarge);
    }
}

#[test]
fn a_lock_that_is_never_given_back_is_waited_for_only_so_long() {
    let (_home, dir) = session();
    honest(&dir);
    let file = File::options().read(true).write(true).open(dir.outbound_db()).unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK.try_into().unwrap(),
        l_whence: libc::SEEK_SET.try_into().unwrap(),
        l_start: 1 << 30,
        l_len: 1,
        l_pid: 0,
    };
    fcntl::fcntl(&file, fcntl::FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    refused(&dir, RefusedKind::LockHeld);
    drop(file);
    assert_eq!(reasons(&dir).len(), 1);
}

#[test]
fn a_writer_in_the_middle_of_its_transaction_is_waited_for() {
    let (_home, dir) = session();
    honest(&dir);
    let guest = OutboundWriter::new(dir.clone());
    let mut reader = OutboundReader::new(dir).with_patience(Duration::from_millis(20));
    // Twice: a look that closed its descriptor would take the lock of a guest in this process.
    let held = guest.write(|_| Ok([reader.read(false), reader.read(false)])).unwrap();
    for look in held {
        assert_eq!(look.unwrap_err().kind, RefusedKind::LockHeld);
    }
    assert!(matches!(reader.read(false), Ok(Reading::Copy(_))));
}

#[test]
fn a_file_that_is_swapped_between_looks_is_read_anew() {
    let (_home, dir) = session();
    let other = session_beside(&dir);
    honest(&dir);
    let guest = OutboundWriter::new(other.clone());
    guest.write(|tx| tx.append(&reply("other", "{}"), 0)).unwrap();
    let mut reader = OutboundReader::new(dir.clone());
    assert!(matches!(reader.read(false), Ok(Reading::Copy(_))));
    fs::rename(other.outbound_db(), dir.outbound_db()).unwrap();
    let Reading::Copy(copy) = reader.read(false).unwrap() else { panic!("not read anew") };
    let rows = copy.messages_above(0, 10).unwrap();
    assert_eq!(rows.into_iter().next().unwrap().unwrap().id.as_str(), "other");
    fs::remove_file(dir.outbound_db()).unwrap();
    assert!(matches!(reader.read(false), Ok(Reading::Absent)));
    symlink("/etc/passwd", dir.outbound_db()).unwrap();
    assert_eq!(reader.read(false).unwrap_err().kind, RefusedKind::OutsideFolder);
}

#[test]
fn a_change_under_an_unchanged_counter_is_seen() {
    let (_home, dir) = session();
    honest(&dir);
    let mut reader = OutboundReader::new(dir.clone());
    assert!(matches!(reader.read(false), Ok(Reading::Copy(_))));
    let bytes = fs::read(dir.outbound_db()).unwrap();
    let at = bytes.windows(6).position(|window| window == b"honest").unwrap();
    let mut file = File::options().write(true).open(dir.outbound_db()).unwrap();
    file.seek(SeekFrom::Start(at.try_into().unwrap())).unwrap();
    file.write_all(b"forged").unwrap();
    // Two writes within one tick of the file system's clock would look the same.
    let later = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(1);
    file.set_modified(later).unwrap();
    let Reading::Copy(copy) = reader.read(false).unwrap() else { panic!("not seen") };
    let rows = copy.messages_above(0, 10).unwrap();
    assert_eq!(rows.into_iter().next().unwrap().unwrap().id.as_str(), "forged");
}

#[test]
fn a_commit_after_a_rollback_to_the_known_counter_is_not_missed() {
    let (_home, dir) = session();
    honest(&dir);
    let mut reader = OutboundReader::new(dir.clone());
    assert!(matches!(reader.read(false), Ok(Reading::Copy(_))));
    // The guest dies in the middle of a commit: the counter is raised, the journal is live.
    let conn = half_done(&dir);
    let mut torn = fs::read(dir.outbound_db()).unwrap();
    let left = fs::read(journal(&dir)).unwrap();
    drop(conn);
    *torn.get_mut(27).unwrap() += 1;
    fs::write(dir.outbound_db(), torn).unwrap();
    fs::write(journal(&dir), left).unwrap();
    assert!(matches!(reader.read(false), Ok(Reading::NotSettled)));
    // The next one rolls back and commits: the counter is what the lost commit's was.
    let guest = OutboundWriter::new(dir.clone());
    guest.write(|tx| tx.append(&reply("after", "{}"), 0)).unwrap();
    let Reading::Copy(copy) = reader.read(false).unwrap() else { panic!("the commit was missed") };
    let rows = copy.messages_above(0, 10).unwrap();
    let ids: Vec<String> = rows.into_iter().map(|row| row.unwrap().id.to_string()).collect();
    assert_eq!(ids, ["honest", "after"]);
}
