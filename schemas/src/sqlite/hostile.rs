//! A hostile file's bytes as a database in memory.
//!
//! Owns everything that keeps such bytes from doing more than being read: defensive flags, limits,
//! and a deadline that ends any question. `SQLite` never sees a path here.

use std::{
    io::Read,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, config::DbConfig, limits::Limit};

use crate::limits::MAX_CONTENT_BYTES;

/// A database in memory whose bytes are a stranger's.
#[derive(Debug)]
pub(crate) struct HostileDb {
    conn: Connection,
    ends: Arc<Mutex<Instant>>,
    allowed: Duration,
}

impl HostileDb {
    /// Reads exactly `size` bytes. Flags and limits stand before the first byte is looked at.
    pub(crate) fn read(bytes: impl Read, size: usize, allowed: Duration) -> rusqlite::Result<Self> {
        let mut conn = Connection::open_in_memory()?;
        harden(&conn)?;
        let ends = Arc::new(Mutex::new(Instant::now() + allowed));
        let seen = Arc::clone(&ends);
        let late = move || Instant::now() >= *seen.lock().unwrap_or_else(PoisonError::into_inner);
        conn.progress_handler(STEPS_BETWEEN_LOOKS, Some(late))?;
        conn.deserialize_read_exact(c"main", bytes, size, false)?;
        // A memory database has no mmap, yet the setting says what is meant.
        conn.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;")?;
        Ok(Self { conn, ends, allowed })
    }

    /// The connection for one question; the deadline begins anew.
    pub(crate) fn ask(&self) -> &Connection {
        self.restart();
        &self.conn
    }

    /// As [`ask`](Self::ask), to bring an older file's copy up to date.
    pub(crate) fn ask_mut(&mut self) -> &mut Connection {
        self.restart();
        &mut self.conn
    }

    fn restart(&self) {
        let ends = Instant::now() + self.allowed;
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }
}

const STEPS_BETWEEN_LOOKS: i32 = 1_000;

fn harden(conn: &Connection) -> rusqlite::Result<()> {
    for (flag, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    ] {
        conn.set_db_config(flag, on)?;
    }
    // Twice the longest content, since a row may be put together once more while it is read.
    let length = i32::try_from(2 * MAX_CONTENT_BYTES).unwrap_or(i32::MAX);
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, length),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 20),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 3),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 10),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        // The contract has some twenty objects; a schema of 400,000 is not even parsed.
        (Limit::SQLITE_LIMIT_SCHEMA, 200),
    ] {
        conn.set_limit(limit, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> HostileDb {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (x)").unwrap();
        let bytes = conn.serialize("main").unwrap().to_vec();
        HostileDb::read(&bytes[..], bytes.len(), Duration::from_millis(20)).unwrap()
    }

    #[test]
    fn a_question_that_never_ends_is_ended_at_the_deadline_and_the_next_one_begins_anew() {
        let db = database();
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n";
        for _ in 0..2 {
            let error = db.ask().query_row(endless, [], |_| Ok(())).unwrap_err();
            let code = error.sqlite_error_code();
            assert_eq!(code, Some(rusqlite::ErrorCode::OperationInterrupted));
        }
        db.ask().query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
    }

    #[test]
    fn nothing_can_be_attached_and_nothing_be_made_too_long() {
        let db = database();
        assert!(db.ask().execute_batch("ATTACH ':memory:' AS other").is_err());
        let long = db.ask().query_row("SELECT hex(zeroblob(2000000))", [], |_| Ok(()));
        assert_eq!(long.unwrap_err().sqlite_error_code(), Some(rusqlite::ErrorCode::TooBig));
    }
}
