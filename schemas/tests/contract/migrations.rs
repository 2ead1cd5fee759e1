//! Every migration of every database, over sample rows of every version.
//!
//! A migration is never edited once it was released: it is followed by another one, with samples of
//! its own. `latest.sql` is what all of them make of all samples.

use std::path::Path;

use rusqlite::Connection;
use schemas::{
    central::MIGRATIONS,
    guest_side::OutboundWriter,
    host_side::InboundWriter,
    session_dir::SessionDir,
    sqlite::{StoreError, StoreErrorKind, open_central},
};

use crate::{
    common::session,
    compare::difference,
    dump::{dump, raw, tables},
};

/// For each version of a file: the migration to it, and rows as an install of it may hold.
type Versions = &'static [(&'static str, &'static str)];

const INBOUND: Versions = &[(
    include_str!("../../session/inbound.sql"),
    include_str!("../../session/samples/inbound-1.sql"),
)];

const OUTBOUND: Versions = &[(
    include_str!("../../session/outbound.sql"),
    include_str!("../../session/samples/outbound-1.sql"),
)];

const CENTRAL: Versions = &[
    (include_str!("../../central/0001_spine.sql"), include_str!("../../central/samples/0001.sql")),
    (include_str!("../../central/0002_people.sql"), include_str!("../../central/samples/0002.sql")),
    (
        include_str!("../../central/0003_by_itself.sql"),
        include_str!("../../central/samples/0003.sql"),
    ),
    (include_str!("../../central/0004_chains.sql"), include_str!("../../central/samples/0004.sql")),
];

/// One database of the contract: its versions, and how the program that owns it opens it.
struct Database {
    name: &'static str,
    versions: Versions,
    open: fn(&SessionDir) -> Result<(), StoreError>,
    latest: &'static str,
}

const DATABASES: &[Database] = &[
    Database {
        name: "inbound.db",
        versions: INBOUND,
        open: |dir| InboundWriter::new(dir.clone()).write(|_| Ok(())),
        latest: "session/latest.sql",
    },
    Database {
        name: "outbound.db",
        versions: OUTBOUND,
        open: |dir| OutboundWriter::new(dir.clone()).write(|_| Ok(())),
        latest: "session/latest.sql",
    },
    Database {
        name: "central.db",
        versions: CENTRAL,
        open: |dir| open_central(&dir.root().join("central.db"), MIGRATIONS).map(drop),
        latest: "central/latest.sql",
    },
];

impl Database {
    fn path(&self, dir: &SessionDir) -> std::path::PathBuf {
        match self.name {
            "inbound.db" => dir.inbound_db(),
            "outbound.db" => dir.outbound_db(),
            other => dir.root().join(other),
        }
    }

    /// An install of a version, with all that versions up to it may have left.
    fn installed(&self, conn: &Connection, version: usize) {
        for (migration, samples) in self.versions.iter().take(version) {
            conn.execute_batch(migration).unwrap();
            conn.execute_batch(samples).unwrap();
        }
        conn.pragma_update(None, "user_version", u32::try_from(version).unwrap()).unwrap();
    }

    fn version_of(path: &Path) -> usize {
        let version: u32 =
            raw(path).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        usize::try_from(version).unwrap()
    }
}

#[test]
fn all_migrations_over_the_sample_rows_give_the_latest_dump() {
    for latest in ["session/latest.sql", "central/latest.sql"] {
        let dump: String = DATABASES
            .iter()
            .filter(|database| database.latest == latest)
            .map(|database| {
                let conn = Connection::open_in_memory().unwrap();
                database.installed(&conn, database.versions.len());
                format!(
                    "-- {}, version {}\n\n{}",
                    database.name,
                    database.versions.len(),
                    dump(&conn)
                )
            })
            .collect();
        assert_eq!(difference(latest, &dump), None);
    }
}

#[test]
fn every_migration_of_the_contract_has_sample_rows_here() {
    let (_home, dir) = session();
    for database in DATABASES {
        (database.open)(&dir).unwrap();
        let path = database.path(&dir);
        assert_eq!(Database::version_of(&path), database.versions.len(), "{}", database.name);
        let fresh = Connection::open_in_memory().unwrap();
        for (migration, _) in database.versions {
            fresh.execute_batch(migration).unwrap();
        }
        assert_eq!(tables(&raw(&path)), tables(&fresh), "{}", database.name);
    }
}

#[test]
fn every_table_has_a_sample_row() {
    for database in DATABASES {
        let conn = Connection::open_in_memory().unwrap();
        database.installed(&conn, database.versions.len());
        for (name, _) in tables(&conn) {
            assert!(count(&conn, &name) > 0, "{name} has none");
        }
    }
}

#[test]
fn an_install_of_any_version_is_brought_to_the_newest_with_its_rows() {
    for database in DATABASES {
        for version in 1..=database.versions.len() {
            let (_home, dir) = session();
            let path = database.path(&dir);
            database.installed(&raw(&path), version);
            let kept = |conn: &Connection| -> i64 {
                tables(conn).iter().map(|(name, _)| count(conn, name)).sum()
            };
            let before = kept(&raw(&path));
            (database.open)(&dir).unwrap();
            assert_eq!(Database::version_of(&path), database.versions.len(), "{}", database.name);
            assert_eq!(kept(&raw(&path)), before, "{} of version {version}", database.name);
        }
    }
}

#[test]
fn a_newer_file_is_refused_with_its_name_and_both_versions() {
    for database in DATABASES {
        let (_home, dir) = session();
        (database.open)(&dir).unwrap();
        let path = database.path(&dir);
        raw(&path).pragma_update(None, "user_version", 99).unwrap();
        let refused = (database.open)(&dir).unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Newer);
        let (message, newest) = (refused.to_string(), database.versions.len());
        let named = format!("{}", path.display());
        assert!(message.contains(&named), "{message}");
        assert!(message.contains("version 99"), "{message}");
        assert!(message.contains(&format!("knows {newest}")), "{message}");
    }
}

fn count(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}
