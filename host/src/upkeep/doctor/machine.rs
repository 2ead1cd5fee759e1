//! What the machine gives: sockets, clock, limits.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use jiff::{Timestamp, tz::TimeZone};
use nix::sys::resource::{Resource, getrlimit};
use schemas::time::{Clock, SystemClock};

use super::Finding;
use crate::{config::Config, limits::upkeep as limits};

pub(super) fn socket(config: &Config, answers: bool) -> Vec<Finding> {
    const SOCKET: &str = "socket";
    let path = config.socket();
    let shown = path.display();
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(_) if answers => return Vec::new(),
        Err(_) => return vec![Finding::ok(SOCKET, format!("{shown} comes with the host"))],
    };
    let (mode, own) = (found.permissions().mode() & 0o777, nix::unistd::geteuid().as_raw());
    if found.uid() != own || mode & 0o077 != 0 {
        let what = format!("{shown} belongs to user {} with mode {mode:03o}", found.uid());
        let finding = Finding::problem(SOCKET, what);
        return vec![
            finding
                .means("others could speak as the operator")
                .mend(format!("rm {shown}, then lazaret up")),
        ];
    }
    if !answers {
        let finding = Finding::ok(SOCKET, format!("{shown} is left over from a host that is gone"));
        return vec![finding.means("the next host replaces it")];
    }
    vec![Finding::ok(SOCKET, format!("{shown} answers, and only to this user"))]
}

/// When this program cannot have been made yet.
const EARLIEST: i64 = 1_767_225_600;

pub(super) fn clock(config: &Config) -> Vec<Finding> {
    const CLOCK: &str = "clock";
    let now = SystemClock.now();
    let mut findings = vec![if now.as_second() < EARLIEST {
        Finding::problem(CLOCK, format!("it is {now:.0}, before this program was made"))
            .means("times of messages and schedules are wrong")
            .mend("set the clock, such as: timedatectl set-ntp true")
    } else {
        Finding::ok(CLOCK, format!("it is {now:.0}"))
    }];
    findings.push(match TimeZone::get(&config.time_zone) {
        Ok(_) => Finding::ok(CLOCK, format!("agents are told times in {}", config.time_zone)),
        Err(error) => Finding::problem(CLOCK, format!("time zone {}: {error}", config.time_zone))
            .means("agents are told times in UTC")
            .mend("install the time zone data, or set time_zone in lazaret.toml"),
    });
    findings
}

/// A clock that stands before what was written by it.
pub(super) fn clock_went_back(last: Option<&str>) -> Option<Finding> {
    let last: Timestamp = last?.parse().ok()?;
    let now = SystemClock.now();
    (last.duration_since(now) > limits::CLOCK_BACK).then(|| {
        Finding::warning("clock", format!("it is {now:.0}, and something happened at {last:.0}"))
            .means("the clock was set back; what is due at a time waits until then")
            .mend("check it: timedatectl")
    })
}

pub(super) fn limits() -> Vec<Finding> {
    vec![
        inotify("max_user_instances", limits::INOTIFY_INSTANCES),
        inotify("max_user_watches", limits::INOTIFY_WATCHES),
        open_files(),
    ]
}

const LIMITS: &str = "limits";

fn inotify(name: &str, least: u64) -> Finding {
    let said = fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).unwrap_or_default();
    let Ok(most) = said.trim().parse::<u64>() else {
        return Finding::warning(LIMITS, format!("inotify's {name} cannot be read"));
    };
    let found = format!("inotify {name} is {most}");
    if most >= least {
        return Finding::ok(LIMITS, found);
    }
    Finding::warning(LIMITS, found)
        .means("agents' replies may be noticed late")
        .mend(format!("sysctl fs.inotify.{name}={}", least * 8))
}

fn open_files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft >= limits::OPEN_FILES => {
            Finding::ok(LIMITS, format!("{soft} files may be open"))
        }
        Ok((soft, _)) => Finding::warning(LIMITS, format!("{soft} files may be open"))
            .means("many sessions at once may not start")
            .mend(format!("ulimit -n {} before lazaret up", limits::OPEN_FILES * 4)),
        Err(error) => Finding::warning(LIMITS, format!("the limit on open files: {error}")),
    }
}
