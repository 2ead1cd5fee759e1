//! Small steps on files that must hold after a power cut.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;
use schemas::ids::fresh_ulid;

use crate::error::{ErrorKind, HostError, Result};

/// A folder that is there while it is used, private, and gone with its owner.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one below `place`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn below(place: &Path, now: jiff::Timestamp) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;

        let path = place.join(format!(".lazaret-{}", fresh_ulid(now)));
        let made = fs::create_dir_all(place)
            .and_then(|()| fs::DirBuilder::new().mode(0o700).create(&path));
        made.map_err(|error| storage("cannot make a folder", &path, error))?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over is swept when the next one is made in the same place by a host.
        let _left = fs::remove_dir_all(&self.path).is_err();
    }
}

/// Removes folders that a process which died left.
pub fn sweep_scratch(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".lazaret-") {
            let _left = fs::remove_dir_all(entry.path()).is_err();
        }
    }
}

/// Free bytes on the disk below a folder.
///
/// # Errors
/// When the disk does not say.
pub fn free_bytes(below: &Path) -> io::Result<u64> {
    let disk = statvfs(below)?;
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

/// Moves a file or folder, and makes the move durable.
///
/// # Errors
/// When the disk refuses.
pub fn move_durably(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    for folder in [from.parent(), to.parent()].into_iter().flatten() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A failed step on a file, with its name.
pub fn storage(what: &str, path: &Path, error: io::Error) -> HostError {
    HostError::new(ErrorKind::Storage, format!("{what} {}", path.display())).because(error)
}
