//! The image for agents that bring none: a root file system with almost nothing in it, made in
//! memory. The guest binary is mounted, so no program is needed inside. Nothing is ever pulled.

use std::io;

use sha2::{Digest, Sha256};

/// Folders of the image. The mount points are there so that an engine has none to make.
const FOLDERS: [(&str, u32); 16] = [
    ("dev/", 0o755),
    ("etc/", 0o755),
    ("opt/", 0o755),
    ("opt/lazaret/", 0o755),
    ("proc/", 0o755),
    ("sys/", 0o755),
    ("tmp/", 0o1777),
    ("usr/", 0o755),
    ("var/", 0o755),
    ("workspace/", 0o755),
    ("workspace/agent/", 0o755),
    ("workspace/home/", 0o755),
    ("workspace/in/", 0o755),
    ("workspace/out/", 0o755),
    ("workspace/sock/", 0o755),
    ("workspace/work/", 0o755),
];

/// Files of the image. The container's user is a bare number; the names are for programs that
/// want some.
const FILES: [(&str, &str); 5] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/nonexistent:/nonexistent\n\
         agent:x:1000:1000:agent:/workspace/home:/nonexistent\n\
         nobody:x:65534:65534:nobody:/nonexistent:/nonexistent\n",
    ),
    ("etc/group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"),
    ("etc/hosts", HOSTS),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ("opt/lazaret/guest", ""),
];

/// The hosts file of every container: there is a loopback and nothing else.
pub const HOSTS: &str = "127.0.0.1 localhost agent\n::1 localhost\n";

/// An image that is ready to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// Its root file system; the same bytes on every machine.
    pub tar: Vec<u8>,
    /// Its name for a contract version: the digest of the bytes is in it, so a changed image is
    /// another image.
    pub reference: String,
}

/// Makes the image for a contract version.
///
/// # Errors
/// Only when a constant of this file does not fit into a tar header.
pub fn base_image(contract_version: u32) -> io::Result<BaseImage> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode) in FOLDERS {
        append(&mut builder, (path, mode), tar::EntryType::Directory, "")?;
    }
    for (path, text) in FILES {
        append(&mut builder, (path, 0o644), tar::EntryType::Regular, text)?;
    }
    let tar = builder.into_inner()?;
    let digest = hex(&Sha256::digest(&tar));
    let short = digest.get(..8).unwrap_or(&digest);
    Ok(BaseImage { reference: format!("lazaret/base:{contract_version}-{short}"), tar })
}

/// Bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn append(
    builder: &mut tar::Builder<Vec<u8>>,
    (path, mode): (&str, u32),
    kind: tar::EntryType,
    text: &str,
) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    // No clock: the same bytes give the same name everywhere.
    header.set_mtime(0);
    header.set_size(u64::try_from(text.len()).unwrap_or(u64::MAX));
    builder.append_data(&mut header, path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_the_same_each_time_and_named_by_its_content() {
        let image = base_image(1).unwrap();
        assert_eq!(image, base_image(1).unwrap());
        assert!(image.reference.starts_with("lazaret/base:1-"));
        assert_ne!(image.reference, base_image(2).unwrap().reference);
    }

    #[test]
    fn every_mount_point_of_the_contract_is_in_it() {
        let image = base_image(1).unwrap();
        let mut archive = tar::Archive::new(image.tar.as_slice());
        let paths: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| format!("/{}", entry.unwrap().path().unwrap().display()))
            .collect();
        let mounts = crate::engine::mounts::mounts(
            &crate::engine::fixtures::request(),
            &crate::engine::fixtures::install(),
        );
        for mount in mounts.unwrap() {
            let found = paths.iter().any(|path| path.trim_end_matches('/') == mount.target);
            assert!(found, "{} is missing", mount.target);
        }
    }
}
