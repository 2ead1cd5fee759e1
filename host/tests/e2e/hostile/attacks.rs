//! What a hostile guest may leave in `out/`: one table for the tests in this process and for those
//! on a real engine.
//!
//! Owns the bytes and the names. Each attack is given the session's folder and a file outside, which
//! must stay as it is and whose content must be seen nowhere.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use nix::{
    sys::stat::{Mode, SFlag, makedev, mknod},
    unistd::mkfifo,
};
use rusqlite::{Connection, OpenFlags};
use schemas::session_dir::SessionDir;

/// What a guest leaves.
pub(crate) struct Attack {
    /// In words that may be an agent's name.
    pub(crate) name: &'static str,
    /// What the notice about it must say; empty where the words are `SQLite`'s own.
    pub(crate) notice: &'static str,
    pub(crate) leave: fn(&SessionDir, &Path),
}

const fn attack(name: &'static str, notice: &'static str, leave: fn(&SessionDir, &Path)) -> Attack {
    Attack { name, notice, leave }
}

/// What sets a session aside.
pub(crate) const ASIDE: &[Attack] = &[
    attack("symlink", "symbolic link", |dir, outside| {
        fs::remove_file(dir.outbound_db()).unwrap();
        symlink(outside, dir.outbound_db()).unwrap();
    }),
    attack("fifo", "FIFO, not a file", |dir, _| {
        fs::remove_file(dir.outbound_db()).unwrap();
        mkfifo(&dir.outbound_db(), Mode::S_IRWXU).unwrap();
    }),
    attack("socket", "socket, not a file", |dir, _| {
        fs::remove_file(dir.outbound_db()).unwrap();
        socket(&dir.outbound_db());
    }),
    attack("device", "not a file", |dir, _| {
        fs::remove_file(dir.outbound_db()).unwrap();
        device(&dir.outbound_db());
    }),
    attack("folder", "directory, not a file", |dir, _| {
        fs::remove_file(dir.outbound_db()).unwrap();
        fs::create_dir(dir.outbound_db()).unwrap();
    }),
    attack("hard-link", "more than one name", |dir, _| {
        fs::hard_link(dir.outbound_db(), dir.out_dir().join("second")).unwrap();
        touch(&dir.outbound_db());
    }),
    attack("view", "view \"messages_out\"", |dir, _| {
        tampered(dir, |db| {
            db.execute_batch(
                "DROP TABLE messages_out; CREATE VIEW messages_out AS WITH RECURSIVE n(i) AS \
                 (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS seq FROM n",
            )
            .unwrap();
        });
    }),
    attack("trigger", "trigger \"messages_out_t\"", |dir, _| {
        tampered(dir, |db| {
            db.execute_batch(
                "CREATE TRIGGER messages_out_t AFTER INSERT ON messages_out BEGIN SELECT 1; END",
            )
            .unwrap();
        });
    }),
    attack("schema-version", "contract version 99", |dir, _| {
        tampered(dir, |db| db.pragma_update(None, "user_version", 99).unwrap());
    }),
    attack("foreign-tables", "not the contract's", |dir, _| {
        tampered(dir, |db| {
            db.execute_batch("ALTER TABLE messages_out ADD COLUMN more TEXT").unwrap();
        });
    }),
    attack("long-name", "of its own", |dir, _| {
        let name = "n".repeat(10_000);
        tampered(dir, |db| db.execute_batch(&format!("CREATE TABLE {name} (x)")).unwrap());
    }),
    attack("many-tables", "", |dir, _| {
        tampered(dir, |db| {
            db.execute_batch(
                "PRAGMA writable_schema = ON; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL \
                 SELECT i + 1 FROM n WHERE i < 400000) INSERT INTO sqlite_schema \
                 SELECT 'table', 't' || i, 't' || i, 2, 'CREATE TABLE t' || i || '(x)' FROM n",
            )
            .unwrap();
        });
    }),
    attack("truncated", "cut short", |dir, _| {
        let file = OpenOptions::new().write(true).open(dir.outbound_db()).unwrap();
        file.set_len(file.metadata().unwrap().len() - 700).unwrap();
    }),
    attack("corrupt-page", "damaged", |dir, _| {
        let file = OpenOptions::new().write(true).open(dir.outbound_db()).unwrap();
        // The page of the schema, past the header.
        file.write_all_at(&[0xff; 3_000], 104).unwrap();
    }),
    attack("zeros", "not a database", |dir, _| {
        replaced(dir, &[0; 8_192]);
    }),
    attack("junk", "not a database", |dir, _| {
        replaced(dir, &[0xaa; 100_000]);
    }),
    attack("huge", "10737418240 bytes", |dir, _| {
        let file = OpenOptions::new().write(true).open(dir.outbound_db()).unwrap();
        file.set_len(10 << 30).unwrap();
    }),
    attack("huge-row", "bytes, at most", |dir, _| {
        smuggled(dir, "('big', 1001, 't', 'chat', CAST(zeroblob(100000000) AS TEXT))");
    }),
    attack("last-number", "9223372036854775807", |dir, _| {
        smuggled(dir, "('last', 9223372036854775807, 't', 'chat', '{}')");
    }),
    attack("million-rows", "more than", |dir, _| {
        smuggled(
            dir,
            "('0', 1, 't', 'chat', ''); WITH RECURSIVE n(i) AS (SELECT 501 UNION ALL SELECT i + 1 \
             FROM n WHERE i < 1000501) INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             SELECT i, 2 * i + 1, 't', 'chat', '' FROM n",
        );
    }),
    attack("wal", "WAL mode", |dir, outside| {
        tampered(dir, |db| {
            let mode: String =
                db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        });
        for sibling in ["outbound.db-wal", "outbound.db-shm"] {
            symlink(outside, dir.out_dir().join(sibling)).unwrap();
        }
    }),
    attack("fifo-journal", "journal", |dir, _| {
        mkfifo(&journal(dir), Mode::S_IRWXU).unwrap();
        touch(&dir.outbound_db());
    }),
    attack("linked-journal", "journal", |dir, outside| {
        symlink(outside, journal(dir)).unwrap();
        touch(&dir.outbound_db());
    }),
];

/// What a guest leaves in place of a file that goes with a reply.
pub(crate) const FILES: &[Attack] = &[
    attack("file-link", "leads out of the folder", |dir, outside| {
        symlink(outside, outgoing(dir).join("a.txt")).unwrap();
    }),
    attack("file-absolute", "is not a file name", |dir, _| drop(outgoing(dir))),
    attack("file-fifo", "FIFO, not a file", |dir, _| {
        mkfifo(&outgoing(dir).join("a.txt"), Mode::S_IRWXU).unwrap();
    }),
    attack("file-socket", "not a file", |dir, _| socket(&outgoing(dir).join("a.txt"))),
    attack("file-device", "not a file", |dir, _| device(&outgoing(dir).join("a.txt"))),
    attack("file-folder", "directory, not a file", |dir, _| {
        fs::create_dir(outgoing(dir).join("a.txt")).unwrap();
    }),
    attack("file-hard-link", "more than one name", |dir, outside| {
        // In a container the two would lie on two mounts.
        fs::hard_link(outside, outgoing(dir).join("a.txt")).unwrap();
    }),
    attack("file-huge", "bytes, at most", |dir, _| {
        File::create(outgoing(dir).join("a.txt")).unwrap().set_len(10 << 30).unwrap();
    }),
    attack("folder-link", "leads out of the folder", |dir, outside| {
        fs::create_dir_all(dir.outbox()).unwrap();
        symlink(outside.parent().unwrap(), dir.outbox().join("forged")).unwrap();
    }),
    attack("outbox-link", "leads out of the folder", |dir, outside| {
        fs::remove_dir_all(dir.outbox()).ok();
        symlink(outside.parent().unwrap(), dir.outbox()).unwrap();
    }),
    attack("folder-fifo", "not a file", |dir, _| {
        fs::create_dir_all(dir.outbox()).unwrap();
        mkfifo(&dir.outbox().join("forged"), Mode::S_IRWXU).unwrap();
    }),
];

/// What a guest leaves in place of its heartbeat, while it sleeps; nothing comes of it.
pub(crate) const HEARTBEATS: &[Attack] = &[
    attack("beat-link", "", |dir, outside| {
        beatless(dir);
        symlink(outside, dir.heartbeat()).unwrap();
    }),
    attack("beat-fifo", "", |dir, _| {
        beatless(dir);
        mkfifo(&dir.heartbeat(), Mode::S_IRWXU).unwrap();
    }),
    attack("beat-socket", "", |dir, _| {
        beatless(dir);
        socket(&dir.heartbeat());
    }),
    attack("beat-device", "", |dir, _| {
        beatless(dir);
        device(&dir.heartbeat());
    }),
    attack("beat-hard-link", "", |dir, outside| {
        beatless(dir);
        fs::hard_link(outside, dir.heartbeat()).unwrap();
    }),
];

/// What a guest leaves in place of its live file, while it works.
pub(crate) const LIVE: &[Attack] = &[
    attack("live-line", "", |dir, _| {
        File::create(live_file(dir)).unwrap().set_len(1 << 30).unwrap();
    }),
    attack("live-link", "", |dir, outside| {
        let file = live_file(dir);
        fs::remove_file(&file).ok();
        symlink(outside, file).unwrap();
    }),
    attack("live-folder", "", |dir, _| {
        let file = live_file(dir);
        fs::remove_file(&file).ok();
        fs::create_dir(file).unwrap();
    }),
];

/// The row that names the file of [`FILES`].
pub(crate) const FORGED_ROW: &str = "forged";

/// The database beside which nothing is trusted.
pub(crate) fn journal(dir: &SessionDir) -> PathBuf {
    dir.out_dir().join("outbound.db-journal")
}

/// Makes the host look, as a write of the guest does.
#[expect(clippy::disallowed_methods, reason = "a file's time, not one that anything decides by")]
pub(crate) fn touch(path: &Path) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::now()).unwrap();
}

/// Changes the database by somebody else's hands: beside it, then in its place.
pub(crate) fn tampered(dir: &SessionDir, work: impl FnOnce(&Connection)) {
    let forged = dir.out_dir().join("tampered");
    fs::copy(dir.outbound_db(), &forged).unwrap();
    let db = Connection::open_with_flags(&forged, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    db.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF").unwrap();
    work(&db);
    drop(db);
    fs::rename(forged, dir.outbound_db()).unwrap();
}

/// Puts other bytes in the database's place at once: no look finds half of them.
fn replaced(dir: &SessionDir, bytes: &[u8]) {
    let beside = dir.outbound_db().with_extension("other");
    fs::write(&beside, bytes).unwrap();
    fs::rename(&beside, dir.outbound_db()).unwrap();
}

/// Rows that the table's own rules forbid: written without the rules, which are put back then.
pub(crate) fn smuggled(dir: &SessionDir, rows: &str) {
    tampered(dir, |db| {
        let select = "SELECT sql FROM sqlite_schema WHERE name = 'messages_out'";
        let ours: String = db.query_row(select, [], |row| row.get(0)).unwrap();
        let mut lax = ours.clone();
        for rule in ["STRICT", "NOT NULL", "CHECK (seq % 2 = 1)", "INTEGER", "TEXT"] {
            lax = lax.replace(rule, "");
        }
        db.execute_batch(&format!(
            "ALTER TABLE messages_out RENAME TO kept; {lax}; \
             INSERT INTO messages_out SELECT * FROM kept; DROP TABLE kept; \
             INSERT INTO messages_out (id, seq, timestamp, kind, content) VALUES {rows}; \
             PRAGMA writable_schema = ON"
        ))
        .unwrap();
        let update = "UPDATE sqlite_schema SET sql = ?1 WHERE name = 'messages_out'";
        db.execute(update, [ours]).unwrap();
    });
}

fn outgoing(dir: &SessionDir) -> PathBuf {
    let folder = dir.outbox().join(FORGED_ROW);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The live file of the run at work.
fn live_file(dir: &SessionDir) -> PathBuf {
    fs::create_dir_all(dir.live_dir()).unwrap();
    let first = fs::read_dir(dir.live_dir()).unwrap().next();
    let made_up = || dir.live_dir().join("01h455vb4pex5vsknk084sn02q.ndjson");
    first.map_or_else(made_up, |entry| entry.unwrap().path())
}

fn beatless(dir: &SessionDir) {
    fs::remove_file(dir.heartbeat()).ok();
}

/// A socket that nobody listens on. Its path may be longer than one that is bound.
fn socket(path: &Path) {
    mknod(path, SFlag::S_IFSOCK, Mode::S_IRWXU, 0).unwrap();
}

/// A device, where the system lets one be made; nobody in a container can.
fn device(path: &Path) {
    if mknod(path, SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 3)).is_err() {
        socket(path);
    }
}
