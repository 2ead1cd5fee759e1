//! How `SQLite` files are opened, and what can go wrong with them.
//!
//! Owns every flag and pragma, the busy handlers and the migration by `user_version`. Nothing
//! else in the workspace opens a database. A session file is opened for one operation and closed:
//! closing is what makes a reader across a mount look again.

pub(crate) mod hostile;

pub mod copying;
pub mod header;

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// The oldest `SQLite` whose handling of hostile files was tried; older is refused at start.
pub const OLDEST_SQLITE: i32 = 3_054_001;

/// What went wrong with a database, as far as the caller acts differently on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Somebody holds a lock longer than the busy handler waits.
    Busy,
    /// The disk, or the size given to the file, is full.
    Full,
    /// The file or its disk cannot be written.
    ReadOnly,
    /// A hot journal that a reader may not roll back: again later, never fail.
    RollbackPending,
    /// Not a database, or a damaged one.
    Corrupt,
    /// Written by a newer contract than this program knows.
    Newer,
    /// The file is not there.
    Missing,
    /// A value that the contract does not allow.
    Invalid,
    /// Everything else: the cause says what.
    Other,
}

/// A failed operation on a database.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What follows from it.
    pub kind: StoreErrorKind,
    /// One lower-case fragment without the cause.
    pub message: String,
    /// `SQLite`'s own word.
    #[source]
    pub source: Option<rusqlite::Error>,
}

impl StoreError {
    /// A value that the contract does not allow.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: StoreErrorKind::Invalid, message: message.into(), source: None }
    }

    /// Says what was attempted, keeping kind and cause.
    #[must_use]
    pub fn doing(mut self, what: &str) -> Self {
        self.message = format!("cannot {what}: {}", self.message);
        self
    }

    /// What `SQLite` said, with its number, in one fragment: its own texts repeat each other.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        if let rusqlite::Error::SqliteFailure(code, Some(said)) = source {
            return Some(format!("{said} (SQLite {})", code.extended_code));
        }
        Some(source.to_string())
    }

    /// Names the file, once: whoever reads of a full or damaged one must know which.
    pub(crate) fn about(self, path: &Path) -> Self {
        let file = path.display().to_string();
        if self.message.contains(&file) { self } else { self.doing(&format!("use {file}")) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        let kind = kind_of(&source);
        Self { kind, message: phrase(kind).to_owned(), source: Some(source) }
    }
}

/// Refuses a library that is older than the one whose behaviour was tried.
///
/// # Errors
/// When the linked `SQLite` is older than [`OLDEST_SQLITE`].
pub fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError {
            kind: StoreErrorKind::Other,
            message: format!("SQLite {} is older than 3.54.1", rusqlite::version()),
            source: None,
        });
    }
    Ok(())
}

/// The central database: WAL and FULL, one long-lived connection of the host.
///
/// # Errors
/// When the file cannot be opened, or a migration fails.
pub fn open_central(path: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    connect_central(path, migrations).map_err(|error| error.about(path))
}

fn connect_central(path: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    let mut conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    conn.busy_handler(Some(wait_long))?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut conn, migrations)?;
    // Room for every statement there is: past the library's sixteen each would be parsed anew.
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// A session file for its one writer: DELETE journal, EXTRA, created and migrated on demand.
pub(crate) fn open_session_writer(
    path: &Path,
    migrations: &[&str],
    busy: Patience,
) -> Result<Connection, StoreError> {
    let mut conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    conn.busy_handler(Some(match busy {
        Patience::Long => wait_long,
        Patience::Short => wait_short,
    }))?;
    // One round trip for all: each pragma is a statement of its own otherwise.
    conn.execute_batch("PRAGMA synchronous = EXTRA; PRAGMA mmap_size = 0;")?;
    migrate(&mut conn, migrations)?;
    Ok(conn)
}

/// The guest's view of a file that it cannot write.
pub(crate) fn open_session_reader(path: &Path, known: usize) -> Result<Connection, StoreError> {
    let mut conn = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_handler(Some(wait_long))?;
    // One transaction for all that is read until the file is closed: every answer is of the same
    // moment, and the lock is taken once.
    conn.execute_batch("BEGIN")?;
    let found = user_version(&conn)?;
    refuse_newer(found, known)?;
    Ok(conn)
}

/// How long an operation waits for another's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// About five seconds: the other side is slow, not hostile.
    Long,
    /// About a quarter second: past it the host takes the file's other user down.
    Short,
}

/// Brings a database from its `user_version` to the newest, one transaction per step.
///
/// # Errors
/// When the file is newer than the known steps, or a step fails.
pub(crate) fn migrate(conn: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    let found = user_version(conn)?;
    refuse_newer(found, steps.len())?;
    for (version, step) in (1_i64..).zip(steps).skip(found) {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if raw_version(&tx)? < version {
            tx.execute_batch(step)?;
            tx.pragma_update(None, "user_version", version)?;
        }
        tx.commit()?;
    }
    Ok(())
}

/// Gives free pages back when they are more than half of the file.
pub(crate) fn vacuum_if_sparse(conn: &Connection) -> Result<(), StoreError> {
    let pages: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let free: i64 = conn.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
    if free * 2 > pages {
        // What remains is small, and a container may have no folder for temporary files.
        conn.execute_batch("PRAGMA temp_store = MEMORY; VACUUM;")?;
    }
    Ok(())
}

/// Writes and takes it back; see the guest's reader. Beginning alone proves nothing: on a file
/// that cannot be written `SQLite` begins a read instead.
pub(crate) fn try_write(path: &Path) -> Result<(), StoreError> {
    let mut conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_handler(Some(wait_short))?;
    Ok(conn.execute_batch("BEGIN IMMEDIATE; CREATE TABLE written_by_the_guest (x); ROLLBACK;")?)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(path, flags)
        .map_err(|e| StoreError::from(e).doing(&format!("open {}", path.display())))
}

pub(crate) fn user_version(conn: &Connection) -> Result<usize, StoreError> {
    usize::try_from(raw_version(conn)?).map_err(|_| StoreError::invalid("negative user_version"))
}

fn raw_version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn refuse_newer(found: usize, known: usize) -> Result<(), StoreError> {
    if found <= known {
        return Ok(());
    }
    Err(StoreError {
        kind: StoreErrorKind::Newer,
        message: format!("the file has contract version {found}, this program knows {known}"),
        source: None,
    })
}

// The host has about two hundred statements for its one central connection, a few KiB each.
const STATEMENTS: usize = 256;

// SQLite's own ladder of pauses starves a reader beside a busy writer; even steps do not.
const BUSY_STEP: Duration = Duration::from_micros(100);
const LONG_STEPS: i32 = 32_000;
const SHORT_STEPS: i32 = 1_600;

fn wait_long(so_far: i32) -> bool {
    wait(so_far, LONG_STEPS)
}

fn wait_short(so_far: i32) -> bool {
    wait(so_far, SHORT_STEPS)
}

fn wait(so_far: i32, limit: i32) -> bool {
    if so_far < limit {
        thread::sleep(BUSY_STEP);
    }
    so_far < limit
}

fn kind_of(error: &rusqlite::Error) -> StoreErrorKind {
    let Some(code) = error.sqlite_error() else { return StoreErrorKind::Other };
    // SQLITE_READONLY_ROLLBACK, _RECOVERY and _CANTLOCK: a journal waits for its writer.
    if matches!(code.extended_code, 776 | 264 | 520) {
        return StoreErrorKind::RollbackPending;
    }
    let kinds = [
        (ErrorCode::DatabaseBusy, StoreErrorKind::Busy),
        (ErrorCode::DatabaseLocked, StoreErrorKind::Busy),
        (ErrorCode::DiskFull, StoreErrorKind::Full),
        (ErrorCode::ReadOnly, StoreErrorKind::ReadOnly),
        (ErrorCode::PermissionDenied, StoreErrorKind::ReadOnly),
        (ErrorCode::DatabaseCorrupt, StoreErrorKind::Corrupt),
        (ErrorCode::NotADatabase, StoreErrorKind::Corrupt),
        (ErrorCode::CannotOpen, StoreErrorKind::Missing),
    ];
    kinds
        .into_iter()
        .find(|(sqlite, _)| *sqlite == code.code)
        .map_or(StoreErrorKind::Other, |(_, ours)| ours)
}

fn phrase(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Busy => "the database is locked by another process",
        StoreErrorKind::Full => "the disk is full",
        StoreErrorKind::ReadOnly => "the database cannot be written",
        StoreErrorKind::RollbackPending => "the database waits for its writer to roll back",
        StoreErrorKind::Corrupt => "the database is damaged",
        StoreErrorKind::Newer => "the database is newer than this program",
        StoreErrorKind::Missing => "the database cannot be opened",
        StoreErrorKind::Invalid => "a value is not allowed",
        StoreErrorKind::Other => "the database refused",
    }
}
