//! Putting an older copy of the central database in place of what stands there.
//!
//! Owns that nothing is lost by it: what stood there is moved aside, never deleted. The sessions'
//! own files are newer than such a copy, so every session of it is marked for the next host to look
//! at, which settles from the files what the copy does not know.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemas::{
    central::MIGRATIONS,
    ids::fresh_ulid,
    sqlite::copying::{copy_into, quick_check, version_of},
};
use serde::Serialize;

use super::{
    copies::{CENTRAL, FOLDER},
    files::{move_durably, storage},
};
use crate::{
    daemon::open_home,
    error::{ErrorKind, HostError, Result},
    limits::upkeep as limits,
    store::Store,
    text::upkeep as text,
};

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Where what stood there lies now.
    pub aside: PathBuf,
    /// Sessions that the next host looks at.
    pub sessions: usize,
}

/// Puts a copy in place. No host may run.
///
/// # Errors
/// `Conflict` when a host runs; else when the copy is damaged, newer, or cannot be put there.
pub async fn replace(home: &Path, copy: &Path, now: Timestamp) -> Result<Replaced> {
    let _lock = open_home(home)?;
    examine(copy)?;
    let fresh = home.join(format!("{CENTRAL}.{}.new", fresh_ulid(now)));
    copy_into(copy, &fresh)?;
    let marked = async {
        let store = Store::open(&fresh)?;
        let sessions = store.mark_all_awake().await?;
        // The last connection that closes leaves one file, without a log beside it.
        drop(store);
        Ok::<usize, HostError>(sessions)
    };
    let sessions = marked.await?;
    let aside = home.join(FOLDER).join(format!("replaced-{}", fresh_ulid(now)));
    let moved = || -> std::io::Result<()> {
        std::fs::create_dir_all(&aside)?;
        for suffix in ["-shm", "-wal", ""] {
            let from = home.join(format!("{CENTRAL}{suffix}"));
            if from.exists() {
                move_durably(&from, &aside.join(format!("{CENTRAL}{suffix}")))?;
            }
        }
        move_durably(&fresh, &home.join(CENTRAL))
    };
    moved().map_err(|error| storage("cannot put in place", &home.join(CENTRAL), error))?;
    Ok(Replaced { aside, sessions })
}

fn examine(copy: &Path) -> Result<()> {
    if !copy.is_file() {
        let what = format!("there is no file {}", copy.display());
        return Err(HostError::new(ErrorKind::NotFound, what).hint(text::LIST_COPIES));
    }
    let version = version_of(copy)?;
    if version > MIGRATIONS.len() {
        return Err(text::newer(copy, version, MIGRATIONS.len()));
    }
    let wrong = quick_check(copy, limits::COMPLAINTS)?;
    if version == 0 || !wrong.is_empty() {
        return Err(text::central_damaged(copy, &wrong));
    }
    Ok(())
}
