//! The socket file: made private, taken over only from the dead, opened only to the same user.

use std::{
    fs::{self, Metadata},
    io::{self, ErrorKind as Io},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use axum::serve::Listener;
use tokio::net::{UnixListener, UnixStream, unix::SocketAddr};

use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
};

/// A bound socket that only its own user (and root) gets an answer from.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    uid: u32,
}

impl Socket {
    /// Binds, in a folder that is made when missing and made private when it is not.
    ///
    /// # Errors
    /// `Conflict` when a host answers there already, `Storage` when the folder cannot be had.
    pub fn bind(path: &Path) -> Result<Self> {
        let uid = nix::unistd::geteuid().as_raw();
        if let Some(folder) = path.parent() {
            private_folder(folder, uid)?;
        }
        clear_stale(path)?;
        // The folder is private, so nobody can connect before the mode is set.
        let bound = UnixListener::bind(path).and_then(|listener| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        let listener = bound.map_err(|error| storage("cannot make the socket", path, error))?;
        Ok(Self { listener, path: path.to_owned(), uid })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn trusts(&self, stream: &UnixStream) -> bool {
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == self.uid || peer.uid() == 0 => true,
            Ok(peer) => {
                tracing::warn!(uid = peer.uid(), "refused a connection of another user");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "refused a connection of an unknown user");
                false
            }
        }
    }
}

impl Listener for Socket {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) if self.trusts(&stream) => return (stream, address),
                Ok(_refused) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

fn private_folder(folder: &Path, uid: u32) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| storage("cannot make the folder", folder, error))?;
    let found = look(folder)?;
    // In a shared place such as /tmp another user could have made it, or the one above it, first.
    let parent = folder.parent().map(look).transpose()?;
    if !found.is_dir() || found.uid() != uid || parent.is_some_and(|above| !keeps(&above, uid)) {
        let what = format!("the folder {} is not ours alone", folder.display());
        return Err(HostError::new(ErrorKind::Storage, what)
            .hint("remove it, or set LAZARET_RUN_DIR to another folder"));
    }
    if found.mode() & 0o777 != 0o700 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(|error| storage("cannot make private the folder", folder, error))?;
    }
    Ok(())
}

/// Whether nobody but us and root can put another folder in the place of ours below this one.
fn keeps(above: &Metadata, uid: u32) -> bool {
    let sticky = above.mode() & 0o1000 != 0;
    let writable_by_others = above.mode() & 0o022 != 0;
    (above.uid() == uid || above.uid() == 0) && (sticky || !writable_by_others)
}

fn look(folder: &Path) -> Result<Metadata> {
    fs::symlink_metadata(folder).map_err(|error| storage("cannot look at", folder, error))
}

/// A socket that nobody answers at is left from a host that was killed.
fn clear_stale(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == Io::NotFound => return Ok(()),
        Err(error) => return Err(storage("cannot look at", path, error)),
        Ok(found) if !found.file_type().is_socket() => {
            let what = format!("{} is in the way: it is not a socket", path.display());
            return Err(HostError::new(ErrorKind::Conflict, what).hint("move it away"));
        }
        Ok(_socket) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_answers) => {
            let what = format!("a host answers already at {}", path.display());
            Err(HostError::new(ErrorKind::Conflict, what).hint("stop it with: lazaret down"))
        }
        Err(error) if error.kind() == Io::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| storage("cannot remove", path, error))
        }
        Err(error) if error.kind() == Io::NotFound => Ok(()),
        Err(error) => Err(storage("cannot tell who answers at", path, error)),
    }
}

fn storage(what: &str, path: &Path, error: io::Error) -> HostError {
    HostError::new(ErrorKind::Storage, format!("{what} {}", path.display())).because(error)
}
