//! The files of a session as they lie on the disk: journals, names, versions, and every field.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use schemas::{
    guest_side::{DueQuery, InboundReader, OutboundWriter},
    host_side::{InboundWriter, OutboundReader, Reading},
    ids::{MessageId, SessionId},
    message::{Address, Kind, NewInbound},
    session_dir::SessionDir,
    sqlite::{StoreError, StoreErrorKind},
};

use crate::{
    common::{reply, session},
    dump::raw,
};

#[test]
fn a_guest_refuses_a_newer_inbound_with_its_name_and_both_versions() {
    let (_home, dir) = written();
    raw(&dir.inbound_db()).pragma_update(None, "user_version", 99).unwrap();
    let refused = due(&dir).unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Newer);
    let message = refused.to_string();
    assert!(message.contains("version 99") && message.contains("knows 1"), "{message}");
    assert!(message.contains("inbound.db"), "{message}");
}

#[test]
fn the_databases_are_made_at_the_first_write_and_kept_at_the_second() {
    let (_home, dir) = session();
    assert_eq!(due(&dir).unwrap(), 0);
    let host = InboundWriter::new(dir.clone());
    for (n, id) in (1..).zip(["a", "b"]) {
        host.write(|tx| tx.append(&hello(id))).unwrap();
        assert_eq!(due(&dir).unwrap(), n);
    }
}

#[test]
fn both_files_keep_a_delete_journal_and_leave_nothing_beside_them() {
    let (_home, dir) = written();
    let beside = |folder: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains(".db"))
            .collect()
    };
    InboundWriter::new(dir.clone())
        .write(|tx| {
            tx.append(&hello("again"))?;
            let names = beside(dir.in_dir());
            assert!(!names.iter().any(|name| name.ends_with("wal") || name.ends_with("shm")));
            Ok(())
        })
        .unwrap();
    assert_eq!(beside(dir.in_dir()), BTreeSet::from(["inbound.db".to_owned()]));
    assert_eq!(beside(dir.out_dir()), BTreeSet::from(["outbound.db".to_owned()]));
    for path in [dir.inbound_db(), dir.outbound_db()] {
        // Write and read version 1: a rollback journal.
        assert_eq!(fs::read(&path).unwrap().get(18..20), Some(&[1, 1][..]));
        let mode: String =
            raw(&path).query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
    }
}

#[test]
fn a_reader_sees_each_commit_of_the_other_side_at_once() {
    let (_home, dir) = session();
    let (host, guest) = (InboundWriter::new(dir.clone()), OutboundWriter::new(dir.clone()));
    let mut reader = OutboundReader::new(dir.clone());
    for n in 1..=50 {
        let id = format!("m{n}");
        host.write(|tx| tx.append(&hello(&id))).unwrap();
        assert_eq!(due(&dir).unwrap(), n);
        guest.write(|tx| tx.append(&reply(&id, "{}"), 0)).unwrap();
        let Reading::Copy(copy) = reader.read(false).unwrap() else { panic!("commit {n} unseen") };
        assert_eq!(copy.messages_above(0, 100).unwrap().len(), n);
    }
}

#[test]
fn the_host_cannot_open_outbound_for_writing_and_reading_leaves_no_trace() {
    let (_home, dir) = written();
    let before = (fs::read(dir.outbound_db()).unwrap(), listing(&dir.out_dir()));
    let mut reader = OutboundReader::new(dir.clone());
    assert!(matches!(reader.read(true), Ok(Reading::Copy(_))));
    assert_eq!((fs::read(dir.outbound_db()).unwrap(), listing(&dir.out_dir())), before);
}

#[test]
fn the_heartbeat_is_a_file_of_its_own_and_touches_no_database() {
    let (_home, dir) = written();
    let mut reader = OutboundReader::new(dir.clone());
    assert!(matches!(reader.read(false), Ok(Reading::Copy(_))));
    fs::write(dir.heartbeat(), "").unwrap();
    assert!(matches!(reader.read(false), Ok(Reading::Unchanged)));
}

#[test]
fn a_session_folder_has_the_contracts_names() {
    let (_home, dir) = written();
    assert_eq!(listing(dir.root()), ["home", "in", "log", "out", "work"]);
    assert_eq!(listing(&dir.in_dir()), ["inbound.db", "inbox"]);
    assert_eq!(listing(&dir.out_dir()), ["outbound.db"]);
    assert_eq!(dir.heartbeat(), dir.out_dir().join(".heartbeat"));
}

/// A session in which each side has written once.
fn written() -> (tempfile::TempDir, SessionDir) {
    let (home, dir) = session();
    InboundWriter::new(dir.clone()).write(|tx| tx.append(&hello("m"))).unwrap();
    OutboundWriter::new(dir.clone()).write(|tx| tx.append(&reply("r", "{}"), 2)).unwrap();
    (home, dir)
}

#[test]
fn an_inbound_row_keeps_every_field() {
    let (_home, dir) = session();
    let now = Timestamp::from_second(1_000).unwrap();
    let session = SessionId::mint(now);
    let row = NewInbound {
        process_after: Some(Timestamp::from_second(2_000).unwrap()),
        recurrence: Some("0 9 * * *".to_owned()),
        series_id: Some("series".to_owned()),
        trigger: false,
        address: Some(Address {
            channel_type: "terminal".to_owned(),
            platform_id: "andy".to_owned(),
            thread_id: Some("t1".to_owned()),
        }),
        source_session: Some(session.clone()),
        on_wake: true,
        sender_id: Some("terminal:owner".to_owned()),
        solo: true,
        client_id: Some("key".to_owned()),
        digest: Some("d".to_owned()),
        ..NewInbound::new(MessageId::parse("full").unwrap(), Kind::Task, now, "{}".to_owned())
    };
    InboundWriter::new(dir.clone()).write(|tx| tx.append(&row)).unwrap();
    let conn = rusqlite::Connection::open_with_flags(
        dir.inbound_db(),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    let stored: String = conn
        .query_row(
            "SELECT concat_ws('|', kind, timestamp, process_after, recurrence, series_id, trigger, \
             channel_type, platform_id, thread_id, content, source_session_id, on_wake, sender_id, \
             solo, client_id, digest) FROM messages_in WHERE id = 'full'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        stored,
        format!(
            "task|1970-01-01T00:16:40.000Z|1970-01-01T00:33:20.000Z|0 9 * * *|series|0|terminal|\
             andy|t1|{{}}|{session}|1|terminal:owner|1|key|d"
        )
    );
}

fn hello(id: &str) -> NewInbound {
    let id = MessageId::parse(id).unwrap();
    NewInbound::new(id, Kind::Chat, Timestamp::UNIX_EPOCH, "{}".to_owned())
}

fn due(dir: &SessionDir) -> Result<usize, StoreError> {
    let acked = std::collections::HashMap::new();
    let now = Timestamp::UNIX_EPOCH;
    let query = DueQuery { now, acked: &acked, limit: 1_000, on_wake_up_to: 0 };
    Ok(InboundReader::new(dir.clone()).due(&query)?.triggers.len())
}

fn listing(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
