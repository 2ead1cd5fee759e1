//! Which files of a home go into its backup, and what is left out.
//!
//! Owns the list. Left out are what a host makes anew (sockets, heartbeats, live events, each
//! session's settings), logs, copies, and what was put aside when something was deleted.

use std::{fs, io, io::Write, os::unix::fs::MetadataExt, path::Path};

use nix::sys::stat::FileStat;
use schemas::session_dir::SessionDir;

use super::{
    Wanted,
    archive::{ArchiveWriter, OURS, Owner},
};
use crate::{
    config,
    limits::upkeep as limits,
    secrets,
    upkeep::walk::{Closed, Entry, walk},
};

/// A file of the host's own making.
pub(super) fn plain(
    archive: &mut ArchiveWriter<impl Write>,
    from: &Path,
    to: &Path,
) -> io::Result<()> {
    let file = fs::File::open(from)?;
    let size = file.metadata()?.len();
    archive.file(to, OURS, (file, size))
}

/// What the operator set: words, and secrets, which nobody can read without their key.
pub(super) fn settings(archive: &mut ArchiveWriter<impl Write>, home: &Path) -> io::Result<()> {
    for name in [config::FILE_NAME, secrets::FILE_NAME] {
        match plain(archive, &home.join(name), Path::new(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

/// An agent's own folder.
pub(super) fn agent(
    archive: &mut ArchiveWriter<impl Write>,
    home: &Path,
    folder: &str,
) -> io::Result<()> {
    let path = Path::new("agents").join(folder);
    everything(archive, &home.join(&path), &path)
}

/// A session: its databases of one moment, then the files that their rows name, then the agent's
/// own.
pub(super) fn session(
    archive: &mut ArchiveWriter<impl Write>,
    wanted: &Wanted,
    (dir, moment): (&SessionDir, &Path),
) -> io::Result<()> {
    let Ok(place) = dir.root().strip_prefix(&wanted.home) else { return Ok(()) };
    let place = place.to_owned();
    archive.count_session();
    for (folder, files) in [
        ("in", &["inbound.db", "history.db"][..]),
        ("out", &["outbound.db", "outbound.db-journal"]),
    ] {
        let from = dir.root().join(folder);
        let Ok(found) = fs::symlink_metadata(&from) else { continue };
        archive.folder(&place.join(folder), owner_of(&found))?;
        for file in files {
            let copy = moment.join(file);
            if copy.exists() {
                let size = copy.metadata()?.len();
                // A guest's file is the guest's; the host's own is read by it.
                let owner = Owner { mode: 0o644, ..owner_of(&found) };
                archive.file(
                    &place.join(folder).join(file),
                    owner,
                    (fs::File::open(copy)?, size),
                )?;
            }
        }
    }
    everything(archive, &dir.inbox(), &place.join("in/inbox"))?;
    everything(archive, &dir.outbox(), &place.join("out/outbox"))?;
    everything(archive, &dir.home(), &place.join("home"))?;
    if wanted.work { everything(archive, &dir.work(), &place.join("work")) } else { Ok(()) }
}

/// All files and folders below one, as far as the bounds go; what is neither is left out.
fn everything(archive: &mut ArchiveWriter<impl Write>, from: &Path, to: &Path) -> io::Result<()> {
    let walked = walk(from, limits::BACKUP_BOUNDS, &mut |below, entry| {
        let path = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
        match entry {
            Entry::Folder(stat) => archive.folder(&path, owner(&stat)),
            Entry::PassedOver(why) => {
                archive.leave_out(&path, why);
                Ok(())
            }
            Entry::File(closed) => file(archive, &path, &closed),
        }
    })?;
    if walked.cut {
        archive.leave_out(to, "more than the bounds of a backup let be seen");
    }
    Ok(())
}

fn file(
    archive: &mut ArchiveWriter<impl Write>,
    path: &Path,
    closed: &Closed<'_>,
) -> io::Result<()> {
    let Ok((file, stat)) = closed.open() else {
        archive.leave_out(path, "it cannot be opened");
        return Ok(());
    };
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    let on_disk = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    if size > limits::SPARSE_FROM && on_disk < size / 2 {
        archive.leave_out(path, "a file with holes, larger than what is in it");
        return Ok(());
    }
    archive.file(path, owner(&stat), (file, size))
}

fn owner(stat: &FileStat) -> Owner {
    Owner {
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: stat.st_mode & 0o777,
        modified: u64::try_from(stat.st_mtime).unwrap_or(0),
    }
}

fn owner_of(found: &fs::Metadata) -> Owner {
    Owner {
        uid: found.uid(),
        gid: found.gid(),
        mode: found.mode() & 0o777,
        modified: u64::try_from(found.mtime()).unwrap_or(0),
    }
}
