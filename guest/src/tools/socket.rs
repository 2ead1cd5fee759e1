//! The tools for runtimes that start a program for each MCP server: a socket, and the pipe to it.
//!
//! Owns the socket's private folder, and how many are served at once. `lazaret-guest tools` is two
//! threads that copy bytes; everything that a tool does is done by the guest that listens.

use std::{
    fs::{self, DirBuilder},
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::{fs::DirBuilderExt, net::UnixStream},
    path::{Path, PathBuf},
    thread,
};

use jiff::Timestamp;
use schemas::ids::fresh_ulid;
use tokio::{net::UnixListener, select, task::JoinSet};

use super::{Desk, serve};
use crate::limits;

/// Listens for the tools of one guest.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    folder: PathBuf,
    desk: Desk,
}

impl Listener {
    /// Makes a folder of its own below `place`, with the socket in it, and tells the desk.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(place: &Path, now: Timestamp, desk: &Desk) -> io::Result<Self> {
        let folder = place.join(format!("lazaret-{}", fresh_ulid(now)));
        // Fails for what is there already: nobody else's folder, and no link, is used.
        DirBuilder::new().mode(0o700).create(&folder)?;
        let path = folder.join("tools");
        let socket = UnixListener::bind(&path)?;
        desk.is_reached_at(path);
        Ok(Self { socket, folder, desk: desk.clone() })
    }

    /// Serves whoever connects, for ever. Dropping it ends all connections.
    pub async fn serve(&self) {
        let mut served = JoinSet::new();
        loop {
            select! {
                // Ends first, so that there is room for who comes.
                biased;
                Some(_ended) = served.join_next() => {}
                came = self.socket.accept(), if served.len() < limits::TOOL_CONNECTIONS => {
                    match came {
                        Ok((stream, _)) => drop(served.spawn(serve(stream, self.desk.clone()))),
                        Err(error) => {
                            tracing::warn!(%error, "cannot take a connection to the tools");
                            tokio::time::sleep(limits::READ_PAUSE_MAX).await;
                        }
                    }
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::debug!(%error, "cannot remove the socket of the tools");
        }
    }
}

/// Carries standard input to a socket and back to standard output, until the socket is closed.
///
/// # Errors
/// When the socket cannot be reached, or standard output is gone.
pub fn pipe(socket: &Path) -> io::Result<()> {
    let mut from = UnixStream::connect(socket)?;
    let mut to = from.try_clone()?;
    // Not joined: it may wait for input for ever, and ends with the process.
    let _input = thread::spawn(move || {
        let carried = carry(&mut io::stdin().lock(), &mut to);
        // What was asked already is still answered.
        carried.and_then(|()| to.shutdown(Shutdown::Write))
    });
    carry(&mut from, &mut io::stdout().lock())
}

/// Not `io::copy`: that lets the kernel splice, which holds a pipe's lock while it waits, and
/// whoever writes into the pipe then hangs.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut piece = [0; 16 << 10];
    loop {
        let size = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(piece.get(..size).unwrap_or_default())?;
        to.flush()?;
    }
}
