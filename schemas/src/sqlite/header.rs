//! What the first bytes of a session's database say, for whoever must not open it.
//!
//! Owns a judgement that changes nothing: no lock, no rollback, no `SQLite`. **Never for the host's
//! own process:** closing any descriptor of such a file drops every lock that the process has on
//! it. `lazaret doctor` is a process of its own.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// What stands at the beginning of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glance {
    /// There is no file, or nothing was committed to it yet.
    Absent,
    /// It is not a database, or not a regular file: what it is.
    Foreign(&'static str),
    /// A database.
    Database {
        /// The contract version in it.
        version: u32,
        /// A journal lies beside it that whoever opens it next rolls back.
        hot: bool,
    },
}

const HEADER: usize = 100;

/// Looks at a file of the host's own, in a folder that the guest cannot write.
///
/// # Errors
/// When it cannot be read.
pub fn glance(path: &Path) -> io::Result<Glance> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Glance::Absent),
        Err(error) => return Err(error),
    };
    if !found.is_file() {
        return Ok(Glance::Foreign("not a file"));
    }
    if found.len() == 0 {
        return Ok(Glance::Absent);
    }
    let mut header = [0; HEADER];
    if found.len() < HEADER as u64 {
        return Ok(Glance::Foreign("cut short"));
    }
    File::open(path)?.read_exact(&mut header)?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Ok(Glance::Foreign("not a database"));
    }
    let version = header.get(60..64).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    Ok(Glance::Database { version: u32::from_be_bytes(version), hot: is_hot(path)? })
}

/// `SQLite`'s own rule, but for the lock: a commit that goes on just now looks the same.
fn is_hot(path: &Path) -> io::Result<bool> {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    let journal = Path::new(&name);
    let regular = match fs::symlink_metadata(journal) {
        Ok(found) => found.is_file() && found.len() > 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if !regular {
        return Ok(false);
    }
    let mut first = [0];
    let got = match File::open(journal) {
        Ok(mut file) => file.read(&mut first)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(got == 1 && first != [0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], journal: &[u8], expected: &Glance) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inbound.db");
        fs::write(&path, bytes).unwrap();
        fs::write(dir.path().join("inbound.db-journal"), journal).unwrap();
        assert_eq!(glance(&path).unwrap(), *expected);
    }

    #[test]
    fn the_first_bytes_say_version_and_whether_something_waits_to_be_rolled_back() {
        let mut database = b"SQLite format 3\0".to_vec();
        database.resize(512, 0);
        database[60..64].copy_from_slice(&7_u32.to_be_bytes());
        check(&database, b"", &Glance::Database { version: 7, hot: false });
        check(&database, b"\0cold", &Glance::Database { version: 7, hot: false });
        check(&database, b"\xd9hot", &Glance::Database { version: 7, hot: true });
        check(b"", b"", &Glance::Absent);
        check(b"short", b"", &Glance::Foreign("cut short"));
        check(&[7; 200], b"", &Glance::Foreign("not a database"));
    }
}
