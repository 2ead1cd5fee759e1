//! What is said about copies, checks, backups and what is thrown away.

use std::path::Path;

use crate::error::{ErrorKind, HostError};

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

/// Which copies there are.
pub const LIST_COPIES: &str = "they lie in copies/ in the home; lazaret doctor names the last good";

/// Where a host has never run.
pub const START_HERE: &str = "lazaret up makes it, or name another by --home";

/// When a home is none.
pub const OTHER_HOME: &str = "name another by --home";

/// What a damaged central database means.
pub const CENTRAL_LOST: &str =
    "no host starts on it; conversations lie in files of their own and are not touched by this";

/// When nothing can take its place.
pub const NO_GOOD_COPY: &str =
    "no copy of it is in order; put a backup back: lazaret restore <archive> --home <new folder>";

/// What folders without a row mean.
pub const ORPHAN_FOLDERS: &str = "their conversations are kept, and nothing reaches them: an older database was put back, \
     perhaps";

/// What to do with folders that nobody knows.
pub const MOVE_ORPHANS: &str = "move them elsewhere once you know that they are not needed";

/// What an engine that is away means.
pub const ENGINE_AWAY: &str = "messages are kept until it answers";

/// A copy is in place.
#[must_use]
pub fn replaced(aside: &Path, sessions: usize) -> String {
    format!(
        "the copy is in place; what stood there lies in {}\n{sessions} sessions are looked at by \
         the next host: lazaret up",
        aside.display()
    )
}

/// Below the help of `doctor`.
pub const DOCTOR_HELP: &str = "\
Nothing is changed. It works while a host runs, which is then asked for what only it
may open, and while none does. Exit code 0: nothing is a problem; 1: something is.";
