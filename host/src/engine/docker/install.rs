//! What the adapter needs from the host's disk: the guest binary's digest, and the few files that
//! it puts where containers can mount them. Never writes anywhere else.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{DockerSettings, fault};
use crate::engine::{
    EngineError,
    base_image::{self, BaseImage},
    facts::InstallFacts,
    spec::SECCOMP_PROFILE,
};

/// What is the same for all containers of the install, and the image for agents without one.
pub(super) fn facts(settings: &DockerSettings) -> Result<(InstallFacts, BaseImage), EngineError> {
    let guest = fs::read(&settings.guest)
        .map_err(|source| fault::guest_missing(&settings.guest, source))?;
    let base = base_image::base_image(settings.contract_version).map_err(fault::own_files)?;
    let install = InstallFacts {
        install: settings.install.clone(),
        guest: settings.guest.clone(),
        guest_digest: base_image::hex(&Sha256::digest(guest)),
        contract_version: settings.contract_version,
        built_in_image: base.reference.clone(),
        engine_dir: settings.engine_dir.clone(),
        runtime: settings.runtime.clone(),
    };
    Ok((install, base))
}

/// Puts the shared files in place. Their directory may lie in memory and vanish with a reboot or
/// a logout, so this is asked before each start.
pub(super) fn write_files(install: &InstallFacts) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&install.engine_dir)?;
    write_once(&install.hosts_file(), base_image::HOSTS)?;
    write_once(&install.seccomp_file(), SECCOMP_PROFILE)
}

/// A file that is right already is left alone: running containers have it mounted.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let new = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    // Readable by the container's user, whatever the host's umask is.
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    fs::rename(new, path)
}
