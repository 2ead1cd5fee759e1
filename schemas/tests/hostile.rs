//! What a hostile guest may put into `out/`, and that the host only ever says no to it.
//!
//! Every look runs on a thread of its own, so that one that never returns fails its test instead
//! of stopping the suite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics is a test that fails")]

mod common;

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::{
        fs::{FileExt, symlink},
        net::UnixListener,
    },
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use common::{reply, session};
use nix::{fcntl, libc, sys::stat::Mode, unistd::mkfifo};
use rusqlite::{Connection, OpenFlags};
use schemas::{
    guest_side::OutboundWriter,
    host_side::{OutboundCopy, OutboundReader, Reading, Refused, RefusedKind},
    limits::OUTBOUND_HARD_BYTES,
    session_dir::SessionDir,
};

/// One look by a fresh reader, which must end.
#[track_caller]
fn look(dir: &SessionDir) -> Result<Reading, Refused> {
    let reader = OutboundReader::new(dir.clone()).with_patience(Duration::from_millis(50));
    ends(move || { reader }.read(false))
}

/// Runs it elsewhere and fails when it does not come back.
#[track_caller]
fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(work()));
    receive.recv_timeout(Duration::from_secs(60)).unwrap()
}

#[track_caller]
fn refused(dir: &SessionDir, kind: RefusedKind) {
    match look(dir) {
        Ok(reading) => panic!("{reading:?} was taken"),
        Err(refused) => assert_eq!(refused.kind, kind, "{refused}"),
    }
}

#[track_caller]
fn copied(dir: &SessionDir) -> OutboundCopy {
    let Reading::Copy(copy) = look(dir).unwrap() else { panic!("not a copy") };
    copy
}

/// The guest as it should be: one honest reply.
fn honest(dir: &SessionDir) {
    let guest = OutboundWriter::new(dir.clone());
    guest.write(|tx| tx.append(&reply("honest", "{}"), 0)).unwrap();
}

/// The guest as it may be: its own hands on an honest file.
fn tampered(dir: &SessionDir, work: impl FnOnce(&Connection)) {
    honest(dir);
    let conn = raw(&dir.outbound_db());
    conn.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;").unwrap();
    work(&conn);
}

fn raw(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::default()).unwrap()
}

/// `messages_out` filled without its constraints, then given the contract's SQL again.
fn smuggled(dir: &SessionDir, insert: &str) {
    tampered(dir, |conn| {
        let ours: String = conn
            .query_row("SELECT sql FROM sqlite_schema WHERE name = 'messages_out'", [], |r| {
                r.get(0)
            })
            .unwrap();
        let lax = ours
            .replace("STRICT", "")
            .replace("NOT NULL", "")
            .replace("CHECK (seq % 2 = 1)", "")
            .replace("INTEGER", "")
            .replace("TEXT", "");
        conn.execute_batch("DROP TABLE messages_out").unwrap();
        conn.execute_batch(&lax).unwrap();
        conn.execute_batch(insert).unwrap();
        conn.execute_batch("PRAGMA writable_schema = ON").unwrap();
        conn.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'messages_out'", [ours])
            .unwrap();
    });
}

/// The reasons why rows were refused; a good one is an empty text.
fn reasons(dir: &SessionDir) -> Vec<(Option<i64>, String)> {
    let rows = copied(dir).messages_above(0, 100).unwrap();
    rows.into_iter()
        .map(|row| match row {
            Ok(row) => (Some(row.seq), String::new()),
            Err(bad) => (bad.seq, bad.reason),
        })
        .collect()
}

#[track_caller]
fn one_bad_row(insert: &str, seq: Option<i64>, reason: &str) {
    let (_home, dir) = session();
    smuggled(&dir, insert);
    let found = reasons(&dir);
    assert_eq!(found.len(), 1, "{found:?}");
    let (found_seq, found_reason) = found.into_iter().next().unwrap();
    assert_eq!(found_seq, seq);
    assert!(found_reason.contains(reason), "{found_reason}");
}

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

/// A session on the same file system, so that a hard link to its file is possible.
fn session_beside(dir: &SessionDir) -> SessionDir {
    let other = SessionDir::at(dir.root().with_file_name("other"));
    schemas::host_side::ensure(&other).unwrap();
    other
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

fn journal(dir: &SessionDir) -> std::path::PathBuf {
    dir.out_dir().join("outbound.db-journal")
}

#[test]
fn a_view_in_place_of_a_table_is_refused_even_if_it_never_ends() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        conn.execute_batch(
            "DROP TABLE messages_out; CREATE VIEW messages_out AS WITH RECURSIVE \
             n(seq) AS (SELECT 1 UNION ALL SELECT seq + 2 FROM n) SELECT seq, 'x' AS id FROM n",
        )
        .unwrap();
    });
    refused(&dir, RefusedKind::ForeignSchema);
}

#[test]
fn a_trigger_a_view_or_a_table_beside_ours_is_refused() {
    for extra in [
        "CREATE TRIGGER t AFTER INSERT ON messages_out BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t (x)",
        "CREATE INDEX i ON messages_out (kind)",
        "ALTER TABLE messages_out ADD COLUMN more TEXT",
        "DROP TABLE runs",
    ] {
        let (_home, dir) = session();
        tampered(&dir, |conn| conn.execute_batch(extra).unwrap());
        refused(&dir, RefusedKind::ForeignSchema);
    }
}

#[test]
fn statistics_that_sqlite_keeps_for_itself_are_no_offence() {
    let (_home, dir) = session();
    tampered(&dir, |conn| conn.execute_batch("ANALYZE").unwrap());
    assert_eq!(reasons(&dir), [(Some(1), String::new())]);
}

#[test]
fn a_schema_of_four_hundred_thousand_tables_is_refused() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        conn.execute_batch(
            "PRAGMA writable_schema = ON; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL \
             SELECT i + 1 FROM n WHERE i < 400000) INSERT INTO sqlite_schema \
             SELECT 'table', 't' || i, 't' || i, 2, 'CREATE TABLE t' || i || '(x)' FROM n",
        )
        .unwrap();
    });
    refused(&dir, RefusedKind::ForeignSchema);
}

#[test]
fn a_database_of_another_program_or_of_a_newer_contract_is_refused() {
    let (_home, dir) = session();
    raw(&dir.outbound_db()).execute_batch("CREATE TABLE messages_out (x)").unwrap();
    refused(&dir, RefusedKind::ForeignSchema);
    let (_home, dir) = session();
    tampered(&dir, |conn| conn.pragma_update(None, "user_version", 99).unwrap());
    refused(&dir, RefusedKind::Newer);
}

#[test]
fn a_live_journal_is_not_settled_until_the_guest_writes_again() {
    let (_home, dir) = session();
    let crashed = session_beside(&dir);
    honest(&dir);
    let conn = raw(&dir.outbound_db());
    conn.execute_batch(
        "PRAGMA cache_size = 1; BEGIN IMMEDIATE; UPDATE messages_out SET content = 'half'; \
         WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 2 FROM n WHERE i < 2000) INSERT \
         INTO messages_out (id, seq, timestamp, kind, content) SELECT i, i, 't', 'chat', 'half' \
         FROM n",
    )
    .unwrap();
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
fn a_row_of_sixty_megabytes_is_refused_for_itself() {
    one_bad_row(
        "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
         VALUES ('big', 3, 't', 'chat', CAST(zeroblob(60000000) AS TEXT))",
        Some(3),
        "content is over-long",
    );
}

#[test]
fn a_row_that_claims_more_bytes_than_the_file_has_is_not_believed() {
    let (_home, dir) = session();
    let insert = "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
                  VALUES ('liar', 3, 't', 'chat', CAST(zeroblob(3000000) AS TEXT))";
    smuggled(&dir, insert);
    let bytes = fs::read(dir.outbound_db()).unwrap();
    // The type of a text of n bytes is 2n + 13, as SQLite's variable-length number.
    let find = |n: u32| -> Vec<u8> {
        let value = 2 * n + 13;
        let group = |shift: u32| u8::try_from((value >> shift) & 0x7f).unwrap();
        vec![group(21) | 0x80, group(14) | 0x80, group(7) | 0x80, group(0)]
    };
    let old = find(3_000_000);
    let at = bytes.windows(4).position(|window| window == old).unwrap();
    let file = File::options().write(true).open(dir.outbound_db()).unwrap();
    file.write_all_at(&find(120_000_000), at.try_into().unwrap()).unwrap();
    match copied(&dir).messages_above(0, 10) {
        Ok(rows) => assert!(rows.iter().all(Result::is_err), "{rows:?}"),
        Err(refused) => assert_eq!(refused.kind, RefusedKind::NotADatabase, "{refused}"),
    }
}

#[test]
fn a_million_rows_are_read_a_page_at_a_time() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        conn.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) \
             INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             SELECT i, 2 * i + 1, 't', 'chat', '' FROM n",
        )
        .unwrap();
    });
    let copy = copied(&dir);
    let rows = copy.messages_above(1, 100).unwrap();
    let seqs: Vec<i64> = rows.into_iter().map(|row| row.unwrap().seq).collect();
    assert_eq!(seqs, (1..=100).map(|i| 2 * i + 1).collect::<Vec<_>>());
}

#[test]
fn a_number_that_is_even_or_out_of_range_is_refused_for_itself() {
    let insert = |seq: &str| {
        format!(
            "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             VALUES ('x', {seq}, 't', 'chat', '{{}}')"
        )
    };
    one_bad_row(&insert("4"), Some(4), "even");
    one_bad_row(&insert("9223372036854775807"), Some(i64::MAX), "out of range");
    one_bad_row(&insert("'five'"), None, "seq is not a whole number");
    one_bad_row(&insert("x'05'"), None, "seq");
    one_bad_row(&insert("5.5"), None, "seq is not a whole number");
}

#[test]
fn a_repeated_number_is_refused_for_itself() {
    let (_home, dir) = session();
    let guest = OutboundWriter::new(dir.clone());
    for id in ["first", "second"] {
        guest.write(|tx| tx.append(&reply(id, "{}"), 4)).unwrap();
    }
    let mut bytes = fs::read(dir.outbound_db()).unwrap();
    // The number stands behind the id in the table, and before the row's own in the index.
    for (record, offset) in [(&b"second\x07"[..], 6), (&b"\x05\x03\x01\x01\x07\x02"[..], 4)] {
        let at = bytes.windows(record.len()).position(|window| window == record).unwrap();
        bytes.splice(at + offset..=at + offset, [5]);
    }
    fs::write(dir.outbound_db(), bytes).unwrap();
    assert_eq!(
        reasons(&dir),
        [(Some(5), String::new()), (Some(5), "seq 5 stands twice".to_owned())]
    );
}

#[test]
fn a_bad_row_does_not_spoil_its_neighbours() {
    let (_home, dir) = session();
    smuggled(
        &dir,
        "INSERT INTO messages_out (id, seq, timestamp, kind, content) VALUES \
         ('a', 3, 't', 'chat', '{}'), ('b', 5, 't', 'chat', 17), ('c', 7, 't', 'chat', '{}')",
    );
    let good: Vec<bool> = reasons(&dir).into_iter().map(|(_, reason)| reason.is_empty()).collect();
    assert_eq!(good, [true, false, true]);
}

#[test]
fn a_text_that_is_none_is_refused_for_itself() {
    let with = |column: &str, value: &str| {
        format!(
            "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             VALUES ('x', 3, 't', 'chat', '{{}}'); UPDATE messages_out SET {column} = {value}"
        )
    };
    for (column, value, reason) in [
        ("id", "NULL", "id is missing"),
        ("id", "''", "not a message id"),
        ("id", "17", "id is over-long or not a text"),
        ("id", "'a' || char(0) || 'b'", "id holds a NUL"),
        ("id", "CAST(zeroblob(1000000) AS TEXT)", "id is over-long"),
        ("id", "printf('%.*c', 5000, 'x')", "not a message id"),
        ("id", "CAST(x'c328' AS TEXT)", "id is not UTF-8"),
        ("in_reply_to", "x'00'", "in_reply_to"),
        ("content", "NULL", "content is missing"),
        ("content", "x'7b7d'", "content is over-long or not a text"),
        ("content", "CAST(x'7bff7d' AS TEXT)", "content is not UTF-8"),
        ("content", "1.5", "content"),
        ("kind", "'rumour'", "kind is an unknown word"),
        ("run_id", "'../../etc'", "not a run id"),
        ("deliver_after", "'soon'", "deliver_after"),
        ("channel_type", "'slack'", "half an address"),
        ("thread_id", "CAST(zeroblob(100000) AS TEXT)", "thread_id is over-long"),
    ] {
        one_bad_row(&with(column, value), Some(3), reason);
    }
}

#[test]
fn a_slash_in_an_id_and_json_ten_thousand_deep_are_only_text() {
    let (_home, dir) = session();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let guest = OutboundWriter::new(dir.clone());
    guest.write(|tx| tx.append(&reply("../../etc/passwd", &deep), 0)).unwrap();
    let rows = copied(&dir).messages_above(0, 1).unwrap();
    let row = rows.into_iter().next().unwrap().unwrap();
    assert_eq!(row.id.as_str(), "../../etc/passwd");
    let chat: schemas::content::ChatOut = schemas::content::read(&row.content).unwrap();
    assert_eq!(chat.text, deep);
}

#[test]
fn a_forged_ack_or_run_is_refused_not_believed() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        conn.execute_batch(
            "INSERT INTO processing_ack (message_id, status, status_changed) \
             VALUES ('m', 'done', 't'); INSERT INTO runs (run_id, status, message_ids, \
             started_at) VALUES ('01h455vb4pex5vsknk084sn02q', 'running', '{}', 't')",
        )
        .unwrap();
    });
    let copy = copied(&dir);
    let message = schemas::ids::MessageId::parse("m").unwrap();
    let run = schemas::ids::RunId::parse("01h455vb4pex5vsknk084sn02q").unwrap();
    assert_eq!(copy.ack(&message).unwrap_err().kind, RefusedKind::Hostile);
    assert_eq!(copy.run(&run).unwrap_err().kind, RefusedKind::Hostile);
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
    let held = guest.write(|_| Ok(reader.read(false))).unwrap();
    assert_eq!(held.unwrap_err().kind, RefusedKind::LockHeld);
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
