//! The two signs that a guest gives by the time of a file: that it lives, and that it gets on.
//!
//! Owns that nothing but the file meant is looked at: no link is followed, nothing is opened that
//! could block, and what is no plain file gives no sign. A time may still be any: whoever judges
//! it must not believe the future.

use std::path::Path;

use jiff::Timestamp;
use nix::{fcntl::OFlag, sys::stat::Mode};

use crate::{
    beneath,
    ids::RunId,
    session_dir::{HEARTBEAT, LIVE, SessionDir},
};

/// When the guest last said that it lives.
#[must_use]
pub fn heartbeat(dir: &SessionDir) -> Option<Timestamp> {
    modified(beneath::folder(&dir.out_dir()).ok()?, Path::new(HEARTBEAT))
}

/// When something last happened in a run.
#[must_use]
pub fn progress(dir: &SessionDir, run: &RunId) -> Option<Timestamp> {
    let out = beneath::folder(&dir.out_dir()).ok()?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let live = beneath::open(out, Path::new(LIVE), flags, Mode::empty()).ok()?;
    modified(live, Path::new(&format!("{run}.ndjson")))
}

fn modified(folder: impl std::os::fd::AsFd, name: &Path) -> Option<Timestamp> {
    let stat = beneath::look(folder, name).ok()??;
    let plain = beneath::is_regular(&stat) && stat.st_nlink == 1;
    let nanos = i32::try_from(stat.st_mtime_nsec).ok()?;
    plain.then(|| Timestamp::new(stat.st_mtime, nanos).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn session() -> (tempfile::TempDir, SessionDir, RunId) {
        let root = tempfile::tempdir().unwrap();
        let dir = SessionDir::at(root.path());
        fs::create_dir(dir.out_dir()).unwrap();
        (root, dir, RunId::mint(Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn a_plain_file_is_a_sign_of_its_time() {
        let (_root, dir, run) = session();
        assert_eq!((heartbeat(&dir), progress(&dir, &run)), (None, None));
        fs::create_dir(dir.out_dir().join(LIVE)).unwrap();
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        for path in [dir.heartbeat(), dir.live(&run)] {
            fs::File::create(path).unwrap().set_modified(at.into()).unwrap();
        }
        assert_eq!((heartbeat(&dir), progress(&dir, &run)), (Some(at), Some(at)));
    }

    #[test]
    fn links_pipes_and_folders_are_no_sign_and_block_nobody() {
        let (_root, dir, run) = session();
        let elsewhere = tempfile::tempdir().unwrap();
        let name = dir.live(&run).file_name().unwrap().to_owned();
        fs::write(elsewhere.path().join(&name), "").unwrap();
        // The folder itself leads elsewhere.
        symlink(elsewhere.path(), dir.out_dir().join(LIVE)).unwrap();
        assert_eq!(progress(&dir, &run), None);
        fs::remove_file(dir.out_dir().join(LIVE)).unwrap();
        fs::create_dir(dir.out_dir().join(LIVE)).unwrap();
        symlink(elsewhere.path().join(&name), dir.live(&run)).unwrap();
        assert_eq!(progress(&dir, &run), None);
        fs::remove_file(dir.live(&run)).unwrap();
        nix::unistd::mkfifo(&dir.live(&run), Mode::S_IRWXU).unwrap();
        assert_eq!(progress(&dir, &run), None);
        fs::remove_file(dir.live(&run)).unwrap();
        fs::hard_link(elsewhere.path().join(&name), dir.live(&run)).unwrap();
        assert_eq!(progress(&dir, &run), None);
        fs::create_dir(dir.heartbeat()).unwrap();
        assert_eq!(heartbeat(&dir), None);
    }
}
