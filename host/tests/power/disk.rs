//! The disk: ext4 in a file, on btrfs in another file, both by loop devices. Everything is taken
//! away when it is dropped.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

/// Bytes of the whole; files are sparse.
const OUTER: u64 = 4 << 30;
/// Bytes of the disk that the home lies on.
const INNER: u64 = 256 << 20;

/// A file system that is mounted from a file.
pub(crate) struct Mounted {
    at: PathBuf,
    file: PathBuf,
}

impl Mounted {
    fn new(file: PathBuf, at: PathBuf) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        run("mount", &["-o", "loop", path(&file), path(&at)]);
        Self { at, file }
    }

    /// The home on it.
    pub(crate) fn home(&self) -> PathBuf {
        self.at.join("home")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: after a test that failed somebody may still be there.
        let taken = Command::new("umount").arg("--lazy").arg(&self.at).status();
        drop(taken.map(|_| std::fs::remove_file(&self.file)));
    }
}

/// The disk of a machine whose power can be cut.
pub(crate) struct Disk {
    // In this order: the inner one goes first.
    inner: Mounted,
    outer: Mounted,
    _folder: tempfile::TempDir,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lzp").tempdir_in("/tmp").unwrap();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/packages");
        run(path(&scripts), &["mkfs.btrfs=btrfs-progs", "mkfs.ext4=e2fsprogs"]);
        let file = folder.path().join("btrfs");
        File::create(&file).unwrap().set_len(OUTER).unwrap();
        run("mkfs.btrfs", &["-q", path(&file)]);
        let outer = Mounted::new(file, folder.path().join("outer"));
        let file = outer.at.join("disk");
        File::create(&file).unwrap().set_len(INNER).unwrap();
        run("mkfs.ext4", &["-q", path(&file)]);
        let inner = Mounted::new(file, folder.path().join("inner"));
        Self { inner, outer, _folder: folder }
    }

    /// The home on it.
    pub(crate) fn home(&self) -> PathBuf {
        self.inner.home()
    }

    /// What the disk holds at this moment, mounted as after a power cut.
    pub(crate) fn cut(&self) -> Mounted {
        let copy = self.outer.at.join("cut");
        run("cp", &["--reflink=always", path(&self.inner.file), path(&copy)]);
        Mounted::new(copy, self.outer.at.join("after"))
    }
}

fn run(program: &str, args: &[&str]) {
    let ended = Command::new(program).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{program} {args:?} (loop devices and root needed): {said}");
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
