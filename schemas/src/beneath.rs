//! Opening what lies in a session's folder without being led out of it.
//!
//! Owns the flags: beneath the folder, no symbolic link anywhere on the way, never blocking. A
//! guest owns the names in `out/`, so a path that was checked by name proves nothing; what counts
//! is `fstat` of what was opened.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, openat2},
    libc,
    sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat},
};

use crate::refused::{Refused, RefusedKind};

/// A folder of the session itself, whose name only the host can change.
pub(crate) fn folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
    Ok(nix::fcntl::openat(AT_FDCWD, path, flags, Mode::empty())?)
}

/// Opens `name` beneath `dir`, whatever it is.
pub(crate) fn open(dir: impl AsFd, name: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_SYMLINKS
        | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let flags = flags | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    Ok(openat2(dir, name, OpenHow::new().flags(flags).mode(mode).resolve(resolve))?)
}

/// Opens an existing file for reading and says why not, if not.
pub(crate) fn open_file(dir: impl AsFd, name: &Path) -> Result<File, Refused> {
    match open(dir, name, OFlag::O_RDONLY, Mode::empty()) {
        Ok(fd) => Ok(File::from(fd)),
        Err(error) => Err(refusal(name, error)),
    }
}

/// What stands under a name, links not followed; `None` when nothing does.
pub(crate) fn look(dir: impl AsFd, name: &Path) -> Result<Option<FileStat>, Refused> {
    match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(refusal(name, errno.into())),
    }
}

/// Refuses what is not a regular file with one name and at most `cap` bytes; answers its size.
pub(crate) fn check_stat(stat: &FileStat, what: &str, cap: u64) -> Result<u64, Refused> {
    match kind(stat) {
        SFlag::S_IFREG => {}
        SFlag::S_IFLNK => {
            return Err(Refused::new(
                RefusedKind::OutsideFolder,
                format!("{what} is a symbolic link"),
            ));
        }
        other => {
            let kind = word(other);
            return Err(Refused::new(
                RefusedKind::NotRegular,
                format!("{what} is {kind}, not a file"),
            ));
        }
    }
    if stat.st_nlink > 1 {
        return Err(Refused::new(RefusedKind::Linked, format!("{what} has more than one name")));
    }
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if size > cap {
        return Err(Refused::new(
            RefusedKind::TooLarge,
            format!("{what} has {size} bytes, at most {cap} are taken"),
        ));
    }
    Ok(size)
}

/// [`check_stat`] of what was opened.
pub(crate) fn check_file(file: &File, what: &str, cap: u64) -> Result<u64, Refused> {
    check_stat(&stat_of(file, what)?, what, cap)
}

/// What was opened.
pub(crate) fn stat_of(file: &File, what: &str) -> Result<FileStat, Refused> {
    fstat(file).map_err(|errno| {
        Refused::because(RefusedKind::Io, format!("cannot look at {what}"), io::Error::from(errno))
    })
}

/// Opens a folder beneath another, making it first where there is none. Says whether it did.
pub(crate) fn ensure_folder(
    dir: impl AsFd,
    name: &Path,
    mode: Mode,
) -> io::Result<(OwnedFd, bool)> {
    let made = match mkdirat(&dir, name, mode) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        Err(errno) => return Err(errno.into()),
    };
    let fd = open(&dir, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())?;
    Ok((fd, made))
}

/// Whether it is a regular file.
pub(crate) fn is_regular(stat: &FileStat) -> bool {
    kind(stat) == SFlag::S_IFREG
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & libc::S_IFMT)
}

fn word(kind: SFlag) -> &'static str {
    let words = [
        (SFlag::S_IFDIR, "a directory"),
        (SFlag::S_IFIFO, "a FIFO"),
        (SFlag::S_IFSOCK, "a socket"),
        (SFlag::S_IFBLK, "a device"),
        (SFlag::S_IFCHR, "a device"),
    ];
    words.into_iter().find(|(flag, _)| *flag == kind).map_or("something else", |(_, word)| word)
}

fn refusal(name: &Path, error: io::Error) -> Refused {
    let name = name.display();
    let code = error.raw_os_error();
    if code == Some(libc::ELOOP) || code == Some(libc::EXDEV) {
        let message = format!("{name} leads out of the folder");
        return Refused::because(RefusedKind::OutsideFolder, message, error);
    }
    if code == Some(libc::ENXIO) || code == Some(libc::ENOTDIR) {
        return Refused::because(RefusedKind::NotRegular, format!("{name} is not a file"), error);
    }
    if error.kind() == io::ErrorKind::NotFound {
        return Refused::because(RefusedKind::Io, format!("there is no file {name}"), error);
    }
    Refused::because(RefusedKind::Io, format!("cannot open {name}"), error)
}
