//! Copies of whole databases, and the question whether one is in order.
//!
//! Owns that a copy is of one moment and on the disk before it is called one: it is made by
//! `VACUUM INTO` under a read transaction, then synced. The file that is copied may be in use by
//! others, in this process too.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, open, user_version, wait_long};

/// What a whole reading keeps in memory.
const CACHE_KIB: i32 = 256;

/// Copies a database to a place where nothing is yet.
///
/// # Errors
/// When it cannot be read, when it is damaged, or when the copy cannot be written.
pub fn copy_into(from: &Path, to: &Path) -> Result<(), StoreError> {
    let made = attempt(from, to).map_err(|error| error.about(from));
    if made.is_err() {
        // What is half a copy is none; it may not even be there.
        let _gone = std::fs::remove_file(to).is_err();
    }
    made
}

fn attempt(from: &Path, to: &Path) -> Result<(), StoreError> {
    let conn = reader(from)?;
    conn.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    drop(conn);
    let sync = || {
        File::open(to)?.sync_all()?;
        to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    sync().map_err(|error| StoreError::invalid(format!("cannot sync {}: {error}", to.display())))
}

/// What is wrong with a database, in `SQLite`'s words, at most `limit` of them; nothing when it
/// is in order.
///
/// # Errors
/// When it cannot be opened, or is no database at all.
pub fn quick_check(path: &Path, limit: u32) -> Result<Vec<String>, StoreError> {
    let said = || -> Result<Vec<String>, StoreError> {
        let conn = reader(path)?;
        let mut ask = conn.prepare(&format!("PRAGMA quick_check({limit})"))?;
        let rows = ask.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let mut said = said().map_err(|error| error.about(path))?;
    said.retain(|line| line != "ok");
    Ok(said)
}

/// The version of a database; 0 is one that nobody migrated yet.
///
/// # Errors
/// When it cannot be opened, or is no database at all.
pub fn version_of(path: &Path) -> Result<usize, StoreError> {
    reader(path).and_then(|conn| user_version(&conn)).map_err(|error| error.about(path))
}

/// Gives free pages back when they are more than half of the file.
///
/// # Errors
/// When it cannot be written.
pub fn vacuum_if_sparse(conn: &Connection) -> Result<(), StoreError> {
    super::vacuum_if_sparse(conn)
}

/// The file of an open database.
#[must_use]
pub fn path_of(conn: &Connection) -> PathBuf {
    conn.path().unwrap_or_default().into()
}

/// A hot journal is rolled back by whoever reads first, so even who only reads must be able to
/// write.
fn reader(path: &Path) -> Result<Connection, StoreError> {
    let mut conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_handler(Some(wait_long))?;
    // Every page is looked at once, so what is kept of them only fills the memory.
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(conn)
}
