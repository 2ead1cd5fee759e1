//! Whether a copy has the contract's tables, and nothing else.
//!
//! Owns the comparison: the SQL of every object must be that of a fresh database with the same
//! contract version. Anything more is refused as well, views and triggers and plain tables alike:
//! the contract makes none, and a strict answer needs no list of what might be harmless. Only
//! the tables that `SQLite` makes for itself (`sqlite_stat1`, …) may be there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;

use crate::{
    refused::{Refused, RefusedKind},
    sqlite::{self, StoreError, StoreErrorKind, hostile::HostileDb, migrate},
};

/// Type and name of an object, with its normalised SQL (none for an automatic index).
type Objects = BTreeMap<(String, String), Option<String>>;

/// Migrations in order.
pub(super) type Steps = &'static [&'static str];

/// Checks the copy against its own version, then brings it to the newest.
pub(super) fn check(db: &mut HostileDb, migrations: Steps) -> Result<(), Refused> {
    let found = sqlite::user_version(db.ask()).map_err(refuse_store)?;
    let Some(steps) = migrations.get(..found) else {
        let message = format!(
            "the database has contract version {found}, this program knows {}",
            migrations.len()
        );
        return Err(Refused::new(RefusedKind::Newer, message));
    };
    let ours = expected(steps).map_err(refuse_store)?;
    let theirs = objects(db.ask()).map_err(refuse)?;
    compare(&ours, &theirs)?;
    migrate(db.ask_mut(), migrations).map_err(refuse_store)
}

/// What `SQLite` says of a hostile file, as a reason.
pub(super) fn refuse(error: rusqlite::Error) -> Refused {
    use rusqlite::ErrorCode as Code;
    let code = error.sqlite_error_code();
    let is = |codes: &[Code]| code.is_some_and(|code| codes.contains(&code));
    let (kind, message) = if is(&[Code::OperationInterrupted]) {
        (RefusedKind::Hostile, "the database took longer to read than is allowed")
    } else if is(&[Code::TooBig, Code::OutOfMemory]) {
        (RefusedKind::Hostile, "the database holds more than is allowed")
    } else if is(&[Code::DatabaseCorrupt, Code::NotADatabase]) {
        (RefusedKind::NotADatabase, "the database is damaged")
    } else if is(&[Code::SystemIoFailure, Code::CannotOpen]) {
        (RefusedKind::Io, "the database cannot be read")
    } else {
        (RefusedKind::ForeignSchema, "the database is not the contract's")
    };
    Refused::because(kind, message, error)
}

fn refuse_store(error: StoreError) -> Refused {
    match error.source {
        Some(source) => refuse(source),
        None if error.kind == StoreErrorKind::Newer => {
            Refused::new(RefusedKind::Newer, error.message)
        }
        None => Refused::new(RefusedKind::ForeignSchema, error.message),
    }
}

/// What a fresh database of this version has. Made once for the process: every read asks.
fn expected(steps: Steps) -> Result<Arc<Objects>, StoreError> {
    static KNOWN: Mutex<Vec<(Steps, Arc<Objects>)>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, objects)) = known.iter().find(|(made_by, _)| *made_by == steps) {
        return Ok(Arc::clone(objects));
    }
    let mut conn = Connection::open_in_memory()?;
    migrate(&mut conn, steps)?;
    let made = Arc::new(objects(&conn)?);
    known.push((steps, Arc::clone(&made)));
    Ok(made)
}

fn objects(conn: &Connection) -> rusqlite::Result<Objects> {
    let mut select = conn.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE NOT (type = 'table' \
         AND (name LIKE 'sqlite_stat%' OR name = 'sqlite_sequence'))",
    )?;
    let rows = select.query_map([], |row| {
        let sql: Option<String> = row.get(2)?;
        Ok(((row.get(0)?, row.get(1)?), sql.as_deref().map(normalised)))
    })?;
    rows.collect()
}

/// One space for each run of them: a migration file may be laid out anew.
fn normalised(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn compare(ours: &Objects, theirs: &Objects) -> Result<(), Refused> {
    let foreign = |what: String| Err(Refused::new(RefusedKind::ForeignSchema, what));
    for ((kind, name), sql) in theirs {
        match ours.get(&(kind.clone(), name.clone())) {
            // The guest chose the name, and may have chosen a long one.
            None => {
                let name: String = name.chars().take(64).collect();
                return foreign(format!("the database has a {kind} {name:?} of its own"));
            }
            Some(known) if known != sql => {
                return foreign(format!("its {kind} {name:?} is not the contract's"));
            }
            Some(_) => {}
        }
    }
    let missing = ours.keys().find(|key| !theirs.contains_key(*key));
    missing.map_or(Ok(()), |(kind, name)| foreign(format!("it has no {kind} {name:?}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OLDER: Steps = &["CREATE TABLE t (a TEXT) STRICT"];
    const NEWER: Steps = &["CREATE TABLE t (a TEXT) STRICT", "ALTER TABLE t ADD COLUMN b TEXT"];

    fn copy_of(sql: &str, version: i64) -> HostileDb {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(sql).unwrap();
        conn.pragma_update(None, "user_version", version).unwrap();
        let bytes = conn.serialize("main").unwrap().to_vec();
        HostileDb::read(&bytes[..], bytes.len(), Duration::from_secs(5)).unwrap()
    }

    #[test]
    fn a_copy_of_an_older_version_is_read_as_the_newest() {
        let mut db = copy_of("CREATE TABLE t (a TEXT) STRICT; INSERT INTO t VALUES ('x')", 1);
        check(&mut db, NEWER).unwrap();
        let row: (String, Option<String>) = db
            .ask()
            .query_row("SELECT a, b FROM t", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(row, ("x".to_owned(), None));
    }

    #[test]
    fn an_older_program_refuses_a_newer_copy_and_a_false_version() {
        let newer = "CREATE TABLE t (a TEXT, b TEXT) STRICT";
        assert_eq!(check(&mut copy_of(newer, 2), OLDER).unwrap_err().kind, RefusedKind::Newer);
        let kind = |version| check(&mut copy_of(newer, version), OLDER).unwrap_err().kind;
        assert_eq!(kind(1), RefusedKind::ForeignSchema);
        assert_eq!(kind(0), RefusedKind::ForeignSchema);
        assert_eq!(kind(-1), RefusedKind::ForeignSchema);
    }

    #[test]
    fn the_layout_of_the_sql_does_not_matter() {
        let mut db = copy_of("CREATE TABLE t\n  (a\tTEXT)\nSTRICT", 1);
        check(&mut db, OLDER).unwrap();
    }
}
