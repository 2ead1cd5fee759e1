//! What is said about copies, checks, backups and what is thrown away.

use std::path::Path;

use crate::{
    admin::print::size,
    error::{ErrorKind, HostError},
};

/// A central database that is not in order, with what `SQLite` says of it.
#[must_use]
pub fn central_damaged(path: &Path, wrong: &[String]) -> HostError {
    let said = if wrong.is_empty() { "it is empty".to_owned() } else { wrong.join("; ") };
    HostError::new(ErrorKind::Storage, format!("{} is damaged: {said}", path.display()))
        .hint(CENTRAL_HINT)
}

/// A central database that cannot be opened: one that is damaged may have a good copy.
#[must_use]
pub fn central_refused(error: HostError) -> HostError {
    if error.chain().contains("damaged") { error.hint(CENTRAL_HINT) } else { error }
}

/// What to do about a central database that cannot be used.
pub const CENTRAL_HINT: &str =
    "lazaret doctor names the last good copy; a backup is put back by lazaret restore";

/// A file of a newer program.
#[must_use]
pub fn newer(path: &Path, version: usize, known: usize) -> HostError {
    let what = format!("{} has version {version}, this program knows {known}", path.display());
    HostError::new(ErrorKind::Storage, what).hint("use the newer lazaret that wrote it")
}

/// Nothing is changed without a way back.
pub const NO_COPY_NO_MIGRATION: &str =
    "the central database must be migrated, and no copy of it can be made before";

/// Where space is needed.
#[must_use]
pub fn free_some(home: &Path) -> String {
    format!("free some space below {}", home.display())
}

/// A disk with little space.
#[must_use]
pub fn low_disk(free: u64) -> String {
    format!("{} are free; {}", size(free), super::doctor::DISK_FULL)
}

/// Which copies there are.
pub const LIST_COPIES: &str = "they lie in copies/ in the home; lazaret doctor names the last good";

/// What a damaged central database means.
pub const CENTRAL_LOST: &str =
    "no host starts on it; conversations lie in files of their own and are not touched by this";

/// When nothing can take its place.
pub const NO_GOOD_COPY: &str =
    "no copy of it is in order; put a backup back: lazaret restore <archive> --home <new folder>";

/// A copy is in place.
#[must_use]
pub fn replaced(aside: &Path, sessions: usize) -> String {
    format!(
        "the copy is in place; what stood there lies in {}\n{sessions} sessions are looked at by \
         the next host: lazaret up",
        aside.display()
    )
}
