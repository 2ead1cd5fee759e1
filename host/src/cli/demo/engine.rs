//! An engine for a machine that has none: Debian and Ubuntu, as root.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Stdio},
};

use tokio::process::Command;

use crate::error::{ErrorKind, HostError, Result};

/// The engine, and what it needs on some machines: profiles where the kernel has `AppArmor`, and
/// certificates to pull images.
const PACKAGES: [&str; 3] = ["docker.io", "apparmor", "ca-certificates"];

/// What an engine says that we started ourselves.
const LOG: &str = "/var/log/dockerd.log";

/// An engine that was installed.
pub(super) struct Installed(Option<Child>);

impl Installed {
    /// Why it ended, if we started it and it has.
    pub(super) fn gave_up(&mut self) -> Option<String> {
        self.0.as_mut()?.try_wait().ok()??;
        let said = fs::read_to_string(LOG).unwrap_or_default();
        Some(last_line(&said).to_owned())
    }
}

/// Whether an engine can be installed here without asking anybody.
pub(super) fn can_install() -> bool {
    let released = fs::read_to_string("/etc/os-release").unwrap_or_default();
    nix::unistd::geteuid().is_root() && is_debian(&released)
}

/// Installs Docker's engine and starts it.
pub(super) async fn install() -> Result<Installed> {
    done("apt-get", &["update"]).await?;
    add(&PACKAGES).await?;
    if Path::new("/run/systemd/system").is_dir() {
        done("systemctl", &["start", "docker"]).await?;
        return Ok(Installed(None));
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if !has_cgroups(&mounts) {
        add(&["cgroupfs-mount"]).await?;
        done("cgroupfs-mount", &[]).await?;
    }
    start_alone().map(|child| Installed(Some(child)))
}

/// Where no service manager runs, such as in a container: it outlives the demo, as it would there.
fn start_alone() -> Result<Child> {
    let failed = |error: std::io::Error| {
        HostError::new(ErrorKind::Engine, "cannot start dockerd").because(error)
    };
    let log = File::create(LOG).map_err(failed)?;
    let mut command = std::process::Command::new("dockerd");
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(failed)
}

async fn add(packages: &[&str]) -> Result<()> {
    let all = ["install", "--yes", "--no-install-recommends"];
    done("apt-get", &[&all, packages].concat()).await
}

/// What it prints is shown when it fails only: it is hundreds of lines.
async fn done(program: &str, args: &[&str]) -> Result<()> {
    let command = format!("{program} {}", args.join(" "));
    let ran = Command::new(program)
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .await;
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => {
            let said = String::from_utf8_lossy(&ran.stderr);
            let why = format!("{command}: {}: {}", ran.status, last_line(&said));
            Err(HostError::new(ErrorKind::Engine, why))
        }
        Err(error) => {
            Err(HostError::new(ErrorKind::Engine, format!("cannot run {command}")).because(error))
        }
    }
}

fn last_line(said: &str) -> &str {
    said.trim_end().lines().next_back().unwrap_or("it said nothing")
}

/// Whether control groups can be reached; a service manager or a container's engine sees to it.
fn has_cgroups(mountinfo: &str) -> bool {
    let targets = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    targets.into_iter().any(|target| Path::new(target).starts_with("/sys/fs/cgroup"))
}

/// Reads `/etc/os-release`.
fn is_debian(released: &str) -> bool {
    released
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| matches!(*key, "ID" | "ID_LIKE"))
        .flat_map(|(_, value)| value.trim_matches('"').split_whitespace())
        .any(|word| matches!(word, "debian" | "ubuntu"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_what_is_like_it_are_recognised() {
        assert!(is_debian("PRETTY_NAME=\"Debian\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nNAME=\"not debian\"\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn control_groups_are_mounted_in_one_piece_or_several() {
        let mount = |target| format!("36 25 0:31 / {target} rw,nosuid - cgroup2 cgroup2 rw\n");
        assert!(has_cgroups(&mount("/sys/fs/cgroup")));
        assert!(has_cgroups(&mount("/sys/fs/cgroup/pids")));
        assert!(!has_cgroups(&mount("/sys")) && !has_cgroups(&mount("/sys/fs/cgroups")));
    }

    #[test]
    fn of_what_was_said_the_end_counts() {
        assert_eq!(last_line("first\nE: no package\n\n"), "E: no package");
        assert_eq!(last_line(""), "it said nothing");
    }
}
