//! An engine for a machine that has none: Debian and Ubuntu, as root.

use std::{fs::File, path::Path, process::Stdio};

use tokio::process::Command;

use crate::error::{ErrorKind, HostError, Result};

/// Whether an engine can be installed here without asking anybody.
pub(super) fn can_install() -> bool {
    let released = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    nix::unistd::geteuid().is_root() && is_debian(&released)
}

/// Installs Docker's engine and starts it.
pub(super) async fn install() -> Result<()> {
    done("apt-get", &["update", "-q"]).await?;
    done("apt-get", &["install", "-y", "-q", "--no-install-recommends", "docker.io"]).await?;
    if Path::new("/run/systemd/system").is_dir() {
        return done("systemctl", &["start", "docker"]).await;
    }
    start_alone()
}

/// Where no service manager runs, such as in a container: it outlives the demo, as it would there.
fn start_alone() -> Result<()> {
    let failed = |error: std::io::Error| {
        HostError::new(ErrorKind::Engine, "cannot start dockerd").because(error)
    };
    let log = File::create("/var/log/dockerd.log").map_err(failed)?;
    let mut command = std::process::Command::new("dockerd");
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map(drop).map_err(failed)
}

async fn done(program: &str, args: &[&str]) -> Result<()> {
    let said = format!("{program} {}", args.join(" "));
    let ran = Command::new(program)
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .await;
    match ran {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(HostError::new(ErrorKind::Engine, format!("{said}: {status}"))),
        Err(error) => {
            Err(HostError::new(ErrorKind::Engine, format!("cannot run {said}")).because(error))
        }
    }
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
}
