//! What is said about backups: made, put back, refused.

use std::path::Path;

use crate::{
    error::{ErrorKind, HostError},
    upkeep::{backup::Manifest, restore::Restored},
};

/// Below the help of `restore`.
pub const RESTORE_HELP: &str = "\
A backup is put into --home, where nothing may be yet; all of it is read and found good
before any of it is in place. What was said goes on where it stood, and what was on its way
out is found out as after a crash. The new home is an installation of its own: containers
of the old one are neither taken over nor ended, since its host may still live.

No host may run on the home. By --central, what stands there is moved to copies/ and
never deleted; conversations lie in files of their own, which are not touched: the next
host looks at every session, and settles from its files what the older copy does not know.";

/// Below the help of `backup`.
pub const BACKUP_HELP: &str = "\
It may be made while messages flow: the central database first, then each session at a
moment of its own, so that no message lacks its files and no reply counts as delivered
that is not there. Without a host the home is locked meanwhile.

In it: the central database, lazaret.toml, secrets.sealed, agents' folders, and of each
session what was said, attachments both ways, the agent's home and its working folder (not
by --without-work). Not in it: the key of the secrets, so that no archive gives one away
(`lazaret doctor` names its folder: keep a copy apart), logs, copies, what was put aside when something was deleted,
links, files with holes, and what a host makes anew. It is a plain tar, for its owner
alone; to compress it, pipe it through what you have. Exit code 1 when something that
matters of a session could not be read: the rest is there, and it is named.";

/// The name of an archive in a folder.
#[must_use]
pub fn archive_name(now: jiff::Timestamp) -> String {
    let at = jiff::fmt::strtime::format("%Y%m%dT%H%M%SZ", now).unwrap_or_default();
    format!("lazaret-{at}.tar")
}

/// A backup was written.
#[must_use]
pub fn backed_up(to: &Path, manifest: &Manifest) -> String {
    let mut lines = vec![format!(
        "{}: {} sessions, {} files, {}",
        to.display(),
        manifest.sessions,
        manifest.files,
        crate::admin::print::size(manifest.bytes)
    )];
    lines.extend(manifest.broken.iter().map(|what| format!("NOT WHOLE: {what}")));
    if manifest.left_out_in_all > 0 {
        lines.push(format!("left out: {}", manifest.left_out_in_all));
        lines.extend(manifest.left_out.iter().map(|what| format!("  {what}")));
    }
    lines.join("\n")
}

/// A backup was put back.
#[must_use]
pub fn restored(done: &Restored) -> String {
    let (home, head) = (done.home.display(), &done.head);
    format!(
        "{home} is what {} was at {:.0}: {} sessions, {} files\n\
         it is an installation of its own: no container of the old one is taken over or ended\n\
         stop the old host first if it listens to the same platforms, then: lazaret --home {home} \
         up",
        head.home, head.made_at, done.manifest.sessions, done.manifest.files
    )
}

/// A backup ended before its end.
#[must_use]
pub fn broke_off(error: std::io::Error) -> HostError {
    HostError::new(ErrorKind::Storage, "the backup broke off").because(error)
}

/// An archive without its end.
#[must_use]
pub fn cut_short(archive: &Path) -> HostError {
    let what = format!("{} is cut short or damaged; nothing was restored", archive.display());
    HostError::new(ErrorKind::Storage, what).hint("use an older backup")
}

/// An archive in which something is not what it was.
#[must_use]
pub fn damaged_backup(archive: &Path, file: &str) -> HostError {
    let what = format!("{} is damaged: {file} is not what was written", archive.display());
    HostError::new(ErrorKind::Storage, what).hint("nothing was restored; use an older backup")
}

/// Something else than a backup.
#[must_use]
pub fn no_backup(archive: &Path) -> HostError {
    HostError::new(ErrorKind::Invalid, format!("{} is no backup of lazaret", archive.display()))
}

/// An archive with what no backup has.
#[must_use]
pub fn hostile_backup(archive: &Path, path: &Path) -> HostError {
    let what = format!("{} holds {}, which no backup does", archive.display(), path.display());
    HostError::new(ErrorKind::Invalid, what).hint("nothing was restored")
}

/// An archive of a newer program.
#[must_use]
pub fn newer_backup(archive: &Path, by: &str) -> HostError {
    let what = format!("{} was written by the newer lazaret {by}", archive.display());
    HostError::new(ErrorKind::Invalid, what).hint("restore it with that one")
}

/// A home that is one already.
#[must_use]
pub fn home_in_use(home: &Path) -> HostError {
    let what = format!("{} is not empty; a backup is put where nothing is", home.display());
    HostError::new(ErrorKind::Conflict, what).hint("name a new folder: --home <new folder>")
}
