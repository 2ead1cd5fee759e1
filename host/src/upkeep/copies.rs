//! Copies of the central database in `<home>/copies/`: one a day, and one before each migration.
//!
//! Owns their names and how many are kept. A copy is checked before it is called one: what cannot
//! be relied on is not kept, and takes no good one's place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use schemas::{
    central::MIGRATIONS,
    sqlite::copying::{copy_into, quick_check, version_of},
};
use tracing::info;

use super::files::storage;
use crate::{
    error::{ErrorKind, HostError, Result},
    limits::upkeep as limits,
    text::upkeep as text,
};

/// The folder in the home.
pub const FOLDER: &str = "copies";

/// The central database's file in the home.
pub const CENTRAL: &str = "central.db";

/// Why a copy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A day had passed.
    Daily,
    /// A migration was about to change the original.
    Migration,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Migration => "migration",
        }
    }
}

/// A copy that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Where.
    pub path: PathBuf,
    /// When it was made.
    pub at: Timestamp,
    kind: Kind,
}

/// Every copy of a home, newest first.
#[must_use]
pub fn list(home: &Path) -> Vec<Copy> {
    let Ok(entries) = fs::read_dir(home.join(FOLDER)) else { return Vec::new() };
    let mut copies: Vec<Copy> = entries
        .flatten()
        .filter_map(|entry| {
            let (at, kind) = read_name(entry.file_name().to_str()?)?;
            Some(Copy { path: entry.path(), at, kind })
        })
        .collect();
    copies.sort_by_key(|copy| std::cmp::Reverse(copy.at));
    copies
}

/// Copies the central database while others use it, keeps the copy if it is in order, and lets the
/// oldest go.
///
/// # Errors
/// When the disk refuses, or when the database is damaged: then no copy is made of it.
pub fn make(home: &Path, kind: Kind, now: Timestamp) -> Result<PathBuf> {
    let folder = home.join(FOLDER);
    let failed = |error: io::Error| storage("cannot write to", &folder, error);
    private_folder(&folder).map_err(failed)?;
    let path = folder.join(name(now, kind));
    let fresh = path.with_extension("new");
    if fresh.exists() {
        fs::remove_file(&fresh).map_err(failed)?;
    }
    copy_into(&home.join(CENTRAL), &fresh)?;
    let wrong = quick_check(&fresh, limits::COMPLAINTS)?;
    if !wrong.is_empty() {
        fs::remove_file(&fresh).map_err(failed)?;
        return Err(text::central_damaged(&home.join(CENTRAL), &wrong));
    }
    super::files::move_durably(&fresh, &path).map_err(failed)?;
    for old in list(home).into_iter().filter(|one| one.kind == kind).skip(limits::COPIES) {
        fs::remove_file(&old.path).map_err(failed)?;
    }
    info!(copy = %path.display(), "central database copied");
    Ok(path)
}

/// Before the database is opened: what a migration is about to change is copied first.
///
/// # Errors
/// When a copy is needed and cannot be made; nothing is migrated then.
pub fn before_migration(home: &Path, now: Timestamp) -> Result<()> {
    let central = home.join(CENTRAL);
    if !central.exists() {
        return Ok(());
    }
    // What cannot be read, or is too new, is refused when it is opened.
    let Ok(version) = version_of(&central) else { return Ok(()) };
    if version == 0 || version >= MIGRATIONS.len() {
        return Ok(());
    }
    make(home, Kind::Migration, now).map(drop).map_err(|error| {
        HostError::new(ErrorKind::Storage, text::NO_COPY_NO_MIGRATION)
            .hint(text::free_some(home))
            .because(error)
    })
}

/// The newest copy that is in order and that this program can open.
#[must_use]
pub fn last_good(home: &Path) -> Option<Copy> {
    list(home).into_iter().find(|copy| {
        let fits = version_of(&copy.path).is_ok_and(|version| version <= MIGRATIONS.len());
        fits && quick_check(&copy.path, 1).is_ok_and(|wrong| wrong.is_empty())
    })
}

fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

const TIME: &str = "%Y%m%dT%H%M%SZ";

fn name(at: Timestamp, kind: Kind) -> String {
    let at = strtime::format(TIME, at).unwrap_or_default();
    format!("central-{at}-{}.db", kind.word())
}

fn read_name(name: &str) -> Option<(Timestamp, Kind)> {
    let (at, word) = name.strip_prefix("central-")?.strip_suffix(".db")?.split_once('-')?;
    let kind = [Kind::Daily, Kind::Migration].into_iter().find(|kind| kind.word() == word)?;
    let civil = strtime::parse(TIME, at).ok()?.to_datetime().ok()?;
    Some((civil.to_zoned(TimeZone::UTC).ok()?.timestamp(), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_and_why_and_nothing_else_is_taken_for_a_copy() {
        let at: Timestamp = "2026-11-20T20:38:12Z".parse().unwrap();
        let daily = name(at, Kind::Daily);
        assert_eq!(daily, "central-20261120T203812Z-daily.db");
        assert_eq!(read_name(&daily), Some((at, Kind::Daily)));
        for other in ["central-20261120T203812Z-daily.new", "central-x-daily.db", "notes.db"] {
            assert_eq!(read_name(other), None, "{other}");
        }
    }

    #[test]
    fn the_newest_of_each_kind_are_kept_and_a_damaged_original_costs_none_of_them() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        drop(crate::store::Store::open(&home.join(CENTRAL)).unwrap());
        let day = |n: i64| Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap();
        make(home, Kind::Migration, day(0)).unwrap();
        for n in 1..=5 {
            make(home, Kind::Daily, day(n)).unwrap();
        }
        let kept: Vec<Timestamp> = list(home).iter().map(|copy| copy.at).collect();
        assert_eq!(kept, [day(5), day(4), day(3), day(0)]);
        let newest = list(home).remove(0);
        assert_eq!(last_good(home), Some(newest.clone()));
        fs::write(home.join(CENTRAL), "none any more\n".repeat(1_000)).unwrap();
        assert!(make(home, Kind::Daily, day(6)).is_err());
        assert_eq!(list(home).len(), 4);
        fs::write(&newest.path, "nor is this\n".repeat(1_000)).unwrap();
        assert_eq!(last_good(home).map(|copy| copy.at), Some(day(4)));
    }
}
