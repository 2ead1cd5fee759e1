//! A session's container as data, with every hardening decided. PURE.
//!
//! Owns what a container may be; `docker/` only translates it. What was asked and cannot be
//! enforced becomes a [`Refusal`], never a weaker container. No setting reaches in here to widen
//! the network, the capabilities or the mounts.

use std::collections::BTreeMap;

use schemas::session_dir::GUEST_ROOT;
use serde::Serialize;

use super::{
    Resources, StartRequest, cpus,
    facts::{ApiVersion, Control, EngineFacts, EngineKind, InstallFacts},
    mounts::{self, GUEST_BINARY, Mount},
    refusal::Refusal,
    user,
};
use crate::limits;

/// The system call filter of every container.
pub const SECCOMP_PROFILE: &str = include_str!("../../../container/seccomp.json");

/// Label with the install's id: two hosts on one engine never touch each other's containers.
pub const LABEL_INSTALL: &str = "lazaret.install";
/// Label with the session's id.
pub const LABEL_SESSION: &str = "lazaret.session";
/// Label with the agent's id, for people who look at the engine.
pub const LABEL_AGENT: &str = "lazaret.agent";
/// Label with the contract version that the container was started with.
pub const LABEL_CONTRACT: &str = "lazaret.contract";
/// Label with the CPUs that it stays on, for those that are started beside it.
pub const LABEL_CPUS: &str = "lazaret.cpus";
/// Label with the digest of its guest binary.
pub const LABEL_GUEST: &str = "lazaret.guest";

/// The oldest API that has all that a spec asks for; Docker 20.10 and Podman 4 speak it.
const OLDEST_API: ApiVersion = ApiVersion { major: 1, minor: 41 };

/// A container to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContainerSpec {
    /// Deterministic, so that one session never has two.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Who it belongs to and what it was started with.
    pub labels: BTreeMap<&'static str, String>,
    /// `uid:gid`, see `user.rs`.
    pub user: String,
    /// What it sees as its own name.
    pub hostname: &'static str,
    /// The guest binary and the mode in which it is PID 1.
    pub entrypoint: [&'static str; 2],
    /// Where the guest starts.
    pub working_dir: String,
    /// Never a secret: what needs one goes through the broker.
    pub env: BTreeMap<&'static str, String>,
    /// What it sees of the host.
    pub mounts: Vec<Mount>,
    /// The writable parts of its own root, in memory: path and options.
    pub tmpfs: BTreeMap<&'static str, String>,
    /// What it may not do.
    pub walls: Walls,
    /// What it may use.
    pub bounds: Bounds,
}

/// The walls of a container. Constant but for the places where engines differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walls {
    /// Capabilities taken away.
    pub cap_drop: &'static str,
    /// Options of the security modules, the system call filter not among them.
    pub security_opt: &'static str,
    /// How the system call filter is handed over.
    pub seccomp: Seccomp,
    /// The root file system's mode.
    pub root: &'static str,
    /// The network mode; there is one only.
    pub network: &'static str,
    /// The mode of the IPC and cgroup namespaces.
    pub namespaces: &'static str,
    /// The mode of the user namespace, where the engine has to be told.
    pub userns: Option<&'static str>,
    /// The runtime, where the settings name one.
    pub runtime: Option<String>,
}

/// How an engine takes the system call filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seccomp {
    /// [`SECCOMP_PROFILE`] as text in the request (Docker).
    Inline,
    /// The same text in a file beside the engine (Podman).
    File(String),
}

/// The bounds of a container, in the engine's units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Memory; swap is off because the sum with swap is the same number.
    pub memory_bytes: i64,
    /// Memory and swap together.
    pub memory_and_swap_bytes: i64,
    /// Billionths of a CPU.
    pub nano_cpus: i64,
    /// The CPUs that it stays on, where not all.
    pub cpus: Option<String>,
    /// Processes and threads.
    pub pids: i64,
    /// Open files a process.
    pub nofile: i64,
    /// The user's processes, where the engine would choose more than it may give. No bound of
    /// ours: that is `pids`.
    pub nproc: Option<i64>,
    /// Shared memory.
    pub shm_bytes: i64,
    /// The log driver and its bounds.
    pub log: (&'static str, BTreeMap<&'static str, &'static str>),
}

/// Decides the container of `request`, beside containers that stay on the CPUs in `taken`.
///
/// # Errors
/// With the reason, when something that was asked cannot be enforced.
pub fn container_spec(
    request: &StartRequest,
    facts: &EngineFacts,
    install: &InstallFacts,
    taken: &[String],
) -> Result<ContainerSpec, Refusal> {
    let user = user::user_plan(request, facts)?;
    let cpus = facts
        .pinnable
        .and_then(|all| cpus::choose(request.resources.milli_cpus, all, request.uid_index, taken));
    let bounds = Bounds { cpus, ..bounds(request.resources, facts)? };
    Ok(ContainerSpec {
        name: format!("lazaret-{}-{}", install.short_install(), request.session),
        image: request.image.clone().unwrap_or_else(|| install.built_in_image.clone()),
        labels: labels(request, install, bounds.cpus.as_ref()),
        user: user.user,
        hostname: "agent",
        entrypoint: [GUEST_BINARY, "init"],
        working_dir: format!("{GUEST_ROOT}/work"),
        env: BTreeMap::from([("HOME", format!("{GUEST_ROOT}/home"))]),
        mounts: mounts::mounts(request, install)?,
        tmpfs: BTreeMap::from([(
            "/tmp",
            // Executable: build tools and language runtimes run what they unpack there.
            format!("rw,exec,nosuid,nodev,size={},mode=1777", limits::TMP_BYTES),
        )]),
        walls: walls(user.keep_id, facts, install)?,
        bounds,
    })
}

/// Whether a container with these labels speaks our contract through our guest.
#[must_use]
pub fn is_current(label: impl Fn(&str) -> Option<String>, install: &InstallFacts) -> bool {
    label(LABEL_CONTRACT) == Some(install.contract_version.to_string())
        && label(LABEL_GUEST).as_ref() == Some(&install.guest_digest)
}

fn labels(
    request: &StartRequest,
    install: &InstallFacts,
    cpus: Option<&String>,
) -> BTreeMap<&'static str, String> {
    let own = cpus.map(|cpus| (LABEL_CPUS, cpus.clone()));
    let all = [
        (LABEL_INSTALL, install.install.to_string()),
        (LABEL_SESSION, request.session.to_string()),
        (LABEL_AGENT, request.agent.to_string()),
        (LABEL_CONTRACT, install.contract_version.to_string()),
        (LABEL_GUEST, install.guest_digest.clone()),
    ];
    all.into_iter().chain(own).collect()
}

fn walls(keep_id: bool, facts: &EngineFacts, install: &InstallFacts) -> Result<Walls, Refusal> {
    if facts.api < OLDEST_API {
        return Err(Refusal::OldApi { found: facts.api, needed: OLDEST_API });
    }
    if let Some(missing) = Control::ALL.into_iter().find(|c| !facts.enforces.contains(c)) {
        return Err(Refusal::NotEnforced(missing));
    }
    if let Some(name) = install.runtime.as_ref().filter(|name| !facts.runtimes.contains(*name)) {
        return Err(Refusal::NoRuntime(name.clone()));
    }
    let seccomp = match facts.kind {
        EngineKind::Docker => Seccomp::Inline,
        EngineKind::Podman => Seccomp::File(
            install
                .seccomp_file()
                .to_str()
                .ok_or_else(|| Refusal::BadPath(install.seccomp_file()))?
                .to_owned(),
        ),
    };
    Ok(Walls {
        cap_drop: "ALL",
        security_opt: "no-new-privileges",
        seccomp,
        root: "read-only",
        network: "none",
        namespaces: "private",
        userns: keep_id.then_some("keep-id"),
        runtime: install.runtime.clone(),
    })
}

fn bounds(resources: Resources, facts: &EngineFacts) -> Result<Bounds, Refusal> {
    let memory = bound(Control::Memory, resources.memory_bytes)?;
    // More CPUs than there are is the same bound, but engines refuse it.
    let cpus = u64::from(resources.milli_cpus).min(u64::from(facts.cpus) * 1_000);
    Ok(Bounds {
        memory_bytes: memory,
        memory_and_swap_bytes: memory,
        nano_cpus: bound(Control::Cpu, cpus * 1_000_000)?,
        cpus: None,
        pids: bound(Control::Pids, u64::from(resources.pids))?,
        nofile: i64::try_from(limits::NOFILE.min(facts.nofile)).unwrap_or(i64::MAX),
        nproc: match facts.kind {
            EngineKind::Docker => None,
            EngineKind::Podman => {
                let most = facts.nproc.map_or(limits::NPROC, |own| own.min(limits::NPROC));
                i64::try_from(most).ok()
            }
        },
        shm_bytes: i64::try_from(limits::SHM_BYTES).unwrap_or(i64::MAX),
        log: log_driver(facts.kind),
    })
}

fn bound(control: Control, value: u64) -> Result<i64, Refusal> {
    if value == 0 {
        return Err(Refusal::Zero(control));
    }
    i64::try_from(value).map_err(|_| Refusal::TooLarge(control))
}

fn log_driver(kind: EngineKind) -> (&'static str, BTreeMap<&'static str, &'static str>) {
    let size = ("max-size", limits::ENGINE_LOG_SIZE);
    match kind {
        EngineKind::Docker => {
            ("json-file", BTreeMap::from([size, ("max-file", limits::ENGINE_LOG_FILES)]))
        }
        // Podman keeps one file and cuts it itself.
        EngineKind::Podman => ("k8s-file", BTreeMap::from([size])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{facts::HostIdentity, fixtures};

    fn spec(facts: &EngineFacts) -> Result<ContainerSpec, Refusal> {
        container_spec(&fixtures::request(), facts, &fixtures::install(), &[])
    }

    /// JSON with one line an entry, two levels deep.
    fn lines(value: &impl Serialize) -> String {
        let serde_json::Value::Object(map) = serde_json::to_value(value).unwrap() else {
            panic!("not an object");
        };
        let entries = map.iter().flat_map(|(key, value)| {
            let below: Vec<_> = match (value.as_object(), value.as_array()) {
                (Some(map), _) => map.iter().map(|(sub, v)| format!("{key}.{sub} {v}")).collect(),
                (None, Some(list)) => list.iter().map(|v| format!("{key} {v}")).collect(),
                (None, None) => vec![format!("{key} {value}")],
            };
            below
        });
        entries.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_whole_container_under_docker_and_root() {
        insta::assert_snapshot!(lines(&spec(&fixtures::facts()).unwrap()), @r#"
        bounds.cpus "2,3"
        bounds.log ["json-file",{"max-file":"2","max-size":"1m"}]
        bounds.memory_and_swap_bytes 1073741824
        bounds.memory_bytes 1073741824
        bounds.nano_cpus 1500000000
        bounds.nofile 16384
        bounds.nproc null
        bounds.pids 100
        bounds.shm_bytes 67108864
        entrypoint "/opt/lazaret/guest"
        entrypoint "init"
        env.HOME "/workspace/home"
        hostname "agent"
        image "lazaret/base:1-01234567"
        labels.lazaret.agent "agent-01j0000000000000000000000z"
        labels.lazaret.contract "1"
        labels.lazaret.cpus "2,3"
        labels.lazaret.guest "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
        labels.lazaret.install "inst-01j0000000000000000000000z"
        labels.lazaret.session "sess-01j0000000000000000000000z"
        mounts {"access":"read-only","source":"/lazaret/sessions/a/s/in","target":"/workspace/in"}
        mounts {"access":"read-write","source":"/lazaret/sessions/a/s/out","target":"/workspace/out"}
        mounts {"access":"read-write","source":"/lazaret/sessions/a/s/home","target":"/workspace/home"}
        mounts {"access":"read-write","source":"/lazaret/sessions/a/s/work","target":"/workspace/work"}
        mounts {"access":"read-only","source":"/lazaret/agents/andy","target":"/workspace/agent"}
        mounts {"access":"read-only","source":"/run/lazaret/s","target":"/workspace/sock"}
        mounts {"access":"read-only","source":"/usr/lib/lazaret/lazaret-guest","target":"/opt/lazaret/guest"}
        mounts {"access":"read-only","source":"/run/lazaret/engine/hosts","target":"/etc/hosts"}
        name "lazaret-0000000z-sess-01j0000000000000000000000z"
        tmpfs./tmp "rw,exec,nosuid,nodev,size=268435456,mode=1777"
        user "64003:64001"
        walls.cap_drop "ALL"
        walls.namespaces "private"
        walls.network "none"
        walls.root "read-only"
        walls.runtime null
        walls.seccomp "inline"
        walls.security_opt "no-new-privileges"
        walls.userns null
        working_dir "/workspace/work"
        "#);
    }

    #[test]
    fn podman_without_root_differs_only_in_these_walls() {
        let docker = spec(&fixtures::facts()).unwrap();
        let podman = spec(&EngineFacts {
            kind: EngineKind::Podman,
            rootless: true,
            host: HostIdentity { uid: 1000, gid: 1000 },
            ..fixtures::facts()
        })
        .unwrap();
        let (docker, podman) = (lines(&docker), lines(&podman));
        let changed: Vec<_> = podman.lines().filter(|line| !docker.contains(line)).collect();
        insta::assert_snapshot!(changed.join("\n"), @r#"
        bounds.log ["k8s-file",{"max-size":"1m"}]
        bounds.nproc 32768
        user "1000:1000"
        walls.seccomp {"file":"/run/lazaret/engine/seccomp.json"}
        walls.userns "keep-id"
        "#);
    }

    #[test]
    fn a_bound_that_the_engine_cannot_enforce_is_refused() {
        for control in Control::ALL {
            let mut facts = fixtures::facts();
            facts.enforces.remove(&control);
            assert_eq!(spec(&facts), Err(Refusal::NotEnforced(control)));
        }
    }

    #[test]
    fn a_bound_of_zero_is_refused_because_engines_read_it_as_none() {
        let full = fixtures::request().resources;
        for (resources, control) in [
            (Resources { memory_bytes: 0, ..full }, Control::Memory),
            (Resources { milli_cpus: 0, ..full }, Control::Cpu),
            (Resources { pids: 0, ..full }, Control::Pids),
        ] {
            assert_eq!(bounds(resources, &fixtures::facts()), Err(Refusal::Zero(control)));
        }
    }

    #[test]
    fn cpus_and_open_files_are_cut_to_what_the_engine_has() {
        let facts = EngineFacts { cpus: 1, nofile: 1_000, ..fixtures::facts() };
        let bounds = spec(&facts).unwrap().bounds;
        assert_eq!((bounds.nano_cpus, bounds.nofile), (1_000_000_000, 1_000));
    }

    #[test]
    fn a_container_stays_on_some_cpus_where_the_engine_can_and_there_are_more() {
        let seen = |facts: &EngineFacts, taken: &[&str]| {
            let taken: Vec<String> = taken.iter().map(|list| (*list).to_owned()).collect();
            let spec =
                container_spec(&fixtures::request(), facts, &fixtures::install(), &taken).unwrap();
            assert_eq!(spec.labels.get(LABEL_CPUS), spec.bounds.cpus.as_ref());
            spec.bounds.cpus
        };
        let facts = fixtures::facts();
        assert_eq!(seen(&facts, &["2", "2,3"]).as_deref(), Some("0,1"));
        assert_eq!(seen(&EngineFacts { pinnable: Some(2), ..facts.clone() }, &[]), None);
        assert_eq!(seen(&EngineFacts { pinnable: None, ..facts }, &[]), None);
    }

    #[test]
    fn an_old_api_and_an_unknown_runtime_are_refused() {
        let found = ApiVersion { major: 1, minor: 40 };
        let facts = EngineFacts { api: found, ..fixtures::facts() };
        assert_eq!(spec(&facts), Err(Refusal::OldApi { found, needed: OLDEST_API }));

        let runtime = Some("runsc".to_owned());
        let install = InstallFacts { runtime, ..fixtures::install() };
        let refused = container_spec(&fixtures::request(), &fixtures::facts(), &install, &[]);
        assert_eq!(refused, Err(Refusal::NoRuntime("runsc".into())));
    }

    #[test]
    fn a_container_of_another_guest_or_contract_is_not_current() {
        let install = fixtures::install();
        let labels = labels(&fixtures::request(), &install, None);
        let with = |install: &InstallFacts| is_current(|key| labels.get(key).cloned(), install);
        assert!(with(&install));
        assert!(!with(&InstallFacts { contract_version: 2, ..install.clone() }));
        assert!(!with(&InstallFacts { guest_digest: "e".repeat(64), ..install }));
    }

    #[test]
    fn the_filter_lacks_what_breaks_out_and_has_what_programs_need() {
        let profile: serde_json::Value = serde_json::from_str(SECCOMP_PROFILE).unwrap();
        assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
        let allowed: Vec<&str> = profile["syscalls"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|rule| rule["action"] == "SCMP_ACT_ALLOW")
            .flat_map(|rule| rule["names"].as_array().unwrap())
            .map(|name| name.as_str().unwrap())
            .collect();
        for danger in [
            "add_key",
            "bpf",
            "chroot",
            "clone3",
            "delete_module",
            "fsopen",
            "init_module",
            "io_uring_enter",
            "io_uring_setup",
            "kcmp",
            "kexec_load",
            "keyctl",
            "mount",
            "mount_setattr",
            "move_mount",
            "name_to_handle_at",
            "open_by_handle_at",
            "open_tree",
            "perf_event_open",
            "pidfd_getfd",
            "pivot_root",
            "process_vm_readv",
            "process_vm_writev",
            "ptrace",
            "reboot",
            "request_key",
            "setns",
            "swapon",
            "syslog",
            "umount2",
            "unshare",
            "userfaultfd",
        ] {
            assert!(!allowed.contains(&danger), "{danger} is allowed");
        }
        for need in ["clone", "execve", "futex", "inotify_add_watch", "openat", "rseq", "socket"] {
            assert!(allowed.contains(&need), "{need} is missing");
        }
    }
    #[test]
    fn the_filter_lets_fcntl_through_but_no_lease_whatever_stands_above_its_32_bits() {
        let profile: serde_json::Value = serde_json::from_str(SECCOMP_PROFILE).unwrap();
        let rules: Vec<_> = profile["syscalls"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|rule| rule["names"].as_array().unwrap().contains(&"fcntl".into()))
            .map(|rule| &rule["args"][0])
            .collect();
        assert!(rules.iter().all(|rule| rule["index"] == 1 && rule["op"] == "SCMP_CMP_MASKED_EQ"));
        let number = |rule: &serde_json::Value, key: &str| rule[key].as_u64().unwrap();
        let passes = |command: u64| {
            rules.iter().any(|rule| command & number(rule, "value") == number(rule, "valueTwo"))
        };
        // F_DUPFD to F_OFD_SETLKW; F_GETLEASE to F_SET_FILE_RW_HINT.
        assert!((0..=38).chain(1_025..=1_038).all(passes));
        for lease in [1_024, 1_040] {
            assert!(!passes(lease) && !passes(lease | 1 << 32) && !passes(lease | 1 << 63));
        }
    }
}
