//! Tables, views and triggers that are not the contract's.

use rusqlite::Connection;
use schemas::host_side::RefusedKind;

use crate::{common::session, raw, reasons, refused, tampered};

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
fn no_module_is_built_in_that_a_file_could_call_for_and_nobody_needs() {
    let conn = Connection::open_in_memory().unwrap();
    for module in ["fts3", "fts4", "fts5", "rtree", "geopoly", "dbstat"] {
        let said = conn.execute_batch(&format!("CREATE VIRTUAL TABLE t USING {module}(x, y, z)"));
        let said = said.unwrap_err().to_string();
        assert!(said.contains("no such module"), "{module}: {said}");
    }
}
