//! The socket file of one session.
//!
//! Owns its place, its mode and how it replaces an older one: made beside its place and put there by
//! rename, so that a guest finds the old or the new one and never a gap. The folder stays what it
//! is: a container that an earlier host started has it mounted. Whoever may use the folder may use
//! the socket, by the folder's group: the container's, where the host could give it one, else the
//! host's own user is the container's.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use schemas::model_call::MODEL_SOCKET;
use tokio::net::UnixListener;

/// A socket file that is removed when it goes.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

/// Listens in a folder, which is made when it is missing.
pub(super) fn bind(folder: &Path) -> io::Result<(UnixListener, SocketFile)> {
    fs::create_dir_all(folder)?;
    let (path, fresh) = (folder.join(MODEL_SOCKET), folder.join(".model.new"));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    open_to_group(&fresh, fs::metadata(folder)?.gid())?;
    fs::rename(&fresh, &path)?;
    Ok((listener, SocketFile(path)))
}

/// Lets the folder's group in, and nobody else.
fn open_to_group(socket: &Path, group: u32) -> io::Result<()> {
    if fs::symlink_metadata(socket)?.gid() != group {
        chown(socket, None, Some(group))?;
    }
    // Its mode last: chown may take bits away.
    fs::set_permissions(socket, Permissions::from_mode(0o660))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A folder that is gone took it along.
        let _gone_already = fs::remove_file(&self.0).is_err();
    }
}
