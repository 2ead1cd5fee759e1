//! Going through a folder that a guest may have filled, without being led out of it.
//!
//! Owns the bounds: only folders and regular files are shown, no link is followed, nothing is
//! opened that could block, and neither depth nor number is without end.

use std::{
    ffi::{CStr, OsStr},
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2},
    libc,
    sys::stat::{FileStat, Mode, SFlag, fstat, fstatat},
};

/// How far it goes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Entries that are looked at.
    pub entries: u64,
    /// Folders inside each other.
    pub depth: usize,
}

/// What stands under a name.
#[derive(Debug)]
pub enum Entry<'w> {
    /// A folder; what is in it follows.
    Folder(FileStat),
    /// A regular file, not opened yet.
    File(Closed<'w>),
    /// Anything else, and what cannot be looked at: why it is passed over.
    PassedOver(&'static str),
}

/// A file that can be opened from where it was seen.
#[derive(Debug)]
pub struct Closed<'w> {
    folder: &'w OwnedFd,
    name: &'w CStr,
    /// What was seen.
    pub stat: FileStat,
}

impl Closed<'_> {
    /// Opens it; what stands there now must be a regular file still.
    ///
    /// # Errors
    /// When it cannot be opened, or is something else by now.
    pub fn open(&self) -> io::Result<(File, FileStat)> {
        let file = File::from(beneath(self.folder, self.name, OFlag::O_RDONLY)?);
        let stat = fstat(&file)?;
        if kind(&stat) != SFlag::S_IFREG {
            return Err(io::Error::other("it is no regular file any more"));
        }
        Ok((file, stat))
    }
}

/// How far it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// Entries that were looked at.
    pub entries: u64,
    /// Whether there was more than the bounds let be seen.
    pub cut: bool,
}

/// Goes through everything below `root`, which comes first under an empty path. A root that is not
/// there has nothing in it.
///
/// # Errors
/// When the root cannot be opened, or when `visit` ends it.
pub fn walk(
    root: &Path,
    bounds: Bounds,
    visit: &mut dyn FnMut(&Path, Entry<'_>) -> io::Result<()>,
) -> io::Result<Walked> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
    let folder = match openat(AT_FDCWD, root, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::ENOENT) => return Ok(Walked::default()),
        Err(errno) => return Err(errno.into()),
    };
    let mut walk = Walk { bounds, visit, path: PathBuf::new(), done: Walked::default() };
    (walk.visit)(Path::new(""), Entry::Folder(fstat(&folder)?))?;
    walk.folder(&folder, 0)?;
    Ok(walk.done)
}

struct Walk<'v> {
    bounds: Bounds,
    visit: &'v mut dyn FnMut(&Path, Entry<'_>) -> io::Result<()>,
    path: PathBuf,
    done: Walked,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &OwnedFd, depth: usize) -> io::Result<()> {
        // The listing moves its own descriptor's place; names are opened from the other.
        let mut listing = Dir::from_fd(folder.try_clone()?)?;
        for entry in listing.iter() {
            let Ok(entry) = entry else {
                self.done.cut = true;
                break;
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if self.done.entries >= self.bounds.entries {
                self.done.cut = true;
                return Ok(());
            }
            self.done.entries += 1;
            self.path.push(OsStr::from_bytes(name.to_bytes()));
            let went = self.entry(folder, name, depth);
            self.path.pop();
            went?;
        }
        Ok(())
    }

    fn entry(&mut self, folder: &OwnedFd, name: &CStr, depth: usize) -> io::Result<()> {
        let Ok(stat) = fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) else {
            // It went away meanwhile, or may not be seen.
            return (self.visit)(&self.path, Entry::PassedOver("it cannot be looked at"));
        };
        let kind = kind(&stat);
        if kind == SFlag::S_IFREG {
            return (self.visit)(&self.path, Entry::File(Closed { folder, name, stat }));
        }
        if kind != SFlag::S_IFDIR {
            let link = kind == SFlag::S_IFLNK;
            let why = if link { "a symbolic link" } else { "neither a file nor a folder" };
            return (self.visit)(&self.path, Entry::PassedOver(why));
        }
        if depth >= self.bounds.depth {
            self.done.cut = true;
            return (self.visit)(&self.path, Entry::PassedOver("too deep"));
        }
        match beneath(folder, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
            Ok(below) => {
                (self.visit)(&self.path, Entry::Folder(stat))?;
                self.folder(&below, depth + 1)
            }
            Err(_) => (self.visit)(&self.path, Entry::PassedOver("it cannot be opened")),
        }
    }
}

fn beneath(folder: impl AsFd, name: &CStr, flags: OFlag) -> io::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_SYMLINKS
        | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    Ok(openat2(folder, name, OpenHow::new().flags(flags).resolve(resolve))?)
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & libc::S_IFMT)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ALL: Bounds = Bounds { entries: 1_000, depth: 8 };

    fn seen(root: &Path, bounds: Bounds) -> (Vec<String>, Walked) {
        let mut seen = Vec::new();
        let walked = walk(root, bounds, &mut |path, entry| {
            seen.push(match entry {
                Entry::Folder(_) => format!("{}/", path.display()),
                Entry::File(file) => format!("{} {}", path.display(), file.open()?.1.st_size),
                Entry::PassedOver(why) => format!("{}: {why}", path.display()),
            });
            Ok(())
        })
        .unwrap();
        seen.sort();
        (seen, walked)
    }

    #[test]
    fn files_and_folders_are_seen_and_nothing_else_is_opened_or_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("home");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "four").unwrap();
        fs::write(dir.path().join("secret"), "outside").unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("folder")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        nix::unistd::mkfifo(&root.join("fifo"), Mode::S_IRWXU).unwrap();
        let (seen, walked) = seen(&root, ALL);
        let expected = [
            "/",
            "a/",
            "a/b/",
            "a/b/file 4",
            "fifo: neither a file nor a folder",
            "folder: a symbolic link",
            "link: a symbolic link",
        ];
        assert_eq!(seen, expected);
        assert_eq!(walked, Walked { entries: 6, cut: false });
    }

    #[test]
    fn what_has_no_end_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let mut deep = dir.path().join("deep");
        for _ in 0..20 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        for n in 0..50 {
            fs::write(dir.path().join(format!("f{n}")), "").unwrap();
        }
        let (_, walked) = seen(dir.path(), Bounds { entries: 10, depth: 100 });
        assert_eq!(walked, Walked { entries: 10, cut: true });
        let (_, walked) = seen(dir.path(), ALL);
        assert!(walked.cut && walked.entries < 70, "{walked:?}");
        assert_eq!(seen(&dir.path().join("none"), ALL).1, Walked::default());
    }
}
