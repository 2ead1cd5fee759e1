//! The home folder: whose it is, who may enter, what is free, and whether a host has it.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use super::Finding;
use crate::{
    admin::print::size, config::Config, limits::upkeep as limits, secrets, text::doctor as text,
    upkeep::files::free_bytes,
};

const HOME: &str = "home";

pub(super) fn look(config: &Config, answers: bool) -> Vec<Finding> {
    let home = &config.home;
    let shown = home.display();
    let found = match fs::metadata(home) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => {
            let finding = Finding::problem(HOME, format!("{shown} is not a folder"));
            return vec![finding.mend(text::OTHER_HOME)];
        }
        Err(error) => {
            let finding = Finding::problem(HOME, format!("{shown}: {error}"));
            return vec![finding.means("no host has run there").mend(text::START_HERE)];
        }
    };
    vec![mode(home, &found), owner(home, &found), space(home), host(home, answers)]
}

fn mode(home: &Path, found: &fs::Metadata) -> Finding {
    let mode = found.permissions().mode() & 0o777;
    let finding = format!("{} has mode {mode:03o}", home.display());
    if mode.trailing_zeros() >= 6 {
        return Finding::ok(HOME, finding);
    }
    Finding::warning(HOME, finding)
        .means("other users of this machine may enter it")
        .mend(format!("chmod 700 {}", home.display()))
}

fn owner(home: &Path, found: &fs::Metadata) -> Finding {
    let (owner, own) = (found.uid(), nix::unistd::geteuid().as_raw());
    if owner == own {
        return Finding::ok(HOME, format!("it belongs to this user ({own})"));
    }
    Finding::problem(HOME, format!("it belongs to user {owner}, and this is user {own}"))
        .means("a host of this user cannot keep what it must")
        .mend(format!("run as its owner, or: chown -R {own} {}", home.display()))
}

/// Whether the secrets can be opened, and where their keys are: those are in no backup.
pub(super) fn secrets(config: &Config) -> Finding {
    const SECRETS: &str = "secrets";
    let place = config.keys.as_ref().map_or_else(String::new, |keys| keys.display().to_string());
    match secrets::examine(&config.home, config.keys.clone()) {
        Ok(0) => Finding::ok(SECRETS, "none are kept"),
        Ok(count) => Finding::ok(SECRETS, format!("{count} are kept; their key lies in {place}"))
            .means(text::KEY_APART),
        Err(failure) => {
            let finding = Finding::problem(SECRETS, failure.chain()).means(text::NO_SECRETS);
            failure.hint_text().map(str::to_owned).into_iter().fold(finding, Finding::mend)
        }
    }
}

fn space(home: &Path) -> Finding {
    let free = match free_bytes(home) {
        Ok(free) => free,
        Err(error) => return Finding::warning(HOME, format!("cannot ask for free space: {error}")),
    };
    let (found, means) = (format!("{} are free", size(free)), text::DISK_FULL);
    if free < limits::FREE_PROBLEM {
        Finding::problem(HOME, found).means(means).mend(crate::text::FREE_SPACE)
    } else if free < limits::FREE_WARNING {
        Finding::warning(HOME, found).means(means).mend(crate::text::FREE_SPACE)
    } else {
        Finding::ok(HOME, found)
    }
}

/// Whether some process has the home. A shared lock is tried for a moment; a host that starts in
/// it tries more than once.
fn host(home: &Path, answers: bool) -> Finding {
    const HOST: &str = "host";
    let path = home.join("lock");
    let Ok(file) = File::open(&path) else {
        return Finding::ok(HOST, "none runs, and none ever did here");
    };
    let pid = fs::read_to_string(&path).unwrap_or_default();
    let taken = file.try_lock_shared().is_err();
    match (taken, answers) {
        (true, true) => Finding::ok(HOST, format!("runs as process {pid}")),
        (false, false) => Finding::ok(HOST, "none runs").mend(crate::text::START_IT),
        (true, false) => {
            Finding::problem(HOST, format!("process {pid} has the home and does not answer"))
                .means("it starts or ends just now, or it hangs, or it has another run folder")
                .mend(format!("look at its log; if it hangs: kill {pid}"))
        }
        (false, true) => {
            Finding::problem(HOST, "something answers on the socket that does not have the home")
                .means("a host of another home listens where this one's would")
                .mend("give each home a run folder of its own: LAZARET_RUN_DIR")
        }
    }
}
