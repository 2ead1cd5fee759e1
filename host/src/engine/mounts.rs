//! What a container sees of the host: the mounts of the contract, and nothing else. PURE.
//!
//! The read-only flag of `in/` is what keeps the guest from writing the host's database, so it is
//! decided here and nowhere else. Never a socket file (its directory instead), never the engine's
//! own socket, never a device.

use std::path::Path;

use schemas::session_dir::{GUEST_ROOT, SessionDir};
use serde::Serialize;

use super::{StartRequest, facts::InstallFacts, refusal::Refusal};

/// Where the guest binary appears.
pub const GUEST_BINARY: &str = "/opt/lazaret/guest";

/// One bind mount. Always private and never recursive: what is mounted below a source on the host
/// stays out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Absolute path on the host.
    pub source: String,
    /// Absolute path in the container.
    pub target: String,
    /// Whether the kernel refuses writes.
    pub access: Access,
}

/// What the container may do with a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reading only.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// The mounts of a session's container, in the order of the contract.
///
/// # Errors
/// When a path is not absolute or not UTF-8, which an engine cannot take.
pub fn mounts(request: &StartRequest, install: &InstallFacts) -> Result<Vec<Mount>, Refusal> {
    use Access::{ReadOnly, ReadWrite};
    let host = SessionDir::at(&request.session_root);
    let guest = SessionDir::at(GUEST_ROOT);
    let agent_access = if request.agent_dir_writable { ReadWrite } else { ReadOnly };
    [
        (host.in_dir(), guest.in_dir(), ReadOnly),
        (host.out_dir(), guest.out_dir(), ReadWrite),
        (host.home(), guest.home(), ReadWrite),
        (host.work(), guest.work(), ReadWrite),
        (request.agent_dir.clone(), guest.root().join("agent"), agent_access),
        (request.socket_dir.clone(), guest.root().join("sock"), ReadOnly),
        (install.guest.clone(), GUEST_BINARY.into(), ReadOnly),
        (install.hosts_file(), "/etc/hosts".into(), ReadOnly),
    ]
    .into_iter()
    .map(|(source, target, access)| {
        Ok(Mount { source: text(&source)?, target: text(&target)?, access })
    })
    .collect()
}

fn text(path: &Path) -> Result<String, Refusal> {
    path.to_str()
        .filter(|_| path.is_absolute())
        .map(str::to_owned)
        .ok_or_else(|| Refusal::BadPath(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

    use super::*;
    use crate::engine::fixtures;

    fn access_of(request: &StartRequest, target: &str) -> Option<Access> {
        let mounts = mounts(request, &fixtures::install()).unwrap();
        mounts.into_iter().find(|m| m.target == target).map(|m| m.access)
    }

    #[test]
    fn only_out_home_and_work_can_be_written_by_an_untrusted_session() {
        let mounts = mounts(&fixtures::request(), &fixtures::install()).unwrap();
        let writable: Vec<_> = mounts
            .iter()
            .filter(|m| m.access == Access::ReadWrite)
            .map(|m| m.target.as_str())
            .collect();
        assert_eq!(writable, ["/workspace/out", "/workspace/home", "/workspace/work"]);
    }

    #[test]
    fn a_trusted_wiring_may_write_the_agents_folder() {
        let request = StartRequest { agent_dir_writable: true, ..fixtures::request() };
        assert_eq!(access_of(&request, "/workspace/agent"), Some(Access::ReadWrite));
        assert_eq!(access_of(&request, "/workspace/in"), Some(Access::ReadOnly));
    }

    #[test]
    fn a_path_that_an_engine_would_read_otherwise_is_refused() {
        for bad in [PathBuf::from("relative"), PathBuf::from(OsStr::from_bytes(b"/x/\xff"))] {
            let request = StartRequest { agent_dir: bad.clone(), ..fixtures::request() };
            assert_eq!(mounts(&request, &fixtures::install()), Err(Refusal::BadPath(bad)));
        }
    }
}
