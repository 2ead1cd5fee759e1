//! The archive of a backup: a tar with a head, the files, a digest of each, and an end.
//!
//! Owns the format. It is written from front to back without going back, so that it can be sent
//! while it is made; what has no end entry was cut short. Nothing in it is compressed: whoever
//! wants that pipes it through what the machine has, and the files stay readable by any `tar`.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use jiff::Timestamp;
use schemas::CONTRACT_VERSION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::limits::upkeep as limits;

/// The first entry.
pub const HEAD: &str = "lazaret-backup.json";
/// A line for each file, as `sha256sum` writes and checks them.
pub const DIGESTS: &str = "digests";
/// The last entry.
pub const MANIFEST: &str = "manifest.json";

/// The version of this format.
pub const FORMAT: u32 = 1;

/// What must be known before anything is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub format: u32,
    /// The program that wrote it.
    pub lazaret: String,
    /// The version of the central database in it.
    pub central: usize,
    /// The contract of the sessions' files.
    pub contract: u32,
    /// When it was begun.
    pub made_at: Timestamp,
    /// The home that it is of.
    pub home: String,
}

/// What the archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Sessions.
    pub sessions: u64,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The digest of the list of digests.
    pub digests: String,
    /// Sessions of which something that matters is missing, with the reason.
    pub broken: Vec<String>,
    /// The first of the entries that were left out, with the reason.
    pub left_out: Vec<String>,
    /// How many were.
    pub left_out_in_all: u64,
}

/// Writes an archive.
pub struct ArchiveWriter<W: Write> {
    tar: Builder<W>,
    digests: File,
    manifest: Manifest,
}

/// Whose a file is, and what may be done with it.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permissions.
    pub mode: u32,
    /// When it was last changed, in seconds.
    pub modified: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins with the head. `digests` is an empty file that is the caller's to remove.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(out: W, digests: File, head: &Head) -> io::Result<Self> {
        let mut this = Self { tar: Builder::new(out), digests, manifest: Manifest::default() };
        this.text(HEAD, &serde_json::to_vec_pretty(head)?)?;
        Ok(this)
    }

    /// A folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn folder(&mut self, path: &Path, owner: Owner) -> io::Result<()> {
        let mut header = header(owner, 0);
        header.set_entry_type(EntryType::Directory);
        self.tar.append_data(&mut header, path, io::empty())
    }

    /// Exactly `size` bytes of a file; one that turns out to be shorter is filled up, and said.
    ///
    /// # Errors
    /// When it cannot be read or the archive cannot be written.
    pub fn file(
        &mut self,
        path: &Path,
        owner: Owner,
        (bytes, size): (impl Read, u64),
    ) -> io::Result<()> {
        let Some(name) = plain_name(path) else {
            self.leave_out(path, "its name cannot be listed");
            return Ok(());
        };
        let mut reader =
            Digesting { inner: bytes.take(size), left: size, digest: Sha256::new(), short: false };
        self.tar.append_data(&mut header(owner, size), path, &mut reader)?;
        let (digest, short) = (hex(reader.digest), reader.short);
        writeln!(self.digests, "{digest}  {name}")?;
        self.manifest.files += 1;
        self.manifest.bytes += size;
        if short {
            self.leave_out(path, "its end: it was cut while it was read");
        }
        Ok(())
    }

    /// Says that something is not in the archive.
    pub fn leave_out(&mut self, path: &Path, why: &str) {
        self.manifest.left_out_in_all += 1;
        if self.manifest.left_out.len() < limits::LEFT_OUT_SHOWN {
            self.manifest.left_out.push(format!("{}: {why}", path.display()));
        }
    }

    /// Says that what matters of a session is not in the archive.
    pub fn broken(&mut self, session: &str, why: &str) {
        self.manifest.broken.push(format!("{session}: {why}"));
    }

    /// A session is in the archive.
    pub fn count_session(&mut self) {
        self.manifest.sessions += 1;
    }

    /// Writes the digests and the end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self) -> io::Result<Manifest> {
        use std::io::Seek;

        let size = self.digests.stream_position()?;
        self.digests.rewind()?;
        let mut reader = Digesting {
            inner: (&self.digests).take(size),
            left: size,
            digest: Sha256::new(),
            short: false,
        };
        self.tar.append_data(&mut header(OURS, size), DIGESTS, &mut reader)?;
        self.manifest.digests = hex(reader.digest);
        let manifest = self.manifest.clone();
        self.text(MANIFEST, &serde_json::to_vec_pretty(&manifest)?)?;
        self.tar.into_inner()?.flush()?;
        Ok(manifest)
    }

    fn text(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.tar.append_data(&mut header(OURS, size), name, bytes)
    }
}

impl Head {
    /// The head of an archive that is made now.
    #[must_use]
    pub fn new(home: &Path, central: usize, now: Timestamp) -> Self {
        Self {
            format: FORMAT,
            lazaret: env!("CARGO_PKG_VERSION").to_owned(),
            central,
            contract: CONTRACT_VERSION,
            made_at: now,
            home: home.display().to_string(),
        }
    }
}

/// What only the host has to do with.
pub const OURS: Owner = Owner { uid: 0, gid: 0, mode: 0o600, modified: 0 };

fn header(owner: Owner, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(owner.mode & 0o777);
    header.set_uid(owner.uid.into());
    header.set_gid(owner.gid.into());
    header.set_mtime(owner.modified);
    header.set_size(size);
    header
}

/// A name that a line of digests can hold.
fn plain_name(path: &Path) -> Option<&str> {
    path.to_str().filter(|name| !name.contains(|c: char| c.is_control() || c == '\\'))
}

/// A digest as it is written.
#[must_use]
pub fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads exactly as much as was announced, and digests it on the way.
struct Digesting<R> {
    inner: R,
    left: u64,
    digest: Sha256,
    short: bool,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most) else { return Ok(0) };
        let mut got = if self.short { 0 } else { self.inner.read(buffer)? };
        if got == 0 && most > 0 {
            self.short = true;
            buffer.fill(0);
            got = most;
        }
        self.digest.update(buffer.get(..got).unwrap_or_default());
        self.left -= u64::try_from(got).unwrap_or(self.left);
        Ok(got)
    }
}
