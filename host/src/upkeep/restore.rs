//! `lazaret restore <archive>`: a backup onto a home where nothing is yet.
//!
//! Owns that nothing is put in place before all of it was read and found good: the archive is
//! unpacked beside the home, each file is digested on the way, and the home appears by one rename.
//! An archive is taken to be hostile: a path that leads out, or anything but files and folders,
//! refuses it. The restored home is **another installation**: containers that carry the old one's
//! label may still belong to a host that lives, and are left alone.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Component, Path, PathBuf},
};

use jiff::Timestamp;
use nix::unistd::{Gid, Uid, fchown, syncfs};
use schemas::{
    CONTRACT_VERSION,
    central::MIGRATIONS,
    ids::{InstallId, fresh_ulid},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use super::{
    backup::{
        Head, Manifest,
        archive::{DIGESTS, FORMAT, HEAD, MANIFEST, hex},
    },
    copies::CENTRAL,
    files::{move_durably, storage},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits::upkeep as limits,
    store::Store,
    text::backup as text,
};

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The new home.
    pub home: PathBuf,
    /// What the archive says of itself.
    pub head: Head,
    /// What was in it.
    pub manifest: Manifest,
}

/// Puts a backup back. Blocks: for a thread that may, of a runtime.
///
/// # Errors
/// When the home is in use, when the archive is damaged, cut short, newer or hostile, or when the
/// disk refuses. Nothing is in place then.
pub fn restore(archive: &Path, home: &Path, now: Timestamp) -> Result<Restored> {
    must_be_empty(home)?;
    let beside = beside(home, now)?;
    fs::create_dir_all(&beside).map_err(|error| storage("cannot make", &beside, error))?;
    let done = unpack(archive, &beside).and_then(|(head, manifest)| {
        adapt(&beside, now)?;
        File::open(&beside)
            .and_then(|folder| Ok(syncfs(folder)?))
            .and_then(|()| move_durably(&beside, home))
            .map_err(|error| storage("cannot put in place", home, error))?;
        Ok(Restored { home: home.to_owned(), head, manifest })
    });
    if done.is_err() {
        let _left = fs::remove_dir_all(&beside).is_err();
    }
    done
}

/// Reads head and end of an archive, as proof that it is whole in length.
///
/// # Errors
/// When it has no head or no end.
pub fn look(archive: &Path) -> Result<(Head, Manifest)> {
    let failed = |error| storage("cannot read", archive, error);
    let mut tar = Archive::new(File::open(archive).map_err(failed)?);
    let (mut head, mut manifest) = (None, None);
    for entry in tar.entries_with_seek().map_err(failed)? {
        let mut entry = entry.map_err(|_| text::cut_short(archive))?;
        let path = entry.path().map_err(failed)?.into_owned();
        if path == Path::new(HEAD) {
            head = Some(parsed(&mut entry, archive)?);
        } else if path == Path::new(MANIFEST) {
            manifest = Some(parsed(&mut entry, archive)?);
        }
    }
    head.zip(manifest).ok_or_else(|| text::cut_short(archive))
}

fn must_be_empty(home: &Path) -> Result<()> {
    match fs::read_dir(home).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(text::home_in_use(home)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(storage("cannot use the home", home, error)),
    }
}

/// On the same disk, so that one rename puts all of it in place.
fn beside(home: &Path, now: Timestamp) -> Result<PathBuf> {
    let (Some(parent), Some(name)) = (home.parent(), home.file_name()) else {
        return Err(HostError::new(ErrorKind::Invalid, "the home has no name")
            .hint(crate::text::CHECK_OR_CHOOSE_HOME));
    };
    Ok(parent.join(format!(".{}.restoring-{}", name.to_string_lossy(), fresh_ulid(now))))
}

fn unpack(archive: &Path, to: &Path) -> Result<(Head, Manifest)> {
    let failed = |error| storage("cannot read", archive, error);
    let mut tar = Archive::new(BufReader::new(File::open(archive).map_err(failed)?));
    let mut entries = tar.entries().map_err(failed)?;
    let mut first = entries
        .next()
        .ok_or_else(|| text::cut_short(archive))?
        .map_err(|_| text::no_backup(archive))?;
    if first.path().map_err(failed)? != Path::new(HEAD) {
        return Err(text::no_backup(archive));
    }
    let head: Head = parsed(&mut first, archive)?;
    fits(archive, &head)?;
    let mut unpacking = Unpacking::new(archive, to)?;
    for entry in entries {
        let mut entry = entry.map_err(|_| text::cut_short(archive))?;
        let path = entry.path().map_err(failed)?.into_owned();
        if path == Path::new(DIGESTS) {
            unpacking.compare(&mut entry)?;
        } else if path == Path::new(MANIFEST) {
            let manifest: Manifest = parsed(&mut entry, archive)?;
            return unpacking.end(&manifest).map(|()| (head, manifest));
        } else {
            unpacking.take(&path, &mut entry)?;
        }
    }
    Err(text::cut_short(archive))
}

fn fits(archive: &Path, head: &Head) -> Result<()> {
    if head.format > FORMAT || head.central > MIGRATIONS.len() || head.contract > CONTRACT_VERSION {
        return Err(text::newer_backup(archive, &head.lazaret));
    }
    Ok(())
}

fn parsed<T: DeserializeOwned>(entry: &mut impl Read, archive: &Path) -> Result<T> {
    let mut bytes = Vec::new();
    let read = entry.take(limits::ARCHIVE_TEXT).read_to_end(&mut bytes);
    read.map_err(|_| text::cut_short(archive))?;
    serde_json::from_slice(&bytes).map_err(|_| text::no_backup(archive))
}

/// Makes it a home of its own: another installation, whose sessions are looked at as after a crash.
fn adapt(home: &Path, now: Timestamp) -> Result<()> {
    let store = Store::open(&home.join(CENTRAL))?;
    let marked = async {
        store.mark_all_awake().await?;
        store.become_install(InstallId::mint(now)).await
    };
    tokio::runtime::Handle::current().block_on(marked)?;
    drop(store);
    private(home).map_err(|error| storage("cannot close", home, error))
}

fn private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Files on their way out of the archive, and what they turned out to be.
struct Unpacking<'a> {
    archive: &'a Path,
    to: &'a Path,
    list: PathBuf,
    found: BufWriter<File>,
    compared: Option<String>,
    /// Modes are set at the end: a folder may be one that its owner cannot write.
    folders: Vec<(PathBuf, Mark)>,
}

/// Whose something is, and what may be done with it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl<'a> Unpacking<'a> {
    fn new(archive: &'a Path, to: &'a Path) -> Result<Self> {
        let list = to.join(DIGESTS);
        let found =
            File::create_new(&list).map_err(|error| storage("cannot write", &list, error))?;
        Ok(Self {
            archive,
            to,
            list,
            found: BufWriter::new(found),
            compared: None,
            folders: Vec::new(),
        })
    }

    fn take(&mut self, path: &Path, entry: &mut tar::Entry<'_, impl Read>) -> Result<()> {
        let place = self.place(path)?;
        let header = entry.header();
        let number = |value: io::Result<u64>| value.ok().and_then(|n| u32::try_from(n).ok());
        let mark = Mark {
            uid: number(header.uid()).unwrap_or(0),
            gid: number(header.gid()).unwrap_or(0),
            // Nothing gains rights by being restored.
            mode: header.mode().unwrap_or(0o600) & 0o777,
        };
        let failed = |error| storage("cannot write", &place, error);
        let kind = header.entry_type();
        if kind == EntryType::Directory {
            fs::create_dir_all(&place).map_err(failed)?;
            self.folders.push((place, mark));
            return Ok(());
        }
        if kind != EntryType::Regular {
            return Err(text::hostile_backup(self.archive, path));
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        // An archive that names a file twice would pass the digest of one for the other.
        let file = File::create_new(&place).map_err(failed)?;
        let mut digesting = Digesting { file: &file, digest: Sha256::new() };
        let announced = entry.size();
        let got = io::copy(entry, &mut digesting).map_err(|_| text::cut_short(self.archive))?;
        if got != announced {
            return Err(text::cut_short(self.archive));
        }
        let digest = hex(digesting.digest);
        writeln!(self.found, "{digest}  {}", path.display()).map_err(failed)?;
        set(&file, mark).map_err(failed)
    }

    /// Where an entry goes; closed by default.
    fn place(&self, path: &Path) -> Result<PathBuf> {
        let refused = || text::hostile_backup(self.archive, path);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let top = path.components().next().and_then(|part| part.as_os_str().to_str());
        let settings = [crate::config::FILE_NAME, crate::secrets::FILE_NAME];
        let known = [CENTRAL, settings[0], settings[1], "agents", "sessions"];
        let ours = plain && top.is_some_and(|top| known.contains(&top));
        if ours && self.compared.is_none() { Ok(self.to.join(path)) } else { Err(refused()) }
    }

    /// The archive's own list beside what was found, in the same order.
    fn compare(&mut self, told: &mut impl Read) -> Result<()> {
        let failed = |error| storage("cannot read", &self.list, error);
        self.found.flush().map_err(failed)?;
        let found = BufReader::new(File::open(&self.list).map_err(failed)?);
        let mut told = BufReader::new(told);
        let mut digest = Sha256::new();
        for line in found.lines() {
            let line = line.map_err(failed)?;
            let mut other = String::new();
            let most = u64::try_from(line.len()).unwrap_or(0) + 1;
            let read = (&mut told).take(most).read_line(&mut other);
            if read.is_err() || other.strip_suffix('\n') != Some(&line) {
                return Err(text::damaged_backup(self.archive, line.get(66..).unwrap_or_default()));
            }
            digest.update(other);
        }
        let mut more = [0];
        if told.read(&mut more).unwrap_or(1) > 0 {
            return Err(text::damaged_backup(self.archive, DIGESTS));
        }
        self.compared = Some(hex(digest));
        Ok(())
    }

    fn end(self, manifest: &Manifest) -> Result<()> {
        if self.compared.as_ref() != Some(&manifest.digests) {
            return Err(text::damaged_backup(self.archive, MANIFEST));
        }
        fs::remove_file(&self.list).map_err(|error| storage("cannot remove", &self.list, error))?;
        for (folder, mark) in self.folders.iter().rev() {
            let opened = File::open(folder).and_then(|opened| set(&opened, *mark));
            opened.map_err(|error| storage("cannot set the mode of", folder, error))?;
        }
        Ok(())
    }
}

/// Only root can give files away; for others they are their own already.
fn set(file: &File, mark: Mark) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    if nix::unistd::geteuid().is_root() {
        fchown(file, Some(Uid::from_raw(mark.uid)), Some(Gid::from_raw(mark.gid)))?;
    }
    file.set_permissions(fs::Permissions::from_mode(mark.mode))
}

struct Digesting<'f> {
    file: &'f File,
    digest: Sha256,
}

impl Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
