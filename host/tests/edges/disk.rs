//! A small disk of a test's own: a tmpfs that can be filled, made read-only and looked into.
//!
//! It is mounted in a mount namespace that lives as long as one process, which waits for the end of
//! its input; so it is gone with the test, however that ends. Root needs nothing else. Anybody
//! else gets a user namespace, too; where the kernel forbids those, the test fails and says so.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What to do on a machine where no disk can be made.
const CANNOT: &str = "no tmpfs can be mounted here, so nothing was proven about bad disks: run the \
                      tests as root, or where unprivileged user namespaces are allowed";

/// One disk, mounted at one place that only those see who enter.
pub(crate) struct Disk {
    holder: Child,
    place: PathBuf,
    enter: &'static [&'static str],
}

impl Disk {
    /// Mounts a disk of so many KiB over a folder.
    pub(crate) fn over(place: &Path, kib: u32) -> Self {
        let root = nix::unistd::geteuid().is_root();
        let (apart, enter): (&[&str], &[&str]) = if root {
            (&["--mount"], &["--mount"])
        } else {
            (
                &["--user", "--map-root-user", "--mount"],
                &["--user", "--preserve-credentials", "--mount"],
            )
        };
        let mount = format!(
            "mount -t tmpfs -o size={kib}k,mode=700 none \"$1\" && echo mounted && exec cat"
        );
        let mut holder = Command::new("unshare")
            .args(apart)
            .args(["sh", "-c", &mount, "sh"])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(CANNOT);
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "mounted\n", "{CANNOT}");
        Self { holder, place: place.to_owned(), enter }
    }

    /// A program that sees the disk.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string()]).args(self.enter);
        command.args(["--", program]);
        command
    }

    /// A path on the disk, as this process may open it.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let inside = path.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(inside)
    }

    /// Writes until nothing fits any more.
    pub(crate) fn fill(&self) {
        let mut balloon = File::create(self.balloon()).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while balloon.write_all(&vec![1; size]).is_ok() {}
        }
    }

    /// Takes back what [`fill`](Self::fill) wrote.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.balloon()).unwrap();
    }

    /// Makes one folder on it read-only, or all of it.
    pub(crate) fn protect(&self, folder: &Path) {
        let bind = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
        self.must(bind, folder);
    }

    /// The opposite of [`protect`](Self::protect).
    pub(crate) fn unprotect(&self, folder: &Path) {
        self.must("umount \"$1\"", folder);
    }

    fn must(&self, script: &str, folder: &Path) {
        let mut command = self.command("sh");
        let done = command.args(["-c", script, "sh"]).arg(folder).status().unwrap();
        assert!(done.success(), "{script} {}", folder.display());
    }

    fn balloon(&self) -> PathBuf {
        self.seen(&self.place).join("balloon")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.kill().and_then(|()| self.holder.wait()));
    }
}
