//! The walls, as the kernel sees them from outside. What the guest can and cannot do from inside
//! is the probe's matter.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt};

use host::{engine::Engine, limits};
use schemas::session_dir::SessionDir;

use crate::yard::{Yard, pid};

#[tokio::test]
async fn the_kernel_confirms_user_capabilities_and_filter() {
    Yard::run(async |yard| {
        let container = yard.started(&yard.request(7)).await;
        let status = fields(&format!("/proc/{}/status", pid(&container)));
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status[set], "0000000000000000", "{set}");
        }
        assert_eq!(status["NoNewPrivs"], "1");
        assert_eq!(status["Seccomp"], "2");
        let uid = status["Uid"].split_whitespace().next().unwrap();
        assert_ne!(uid, "0", "the container is root on the host");
        if nix::unistd::geteuid().is_root() {
            assert_eq!((uid, status["Groups"].as_str()), ("64007", "64000"));
        }
    })
    .await;
}

#[tokio::test]
async fn it_has_a_network_of_its_own_with_nothing_but_a_loopback() {
    Yard::run(async |yard| {
        let pid = pid(&yard.started(&yard.request(1)).await);
        for namespace in ["net", "pid", "ipc", "mnt", "uts"] {
            let of = |who: &str| fs::read_link(format!("/proc/{who}/ns/{namespace}")).unwrap();
            assert_ne!(of(&pid.to_string()), of("self"), "{namespace}");
        }
        let devices = fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap();
        let names: Vec<_> =
            devices.lines().skip(2).filter_map(|line| line.trim().split(':').next()).collect();
        assert_eq!(names, ["lo"]);
        assert!(devices_up(pid), "the loopback is down");
        let hosts = fs::read_to_string(format!("/proc/{pid}/root/etc/hosts")).unwrap();
        assert!(hosts.contains("127.0.0.1 localhost"), "{hosts}");
    })
    .await;
}

#[tokio::test]
async fn only_what_the_contract_says_can_be_written() {
    Yard::run(async |yard| {
        let pid = pid(&yard.started(&yard.request(1)).await);
        let mounts = mount_options(pid);
        for path in ["/", "/workspace/in", "/workspace/agent", "/workspace/sock"] {
            assert!(mounts[path].starts_with("ro"), "{path} is {}", mounts[path]);
        }
        for path in ["/opt/lazaret/guest", "/etc/hosts"] {
            assert!(mounts[path].starts_with("ro"), "{path} is {}", mounts[path]);
        }
        for path in ["/workspace/out", "/workspace/home", "/workspace/work", "/tmp"] {
            assert!(mounts[path].starts_with("rw"), "{path} is {}", mounts[path]);
        }
        for option in ["nosuid", "nodev"] {
            assert!(mounts["/tmp"].contains(option), "/tmp is {}", mounts["/tmp"]);
        }
        assert!(!mounts["/tmp"].contains("noexec"));
        let engine_socket = mounts.keys().find(|path| path.ends_with(".sock"));
        assert_eq!(engine_socket, None);
    })
    .await;
}

#[tokio::test]
async fn its_bounds_are_set() {
    Yard::run(async |yard| {
        let pid = pid(&yard.started(&yard.request(1)).await);
        let files = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = files.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let hard: u64 = line.split_whitespace().nth(4).unwrap().parse().unwrap();
        assert!(hard <= limits::NOFILE, "{line}");

        let pids = limits::DEFAULT_PIDS.to_string();
        assert_eq!(bound(pid, "pids", "pids.max", "pids.max"), pids);
        let memory = limits::DEFAULT_MEMORY_BYTES.to_string();
        assert_eq!(bound(pid, "memory", "memory.limit_in_bytes", "memory.max"), memory);
        let swap = bound(pid, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
        assert!(swap == memory || swap == "0", "swap is {swap}");
    })
    .await;
}

#[tokio::test]
async fn a_bound_below_the_machine_keeps_it_on_so_many_cpus() {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    Yard::run(async |yard| {
        let mut request = yard.request(1);
        request.resources.milli_cpus = 900;
        let on = |pid| fields(&format!("/proc/{pid}/status"))["Cpus_allowed_list"].clone();
        let one = on(pid(&yard.started(&request).await));
        assert!(one.parse::<u32>().is_ok(), "{one}");
        // The usual bound is two.
        let second = yard.engine.start(&yard.request(2)).await.unwrap();
        let two = on(pid(&second));
        assert!(online.trim() != "0-1" || two == "0-1", "{two}");
    })
    .await;
}

#[tokio::test]
async fn its_folders_belong_to_the_session_and_in_to_the_host() {
    Yard::run(async |yard| {
        let request = yard.request(5);
        yard.started(&request).await;
        let dir = SessionDir::at(&request.session_root);
        let host = nix::unistd::geteuid();
        let session = if host.is_root() { 64_005 } else { host.as_raw() };
        for folder in [dir.out_dir(), dir.home(), dir.work()] {
            let meta = fs::metadata(&folder).unwrap();
            assert_eq!((meta.uid(), meta.mode() & 0o777), (session, 0o700), "{folder:?}");
        }
        assert_eq!(fs::metadata(dir.in_dir()).unwrap().uid(), host.as_raw());
    })
    .await;
}

/// A bound as the kernel's control group has it, in version one or two.
pub(crate) fn bound(pid: u32, controller: &str, one: &str, two: &str) -> String {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let of = |wanted: &str| {
        groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let names = parts.next()?;
            let path = parts.next()?.to_owned();
            names.split(',').any(|name| name == wanted).then_some(path)
        })
    };
    let file = match of(controller) {
        Some(path) => format!("/sys/fs/cgroup/{controller}{path}/{one}"),
        None => format!("/sys/fs/cgroup{}/{two}", of("").unwrap()),
    };
    fs::read_to_string(&file).expect(&file).trim().to_owned()
}

/// Options of each mount of a process.
fn mount_options(pid: u32) -> BTreeMap<String, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    text.lines()
        .map(|line| {
            let parts: Vec<_> = line.split(' ').collect();
            (parts[4].to_owned(), parts[5].to_owned())
        })
        .collect()
}

fn fields(path: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
        .collect()
}

/// The loopback has its address only when it is up.
fn devices_up(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/net/fib_trie")).unwrap().contains("127.0.0.1")
}
