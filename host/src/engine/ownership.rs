//! Makes a session's folders fit for its container: they exist, and belong to whom `user.rs`
//! decided. Touches the top of each folder only and follows no link: what lies inside is the
//! guest's and hostile. Never creates files.

use std::{
    fs, io,
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, lchown},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::OFlag,
    unistd::{Gid, Uid, fchown},
};
use schemas::{model_call::MODEL_SOCKET, session_dir::SessionDir};

use super::{StartRequest, user::Ownership};

/// A folder that could not be made fit.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare the folder {path:?}")]
pub struct OwnershipError {
    /// Which one.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Creates what is missing and gives it to whom it must belong.
///
/// # Errors
/// With the folder, when the file system refuses, or when a folder is a link or not a folder.
pub fn apply_ownership(
    request: &StartRequest,
    ownership: &Ownership,
) -> Result<(), OwnershipError> {
    for (path, owner, mode) in folders(request, ownership) {
        prepare(&path, owner, mode).map_err(|source| OwnershipError { path, source })?;
    }
    if let Ownership::Give { gid, .. } = *ownership {
        let path = request.socket_dir.join(MODEL_SOCKET);
        share_socket(&path, gid).map_err(|source| OwnershipError { path, source })?;
    }
    Ok(())
}

/// A socket that listens there already is for whoever its folder is for: at a session's first start
/// it was made before the folder had its group. Nobody else can put anything into that folder.
fn share_socket(path: &Path, gid: u32) -> io::Result<()> {
    match lchown(path, None, Some(gid)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Owner to set (`None` leaves it), for one folder.
type Owner = Option<(Option<u32>, u32)>;

/// Mode to set (`None` leaves it), for one folder.
type Mode = Option<u32>;

/// What each folder has to be. The host keeps `in/`, the sockets and the agent's folder; the
/// guest reaches them by its group.
fn folders(request: &StartRequest, ownership: &Ownership) -> Vec<(PathBuf, Owner, Mode)> {
    let dir = SessionDir::at(&request.session_root);
    let (guests, shared) = match *ownership {
        Ownership::Keep => (None, None),
        Ownership::Give { uid, gid } => (Some((Some(uid), gid)), Some((None, gid))),
    };
    // With a group of its own: set-gid, so that files the host puts there later are in it too.
    let (in_mode, agent_mode, socket_mode) = match ownership {
        // The agent's folder is the operator's own; its mode is theirs to choose.
        Ownership::Keep => (0o700, None, 0o700),
        Ownership::Give { .. } => (0o2750, Some(0o2770), 0o710),
    };
    vec![
        (dir.log_dir(), None, Some(0o700)),
        (dir.in_dir(), shared, Some(in_mode)),
        (dir.out_dir(), guests, Some(0o700)),
        (dir.home(), guests, Some(0o700)),
        (dir.work(), guests, Some(0o700)),
        (request.agent_dir.clone(), shared, agent_mode),
        (request.socket_dir.clone(), shared, Some(socket_mode)),
    ]
}

fn prepare(path: &Path, owner: Owner, mode: Mode) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let folder = fs::OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
        .open(path)?;
    if let Some((uid, gid)) = owner {
        fchown(folder.as_fd(), uid.map(Uid::from_raw), Some(Gid::from_raw(gid)))?;
    }
    match mode {
        Some(mode) => folder.set_permissions(fs::Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::engine::fixtures;

    fn request_in(home: &Path) -> StartRequest {
        StartRequest {
            session_root: home.join("s"),
            agent_dir: home.join("agent"),
            socket_dir: home.join("sock"),
            ..fixtures::request()
        }
    }

    #[test]
    fn missing_folders_are_made_for_the_hosts_own_user() {
        let home = tempfile::tempdir().unwrap();
        let request = request_in(home.path());
        apply_ownership(&request, &Ownership::Keep).unwrap();
        for name in ["s/in", "s/out", "s/home", "s/work", "s/log", "agent", "sock"] {
            let meta = fs::metadata(home.path().join(name)).unwrap();
            assert_eq!(meta.mode() & 0o7777, 0o700, "{name}");
        }
    }

    #[test]
    fn a_socket_that_is_there_already_is_for_the_group_of_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let request = request_in(home.path());
        let own = fs::metadata(home.path()).unwrap();
        let give = Ownership::Give { uid: own.uid(), gid: own.gid() };
        apply_ownership(&request, &give).unwrap();
        let socket = request.socket_dir.join(MODEL_SOCKET);
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        apply_ownership(&request, &give).unwrap();
        assert_eq!(fs::metadata(&socket).unwrap().gid(), own.gid());
        assert_eq!(fs::metadata(&request.socket_dir).unwrap().mode() & 0o777, 0o710);
    }

    #[test]
    fn a_link_in_place_of_a_folder_is_refused_and_its_target_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let request = request_in(home.path());
        let target = home.path().join("target");
        fs::create_dir_all(&target).unwrap();
        fs::create_dir_all(home.path().join("s")).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&target, home.path().join("s/out")).unwrap();
        let refused = apply_ownership(&request, &Ownership::Keep).unwrap_err();
        assert_eq!(refused.path, home.path().join("s/out"));
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o755);
    }

    #[test]
    fn given_folders_keep_the_host_as_owner_of_what_it_writes() {
        let give = Ownership::Give { uid: 64_003, gid: 64_001 };
        let listed: Vec<_> = folders(&fixtures::request(), &give)
            .into_iter()
            .map(|(path, owner, mode)| format!("{} {owner:?} {:o}", path.display(), mode.unwrap()))
            .collect();
        insta::assert_snapshot!(listed.join("\n"), @r"
        /lazaret/sessions/a/s/log None 700
        /lazaret/sessions/a/s/in Some((None, 64001)) 2750
        /lazaret/sessions/a/s/out Some((Some(64003), 64001)) 700
        /lazaret/sessions/a/s/home Some((Some(64003), 64001)) 700
        /lazaret/sessions/a/s/work Some((Some(64003), 64001)) 700
        /lazaret/agents/andy Some((None, 64001)) 2770
        /run/lazaret/s Some((None, 64001)) 710
        ");
    }
}
