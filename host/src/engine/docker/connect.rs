//! Finds the engine, agrees on a version and learns what it can do. Connects over Unix sockets
//! only, and starts nothing.

use std::{
    collections::BTreeSet,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    models::{SystemInfo, SystemVersion},
};
use nix::sys::{
    resource::{Resource, getrlimit},
    socket::{getsockopt, sockopt},
};

use super::{context, fault};
use crate::{
    engine::{
        EngineError, cpus,
        endpoint::{self, Places},
        facts::{ApiVersion, Control, EngineFacts, EngineKind, HostIdentity},
    },
    limits,
};

/// Where the kernel lists the machine's CPUs.
const ONLINE: &str = "/sys/devices/system/cpu/online";

/// A live engine.
pub(super) struct Connection {
    /// The client; cheap to clone.
    pub(super) docker: Docker,
    /// What it can do.
    pub(super) facts: EngineFacts,
    /// Where it listens.
    pub(super) socket: PathBuf,
    /// The engine's own clock when we connected, as seconds with nanoseconds.
    pub(super) since: Option<String>,
}

/// Connects to the first socket that answers; to `pinned` alone, if given.
pub(super) async fn connect(
    places: &Places,
    pinned: Option<&Path>,
    host: HostIdentity,
) -> Result<Connection, EngineError> {
    let sockets = match pinned {
        Some(socket) => vec![socket.to_owned()],
        None => endpoint::candidates(places, context::endpoint(places).as_deref())
            .map_err(fault::not_local)?,
    };
    let mut tried = Vec::new();
    for socket in sockets {
        match ask(&socket, host).await {
            Ok(connection) => return Ok(connection),
            Err(error) => tried.push(format!("{}: {}", socket.display(), fault::line(&error))),
        }
    }
    Err(fault::nobody_answers(&tried))
}

async fn ask(socket: &Path, host: HostIdentity) -> Result<Connection, bollard::errors::Error> {
    let path = socket.to_string_lossy();
    let docker =
        Docker::connect_with_unix(&path, limits::ENGINE_CALL.as_secs(), API_DEFAULT_VERSION)?
            .negotiate_version()
            .await?;
    // The time first: what happens from here on is asked for when events are subscribed to.
    let info = docker.info().await?;
    let version = docker.version().await?;
    let spoken = docker.client_version();
    let api = ApiVersion { major: spoken.major_version, minor: spoken.minor_version };
    let since = info.system_time.as_deref().and_then(as_seconds);
    let facts = facts(info, version, api, (host, OwnLimits::behind(socket)));
    Ok(Connection { docker, facts, socket: socket.to_owned(), since })
}

fn facts(
    info: SystemInfo,
    version: SystemVersion,
    api: ApiVersion,
    (host, own): (HostIdentity, OwnLimits),
) -> EngineFacts {
    let options = info.security_options.clone().unwrap_or_default();
    let has_option = |name: &str| {
        options.iter().any(|option| option.split(',').any(|part| part == format!("name={name}")))
    };
    let components = version.components.unwrap_or_default();
    let podman = components.iter().any(|component| component.name.starts_with("Podman"));
    let cpus = info.ncpu.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1);
    EngineFacts {
        kind: if podman { EngineKind::Podman } else { EngineKind::Docker },
        version: version.version.unwrap_or_else(|| "of unknown version".into()),
        api,
        rootless: has_option("rootless"),
        remaps_users: has_option("userns"),
        enforces: enforced(&info, has_option("seccomp")),
        cpus,
        pinnable: own.cpus.filter(|all| *all == cpus && info.cpu_set == Some(true)),
        nofile: own.nofile,
        nproc: own.nproc,
        runtimes: info.runtimes.map(|all| all.into_keys().collect()).unwrap_or_default(),
        default_runtime: info.default_runtime.unwrap_or_else(|| "default runtime".into()),
        host,
    }
}

/// What is not said is not enforced.
fn enforced(info: &SystemInfo, seccomp: bool) -> BTreeSet<Control> {
    [
        (Control::Memory, info.memory_limit == Some(true)),
        (Control::Swap, info.swap_limit == Some(true)),
        (Control::Pids, info.pids_limit == Some(true)),
        (Control::Cpu, info.cpu_cfs_quota == Some(true)),
        (Control::Seccomp, seccomp),
    ]
    .into_iter()
    .filter_map(|(control, there)| there.then_some(control))
    .collect()
}

/// What the machine and the engine's own process have. An engine without the right to raise limits
/// fails on more than it has itself, and its API does not tell; so the process behind the socket is
/// looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OwnLimits {
    nofile: u64,
    nproc: Option<u64>,
    /// The machine's CPUs, where they have no gaps. An engine that counts fewer is kept on some of
    /// them itself, and does not tell which.
    cpus: Option<u32>,
}

impl OwnLimits {
    /// Where looking is not allowed, our own limit on files stands for the engine's.
    fn behind(socket: &Path) -> Self {
        let text = limits_of_peer(socket).unwrap_or_default();
        let ours = || getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(_, hard)| hard);
        Self {
            nofile: hard_limit(&text, "Max open files").or_else(ours).unwrap_or(limits::NOFILE),
            nproc: hard_limit(&text, "Max processes"),
            cpus: std::fs::read_to_string(ONLINE).ok().and_then(|list| cpus::numbered(&list)),
        }
    }
}

fn limits_of_peer(socket: &Path) -> Option<String> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = getsockopt(&stream, sockopt::PeerCredentials).ok()?;
    std::fs::read_to_string(format!("/proc/{}/limits", peer.pid())).ok()
}

/// A hard limit from the kernel's table; the columns behind the name are soft, hard and unit.
fn hard_limit(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn as_seconds(time: &str) -> Option<String> {
    let at: jiff::Timestamp = time.parse().ok()?;
    Some(format!("{}.{:09}", at.as_second(), at.subsec_nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts_of(info: SystemInfo) -> EngineFacts {
        let api = ApiVersion { major: 1, minor: 41 };
        let host = HostIdentity { uid: 0, gid: 0 };
        let own = OwnLimits { nofile: 1, nproc: None, cpus: Some(4) };
        facts(info, SystemVersion::default(), api, (host, own))
    }

    #[test]
    fn an_engine_pins_only_where_it_says_so_and_has_all_cpus_of_the_machine() {
        let pins = |cpu_set, ncpu| {
            let info = SystemInfo { cpu_set, ncpu: Some(ncpu), ..SystemInfo::default() };
            facts_of(info).pinnable
        };
        assert_eq!(pins(Some(true), 4), Some(4));
        assert_eq!([pins(Some(true), 2), pins(Some(false), 4), pins(None, 4)], [None; 3]);
    }

    #[test]
    fn what_an_engine_does_not_say_it_does_not_enforce() {
        assert!(facts_of(SystemInfo::default()).enforces.is_empty());
    }

    #[test]
    fn security_options_are_read_by_name() {
        let options = ["name=seccomp,profile=default", "name=rootless", "name=userns"];
        let facts = facts_of(SystemInfo {
            security_options: Some(options.map(str::to_owned).into()),
            ..SystemInfo::default()
        });
        assert!(facts.rootless && facts.remaps_users);
        assert!(facts.enforces.contains(&Control::Seccomp));
        let cgroupns = SystemInfo {
            security_options: Some(vec!["name=cgroupns".into()]),
            ..SystemInfo::default()
        };
        assert!(!facts_of(cgroupns).rootless);
    }

    #[test]
    fn limits_are_read_from_the_kernels_table() {
        let table = "Limit                     Soft Limit           Hard Limit           Units\n\
                     Max processes             unlimited            unlimited            processes\n\
                     Max open files            1024                 20000                files\n";
        assert_eq!(hard_limit(table, "Max open files"), Some(20_000));
        assert_eq!(hard_limit(table, "Max processes"), None);
        assert_eq!(hard_limit("", "Max processes"), None);
    }

    #[test]
    fn the_engines_clock_is_read_with_its_zone() {
        let read = as_seconds("1970-01-01T02:00:01.5+02:00");
        assert_eq!(read.as_deref(), Some("1.500000000"));
        assert_eq!(as_seconds("yesterday"), None);
    }
}
