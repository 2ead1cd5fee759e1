//! What a hostile guest may put into `out/`, and that the host only ever says no to it.
//!
//! Every look runs on a thread of its own, so that one that never returns fails its test instead
//! of stopping the suite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics is a test that fails")]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod fuzz;
mod rows;
mod schema;

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use common::reply;
use rusqlite::{Connection, OpenFlags};
use schemas::{
    guest_side::OutboundWriter,
    host_side::{OutboundCopy, OutboundReader, Reading, Refused, RefusedKind},
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

/// A session on the same file system, so that a hard link to its file is possible.
fn session_beside(dir: &SessionDir) -> SessionDir {
    let other = SessionDir::at(dir.root().with_file_name("other"));
    schemas::host_side::ensure(&other).unwrap();
    other
}

fn journal(dir: &SessionDir) -> PathBuf {
    dir.out_dir().join("outbound.db-journal")
}
