//! The host's way to `outbound.db`: a locked copy through a descriptor of its own.
//!
//! Owns everything up to the first question: `SQLite` never sees the path, since it would trust
//! the files beside it, and the guest owns those. One descriptor is kept per live session:
//! closing one drops every POSIX lock that this *process* holds on the file, which would break a
//! guest that runs in it. So whatever can be known without opening is looked at without opening.
//!
//! **Invariant:** a state of the file is remembered as known only once a copy of it was handed
//! out, and never one with a live journal beside it, so a rollback cannot lead back to a number
//! that stood for something else.

use std::{
    fs::File,
    io::{self, Read},
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::Path,
    time::Duration,
};

use nix::sys::stat::FileStat;

use super::{MIGRATIONS, lock::CopyLock, read::OutboundCopy, tables};
use crate::{
    beneath,
    limits::{COPY_DEADLINE, LOCK_PATIENCE, OUTBOUND_HARD_BYTES},
    refused::{Refused, RefusedKind},
    session_dir::{OUTBOUND_DB, SessionDir},
    sqlite::hostile::HostileDb,
};

/// Reads one live session's `outbound.db`. Blocks for as long as the guest's lock is waited for,
/// so it is used on a thread that may.
#[derive(Debug)]
pub struct OutboundReader {
    dir: SessionDir,
    patience: Duration,
    kept: Option<Kept>,
}

/// What one look found.
#[derive(Debug)]
pub enum Reading {
    /// The guest has written nothing yet.
    Absent,
    /// As at the last copy.
    Unchanged,
    /// A journal waits for its writer: try after the guest's next write.
    NotSettled,
    /// What was committed.
    Copy(OutboundCopy),
}

impl OutboundReader {
    /// A reader for a session's file, which need not be there yet.
    #[must_use]
    pub fn new(dir: SessionDir) -> Self {
        Self { dir, patience: LOCK_PATIENCE, kept: None }
    }

    /// Waits otherwise than [`LOCK_PATIENCE`] for the guest's lock.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// One look. `force` copies even what has not changed.
    ///
    /// # Errors
    /// When what lies there is not a guest's honest database; see [`RefusedKind`].
    pub fn read(&mut self, force: bool) -> Result<Reading, Refused> {
        let out = match beneath::folder(&self.dir.out_dir()) {
            Ok(out) => out,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Absent),
            Err(error) => {
                return Err(Refused::because(RefusedKind::Io, "cannot open the folder out", error));
            }
        };
        let path = Path::new(OUTBOUND_DB);
        let Some(stat) = beneath::look(&out, path)? else {
            self.kept = None;
            return Ok(Reading::Absent);
        };
        beneath::check_stat(&stat, OUTBOUND_DB, OUTBOUND_HARD_BYTES)?;
        let patience = self.patience;
        let kept = match self.kept.take() {
            Some(kept) if kept.identity == (stat.st_dev, stat.st_ino) => kept,
            _ => Kept::open(&out)?,
        };
        self.kept.insert(kept).look(&out, force, patience)
    }

    /// One look on somebody else's behalf: what is new for [`OutboundReader::read`] stays new.
    ///
    /// # Errors
    /// As [`OutboundReader::read`].
    pub fn peek(&mut self) -> Result<Reading, Refused> {
        let before = self.kept.as_mut().and_then(|kept| Some((kept.identity, kept.known.take()?)));
        let reading = self.read(true);
        if let Some(kept) = &mut self.kept {
            kept.known = before.filter(|(of, _)| *of == kept.identity).map(|(_, known)| known);
        }
        reading
    }
}

impl OutboundReader {
    /// Puts the file's bytes of one moment into a folder, with a journal that waits beside it:
    /// whoever opens the two next takes the half write back. `false` when there is no file yet.
    ///
    /// # Errors
    /// When what lies there is no file that a guest may have; see [`RefusedKind`].
    pub fn save(&mut self, to: &Path) -> Result<bool, Refused> {
        let out = match beneath::folder(&self.dir.out_dir()) {
            Ok(out) => out,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(io_error("cannot open the folder out", error)),
        };
        let Some(stat) = beneath::look(&out, Path::new(OUTBOUND_DB))? else { return Ok(false) };
        beneath::check_stat(&stat, OUTBOUND_DB, OUTBOUND_HARD_BYTES)?;
        let kept = match self.kept.take() {
            Some(kept) if kept.identity == (stat.st_dev, stat.st_ino) => kept,
            _ => Kept::open(&out)?,
        };
        self.kept.insert(kept).save(&out, to, self.patience)
    }
}

/// The one descriptor, and what was last seen through it.
#[derive(Debug)]
struct Kept {
    file: File,
    identity: (u64, u64),
    known: Option<State>,
}

/// All that tells one committed state from another without reading it. The change counter alone
/// would do for `SQLite`'s own writers; the rest costs nothing and covers the others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    header: [u8; HEADER],
    size: u64,
    modified: (i64, i64),
}

impl Kept {
    fn open(out: &OwnedFd) -> Result<Self, Refused> {
        let file = beneath::open_file(out, Path::new(OUTBOUND_DB))?;
        let stat = beneath::stat_of(&file, OUTBOUND_DB)?;
        Ok(Self { file, identity: (stat.st_dev, stat.st_ino), known: None })
    }

    fn look(&mut self, out: &OwnedFd, force: bool, patience: Duration) -> Result<Reading, Refused> {
        let lock = CopyLock::take(&self.file, patience)?;
        // Again, and of what was opened: the guest may have changed it since.
        let stat = beneath::stat_of(&self.file, OUTBOUND_DB)?;
        let size = beneath::check_stat(&stat, OUTBOUND_DB, OUTBOUND_HARD_BYTES)?;
        if journal_is_live(out)? {
            return Ok(Reading::NotSettled);
        }
        if size == 0 {
            // The guest has opened its file and not committed yet.
            return Ok(Reading::Absent);
        }
        let state = State { header: header(&self.file)?, size, modified: modified(&stat) };
        if !force && self.known.as_ref() == Some(&state) {
            return Ok(Reading::Unchanged);
        }
        check_header(&state.header, size)?;
        let bytes = Positioned { file: &self.file, at: 0 };
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let db = HostileDb::read(bytes, length, COPY_DEADLINE);
        drop(lock);
        let mut db = db.map_err(tables::refuse)?;
        tables::check(&mut db, MIGRATIONS)?;
        self.known = Some(state);
        Ok(Reading::Copy(OutboundCopy::new(db, size)))
    }
}

impl Kept {
    fn save(&self, out: &OwnedFd, to: &Path, patience: Duration) -> Result<bool, Refused> {
        let lock = CopyLock::take(&self.file, patience)?;
        let stat = beneath::stat_of(&self.file, OUTBOUND_DB)?;
        let size = beneath::check_stat(&stat, OUTBOUND_DB, OUTBOUND_HARD_BYTES)?;
        let write = |bytes: &mut dyn Read, name: &str| {
            let mut file = File::create_new(to.join(name))?;
            io::copy(bytes, &mut file)
        };
        let failed = |error| io_error("cannot copy the database", error);
        write(&mut Positioned { file: &self.file, at: 0 }.take(size), OUTBOUND_DB)
            .map_err(failed)?;
        if journal_is_live(out)? {
            let journal = beneath::open_file(out, Path::new(JOURNAL))?;
            let size = beneath::check_file(&journal, JOURNAL, OUTBOUND_HARD_BYTES)?;
            write(&mut journal.take(size), JOURNAL).map_err(failed)?;
        }
        drop(lock);
        Ok(true)
    }
}

/// `SQLite`'s own rule for a journal that would be rolled back. To be asked under the lock: else
/// it may be one of a commit that is going on.
fn journal_is_live(out: &OwnedFd) -> Result<bool, Refused> {
    let path = Path::new(JOURNAL);
    let Some(stat) = beneath::look(out, path).map_err(|e| journal(&e.message))? else {
        return Ok(false);
    };
    if !beneath::is_regular(&stat) || stat.st_nlink > 1 {
        return Err(journal("it is not a file of its own"));
    }
    if stat.st_size == 0 {
        return Ok(false);
    }
    let file = match beneath::open_file(out, path) {
        Ok(file) => file,
        Err(error) if error.is_missing() => return Ok(false),
        Err(error) => return Err(journal(&error.message)),
    };
    beneath::check_file(&file, JOURNAL, u64::MAX).map_err(|e| journal(&e.message))?;
    let mut first = [0];
    let got = file.read_at(&mut first, 0).map_err(|e| io_error("cannot read the journal", e))?;
    Ok(got == 1 && first != [0])
}

const JOURNAL: &str = "outbound.db-journal";

fn journal(why: &str) -> Refused {
    Refused::new(RefusedKind::Journal, format!("the journal is refused: {why}"))
}

const HEADER: usize = 100;

fn header(file: &File) -> Result<[u8; HEADER], Refused> {
    let mut header = [0; HEADER];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => Ok(header),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Refused::because(RefusedKind::NotADatabase, "the file has no header", error))
        }
        Err(error) => Err(io_error("cannot read the header", error)),
    }
}

fn check_header(header: &[u8; HEADER], size: u64) -> Result<(), Refused> {
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(Refused::new(RefusedKind::NotADatabase, "the file is not a database"));
    }
    // Bytes 18 and 19 are the write and read versions: 1 is a rollback journal, 2 is WAL, whose
    // newest rows lie in another file.
    if header.get(18..20) != Some(&[1, 1]) {
        return Err(Refused::new(RefusedKind::NotADatabase, "the database is in WAL mode"));
    }
    // SQLite takes a last page that is cut short for one that ends in zeros.
    let page = match u64::from(be16(header, 16)) {
        1 => 65_536,
        size => size,
    };
    let pages = u64::from(be16(header, 28)) << 16 | u64::from(be16(header, 30));
    if page < 512 || !size.is_multiple_of(page) || size < pages * page {
        return Err(Refused::new(RefusedKind::NotADatabase, "the database is cut short"));
    }
    Ok(())
}

fn be16(header: &[u8; HEADER], at: usize) -> u16 {
    let bytes = header.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
    u16::from_be_bytes(bytes.unwrap_or_default())
}

fn modified(stat: &FileStat) -> (i64, i64) {
    (stat.st_mtime, stat.st_mtime_nsec)
}

fn io_error(what: &str, error: io::Error) -> Refused {
    Refused::because(RefusedKind::Io, what, error)
}

/// Reads from a position of its own: the descriptor is kept and shared with nobody's cursor.
struct Positioned<'f> {
    file: &'f File,
    at: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, self.at)?;
        self.at += u64::try_from(got).unwrap_or_default();
        Ok(got)
    }
}
