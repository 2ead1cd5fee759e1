//! Making a session's folder, and repairing it.
//!
//! Owns which folders there are and their modes. Called before each write, so that a crash between
//! the central row and the folder does not matter. Never goes through a symbolic link: `out/` is
//! the guest's. Whose the folders are is the engine's matter.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    libc,
    sys::stat::{Mode, fchmod, fstat},
    unistd::{UnlinkatFlags, unlinkat},
};

use crate::{
    beneath,
    refused::{Refused, RefusedKind},
    session_dir::{HEARTBEAT, INBOX, SessionDir},
};

/// Makes what is missing and sets the modes of what the host owns; does nothing when all is well.
///
/// # Errors
/// When a folder cannot be made, or something else stands in its place.
pub fn ensure(dir: &SessionDir) -> io::Result<()> {
    let fresh = !dir.root().exists();
    fs::create_dir_all(dir.root())?;
    let root = beneath::folder(dir.root())?;
    let mut made = fresh;
    let inward = keep(&root, "in", OPEN, &mut made)?;
    keep(&inward, INBOX, OPEN, &mut made)?;
    // What lies inside `out/` is the guest's: it makes its own folders there, under its own uid.
    let outward = keep(&root, "out", CLOSED, &mut made)?;
    for name in ["home", "work", "log"] {
        keep(&root, name, CLOSED, &mut made)?;
    }
    if made { sync(dir, [root, inward, outward], fresh) } else { Ok(()) }
}

/// Removes what stands for a heartbeat: a guest that starts must not look alive by its predecessor's.
/// A link is removed, not followed.
///
/// # Errors
/// When a folder stands there, or the system refuses.
pub fn forget_heartbeat(dir: &SessionDir) -> Result<(), Refused> {
    let io = |error| Refused::because(RefusedKind::Io, "cannot remove the last heartbeat", error);
    let out = beneath::folder(&dir.out_dir()).map_err(io)?;
    match unlinkat(out, HEARTBEAT, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(Errno::EISDIR) => {
            let what = format!("{HEARTBEAT} is a directory, not a file");
            Err(Refused::new(RefusedKind::NotRegular, what))
        }
        Err(errno) => Err(io(io::Error::from(errno))),
    }
}

/// The guest reads `in/` under another uid; all else is one user's.
const OPEN: Mode = Mode::from_bits_truncate(0o755);
const CLOSED: Mode = Mode::S_IRWXU;

fn keep(dir: impl AsFd, name: &str, mode: Mode, made: &mut bool) -> io::Result<OwnedFd> {
    let (fd, fresh) = beneath::ensure_folder(dir, Path::new(name), mode)?;
    *made |= fresh;
    // Later the engine sets owner and mode by the guest's uid; they are not taken back here.
    if fresh {
        set_mode(&fd, mode)?;
    }
    Ok(fd)
}

/// Sets a mode only where it differs: a host that is not the owner may not even repeat it.
pub(crate) fn set_mode(fd: impl AsFd, mode: Mode) -> io::Result<()> {
    let permissions: libc::mode_t = 0o7777;
    if fstat(&fd)?.st_mode & permissions != mode.bits() {
        fchmod(&fd, mode)?;
    }
    Ok(())
}

/// A folder that a power cut takes away takes its messages along.
fn sync(dir: &SessionDir, folders: [OwnedFd; 3], fresh: bool) -> io::Result<()> {
    for folder in folders {
        File::from(folder).sync_all()?;
    }
    if fresh {
        // `sessions/<agent>` and `sessions` may be new as well.
        for parent in dir.root().ancestors().skip(1).take(2) {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}
