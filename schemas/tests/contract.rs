//! The contract as files: what is stored and what travels changes only where a test is changed
//! with it.
//!
//! `session/latest.sql` is what all migrations make of the sample rows of every version, and
//! `wire/*.json` are the JSON Schemas of what travels. A test that finds another text writes it
//! beside the build's other files, and says how to take it over.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use common::{reply, session};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, types::Value};
use schemars::{JsonSchema, Schema, schema_for};
use schemas::{
    content::{ChatIn, ChatOut, SystemIn},
    guest_side::{DueQuery, InboundReader, OutboundWriter},
    host_side::{InboundWriter, OutboundReader, Reading},
    ids::{MessageId, SessionId},
    message::{Address, Kind, NewInbound},
    session_dir::SessionDir,
    session_file::SessionFile,
    sqlite::{StoreError, StoreErrorKind},
};

/// For each version of a file: the migration to it, and rows as an install of it may hold.
type Versions = &'static [(&'static str, &'static str)];

const INBOUND: Versions =
    &[(include_str!("../session/inbound.sql"), include_str!("../session/samples/inbound-1.sql"))];

const OUTBOUND: Versions =
    &[(include_str!("../session/outbound.sql"), include_str!("../session/samples/outbound-1.sql"))];

/// Everything that travels as JSON. A new type is one line here.
fn wire() -> Vec<(&'static str, Schema)> {
    vec![
        ("chat_in", schema::<ChatIn>()),
        ("chat_out", schema::<ChatOut>()),
        ("system_in", schema::<SystemIn>()),
        ("session_file", schema::<SessionFile>()),
    ]
}

fn schema<T: JsonSchema>() -> Schema {
    schema_for!(T)
}

#[test]
fn all_migrations_over_the_sample_rows_give_the_latest_dump() {
    let dump: String = [("inbound.db", INBOUND), ("outbound.db", OUTBOUND)]
        .into_iter()
        .map(|(name, versions)| {
            let conn = Connection::open_in_memory().unwrap();
            for (migration, samples) in versions {
                conn.execute_batch(migration).unwrap();
                conn.execute_batch(samples).unwrap();
            }
            format!("-- {name}, version {}\n\n{}", versions.len(), dump(&conn))
        })
        .collect();
    assert_eq!(difference("session/latest.sql", &dump), None);
}

#[test]
fn every_migration_of_the_contract_has_sample_rows_here() {
    let (_home, dir) = written();
    for (path, versions) in [(dir.inbound_db(), INBOUND), (dir.outbound_db(), OUTBOUND)] {
        let made = raw(&path);
        let version: u32 = made.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(version), Ok(versions.len()));
        let fresh = Connection::open_in_memory().unwrap();
        for (migration, _) in versions {
            fresh.execute_batch(migration).unwrap();
        }
        assert_eq!(tables(&made), tables(&fresh));
    }
}

#[test]
fn every_table_has_a_sample_row() {
    for versions in [INBOUND, OUTBOUND] {
        let conn = Connection::open_in_memory().unwrap();
        for (migration, samples) in versions {
            conn.execute_batch(migration).unwrap();
            conn.execute_batch(samples).unwrap();
        }
        for (name, _) in tables(&conn) {
            let rows: i64 = conn
                .query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0))
                .unwrap();
            assert!(rows > 0, "{name} has none");
        }
    }
}

#[test]
fn the_json_schemas_of_what_travels_are_unchanged() {
    let changed: Vec<String> = wire()
        .into_iter()
        .filter_map(|(name, schema)| {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            difference(&format!("wire/{name}.json"), &text)
        })
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
    let known: BTreeSet<String> =
        wire().into_iter().map(|(name, _)| format!("{name}.json")).collect();
    let entries = fs::read_dir(in_crate("wire")).unwrap();
    let found: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, known);
}

#[test]
fn a_file_of_a_newer_contract_is_refused_with_both_versions() {
    let (_home, dir) = written();
    for path in [dir.inbound_db(), dir.outbound_db()] {
        raw(&path).pragma_update(None, "user_version", 99).unwrap();
    }
    for refused in [
        InboundWriter::new(dir.clone()).write(|_| Ok(())).unwrap_err(),
        OutboundWriter::new(dir.clone()).write(|_| Ok(())).unwrap_err(),
        due(&dir).unwrap_err(),
    ] {
        assert_eq!(refused.kind, StoreErrorKind::Newer);
        let message = refused.to_string();
        assert!(message.contains("version 99") && message.contains("knows 1"), "{message}");
    }
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
    let conn = Connection::open_with_flags(
        dir.inbound_db(),
        OpenFlags::SQLITE_OPEN_READ_ONLY,
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

fn raw(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::default()).unwrap()
}

/// Name and SQL of every table.
fn tables(conn: &Connection) -> Vec<(String, String)> {
    let mut select = conn
        .prepare(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
        )
        .unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Every object's SQL, and every row, as text.
fn dump(conn: &Connection) -> String {
    let mut text = String::new();
    let mut select =
        conn.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
    let statements = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for sql in statements.map(Result::unwrap).filter(|sql| !sql.contains("TABLE sqlite_")) {
        text.push_str(&sql);
        text.push_str(";\n\n");
    }
    for (name, _) in tables(conn) {
        text.push_str(&rows(conn, &name));
    }
    text + "\n"
}

fn rows(conn: &Connection, table: &str) -> String {
    let mut select = conn.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
    let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
    let line = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
        let values: rusqlite::Result<Vec<String>> =
            (0..columns.len()).map(|column| row.get(column).map(literal)).collect();
        Ok(format!("INSERT INTO {table} VALUES ({});\n", values?.join(", ")))
    };
    select.query_map([], line).unwrap().map(Result::unwrap).collect()
}

fn literal(value: Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => {
            format!("x'{}'", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
        }
    }
}

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a file of this crate; where they differ, says where and how to take it over.
fn difference(path: &str, text: &str) -> Option<String> {
    let known = fs::read_to_string(in_crate(path)).unwrap_or_default();
    if known == text {
        return None;
    }
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join(path.replace('/', "-"));
    fs::write(&fresh, text).unwrap();
    let line = known.lines().zip(text.lines()).position(|(old, new)| old != new);
    let line = line.unwrap_or_else(|| known.lines().count().min(text.lines().count()));
    Some(format!(
        "{path} differs from line {} on.\n  was: {}\n  now: {}\nIf that is meant: cp {} {}",
        line + 1,
        known.lines().nth(line).unwrap_or("(nothing)"),
        text.lines().nth(line).unwrap_or("(nothing)"),
        fresh.display(),
        in_crate(path).display(),
    ))
}
