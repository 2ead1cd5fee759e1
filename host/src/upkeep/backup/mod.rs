//! `lazaret backup`: everything that a home must not lose, in one archive, while messages flow.
//!
//! Owns the order that makes a backup good. The central database comes first: what the sessions'
//! files know beyond it is settled from them, and what it tells again is known there already. Then
//! each session at a moment of its own, by its own task, so that it stays the only writer: the
//! mailbox and the guest's file while nothing is delivered or taken in; after that its files, which
//! the rows of that moment name and which nobody removes meanwhile.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use schemas::{
    central::MIGRATIONS,
    host_side::{InboundWriter, OutboundReader},
    ids::SessionId,
    session_dir::SessionDir,
    sqlite::copying::copy_into,
};

use super::{
    Ask,
    copies::{CENTRAL, FOLDER},
    files::{Scratch, storage},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    requests::{DaemonHandle, Request},
    store::{Health, Store},
};

pub mod archive;

mod gather;
mod send;

pub use archive::{Head, Manifest};
pub use send::{Piece, send};

/// Where a backup comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A host that runs: each session is copied by its own task.
    Live(DaemonHandle),
    /// A home without a host; the caller holds its lock.
    Still,
}

/// What is to be in it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The home.
    pub home: PathBuf,
    /// Whether agents' working folders are.
    pub work: bool,
}

/// Writes a backup. Blocks, for as long as it takes to read everything: for a thread that may, of a
/// runtime.
///
/// # Errors
/// When something of the home's own cannot be read, or the archive cannot be written. A session
/// that cannot be read is left out and named instead.
pub fn write(
    source: &Source,
    wanted: &Wanted,
    out: impl Write,
    now: Timestamp,
) -> Result<Manifest> {
    let scratch = Scratch::below(&wanted.home.join(FOLDER), now)?;
    let (central, health) = central(&wanted.home, scratch.path())?;
    let failed = |error| storage("cannot write the backup of", &wanted.home, error);
    let list = scratch.path().join("digests");
    let digests = File::options().read(true).write(true).create_new(true).open(&list);
    let head = Head::new(&wanted.home, MIGRATIONS.len(), now);
    let mut archive = digests
        .and_then(|digests| archive::ArchiveWriter::begin(out, digests, &head))
        .map_err(failed)?;
    gather::plain(&mut archive, &central, Path::new(CENTRAL)).map_err(failed)?;
    gather::settings(&mut archive, &wanted.home).map_err(failed)?;
    for folder in &health.folders {
        gather::agent(&mut archive, &wanted.home, folder).map_err(failed)?;
    }
    for session in &health.sessions {
        let dir = SessionDir::on_host(&wanted.home, &session.agent, &session.id);
        if !dir.root().exists() {
            continue;
        }
        let moment = scratch.path().join(session.id.as_str());
        match taken(source, &session.id, &dir, &moment) {
            Ok(notes) => {
                for note in notes {
                    archive.broken(session.id.as_str(), &note);
                }
                gather::session(&mut archive, wanted, (&dir, &moment)).map_err(failed)?;
            }
            // The host ends: what is left would all be missing.
            Err(gone) if gone.kind == ErrorKind::HostDown => return Err(gone),
            Err(failure) => archive.broken(session.id.as_str(), &failure.chain()),
        }
        // Not two sessions' copies at once on the disk.
        let _kept_until_the_end = std::fs::remove_dir_all(&moment).is_err();
    }
    archive.end().map_err(failed)
}

/// The central database of one moment, and what it knows.
fn central(home: &Path, scratch: &Path) -> Result<(PathBuf, Health)> {
    let copy = scratch.join(CENTRAL);
    copy_into(&home.join(CENTRAL), &copy)?;
    // Opened, it is brought to this program's version.
    let store = Store::open(&copy)?;
    let health = tokio::runtime::Handle::current().block_on(store.health(1))?;
    drop(store);
    if let Some(wrong) = health.wrong.first() {
        let wrong = [wrong.clone()];
        return Err(crate::text::upkeep::central_damaged(&home.join(CENTRAL), &wrong));
    }
    Ok((copy, health))
}

/// Both databases of a session at one moment, in a folder of their own; answers what is not there
/// and why.
fn taken(source: &Source, id: &SessionId, dir: &SessionDir, to: &Path) -> Result<Vec<String>> {
    std::fs::create_dir(to).map_err(|error| storage("cannot make", to, error))?;
    let notes = match source {
        Source::Live(daemon) => {
            let ask = |answer| Ask::Snapshot(id.clone(), to.to_owned(), answer).into();
            tokio::runtime::Handle::current().block_on(asked(daemon, ask))?
        }
        Source::Still => {
            let writer = InboundWriter::new(dir.clone());
            moment(&writer, &mut OutboundReader::new(dir.clone()), to)?
        }
    };
    // Rows are in the mailbox until they are in the history, so this order misses none.
    InboundWriter::new(dir.clone()).save_history(to)?;
    Ok(notes)
}

/// A session with a full mailbox is asked again.
async fn asked<T>(
    daemon: &DaemonHandle,
    ask: impl Fn(crate::requests::Answer<T>) -> Request,
) -> Result<T> {
    use crate::limits::upkeep::{SNAPSHOT_PAUSE, SNAPSHOT_TRIES};

    for _ in 0..SNAPSHOT_TRIES {
        match daemon.ask_surely(&ask).await {
            Err(busy) if busy.kind == ErrorKind::Busy => tokio::time::sleep(SNAPSHOT_PAUSE).await,
            answer => return answer,
        }
    }
    Err(HostError::new(ErrorKind::Busy, "the session is too busy to be copied"))
}

/// What a session's own task does for it: nothing is taken in or delivered meanwhile. The mailbox
/// first, so that whatever its ledger says was delivered stands in the guest's file.
///
/// # Errors
/// When the mailbox cannot be read; a guest's file that cannot be is answered.
pub fn moment(
    writer: &InboundWriter,
    reader: &mut OutboundReader,
    to: &Path,
) -> Result<Vec<String>> {
    writer.save(to)?;
    match reader.save(to) {
        Ok(_) => Ok(Vec::new()),
        Err(refused) => Ok(vec![format!("the agent's own file is left out: {refused}")]),
    }
}
