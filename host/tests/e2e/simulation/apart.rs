//! Scripts have disks that become full, and those are mounted where nobody else sees them: the
//! scripts are played by this very program, begun once more with mounts of its own.

use std::process::Command;

const APART: &str = "SIMULATION_IS_APART";

/// What to do on a machine where no disk can be made.
const CANNOT: &str = "no tmpfs can be mounted here, so nothing was proven about full disks: run \
                      the tests as root, or where unprivileged user namespaces are allowed";

#[expect(clippy::disallowed_methods, reason = "whether it is apart is no setting of the host")]
fn is_apart() -> bool {
    std::env::var_os(APART).is_some()
}

/// Plays apart from the machine's mounts, and fails as the playing does. Whoever plays one script
/// alone reads what happens in it.
pub(super) fn apart(test: &str, aloud: bool, play: impl FnOnce()) {
    if is_apart() {
        return play();
    }
    let root = nix::unistd::geteuid().is_root();
    let user: &[&str] = if root { &[] } else { &["--user", "--map-root-user"] };
    let apart = ["--mount", "--", "mount", "-t", "tmpfs", "none", "/tmp"];
    let can = Command::new("unshare").args(user).args(apart).output();
    assert!(can.is_ok_and(|can| can.status.success()), "{CANNOT}");
    let me = std::env::current_exe().unwrap();
    let mut playing = Command::new("unshare");
    playing.args(user).args(["--mount", "--"]).arg(me);
    playing.args(["--exact", test, "--nocapture"]).env(APART, "yes");
    let played = playing.output().unwrap();
    let said =
        [played.stdout, played.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(played.status.success(), "{}", said.join("\n"));
    if aloud {
        tell(&said.join("\n"));
    }
}

#[expect(clippy::print_stderr, reason = "for whoever plays a script")]
pub(super) fn tell(what: &str) {
    eprintln!("{what}");
}
