//! What this process can see and do, as JSON: the container's walls checked from inside.
//!
//! Owns the reading of `/proc`. Changes nothing, and what it cannot read is `null`, never a guess.
//! Values of the environment are not reported, only their names.

use std::{
    fs,
    io::Read,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access, getgid, getuid};
use schemas::{guest_side::InboundReader, session_dir::SessionDir};
use serde_json::{Map, Value, json};

/// The report.
#[must_use]
pub fn report(dir: &SessionDir) -> Value {
    let status = read("/proc/self/status").unwrap_or_default();
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    json!({
        "uid": getuid().as_raw(),
        "gid": getgid().as_raw(),
        "capabilities": {
            "effective": field(&status, "CapEff"),
            "permitted": field(&status, "CapPrm"),
            "inheritable": field(&status, "CapInh"),
            "bounding": field(&status, "CapBnd"),
            "ambient": field(&status, "CapAmb"),
        },
        "no_new_privs": number(&status, "NoNewPrivs"),
        "seccomp": number(&status, "Seccomp"),
        "root_writable": access("/", AccessFlags::W_OK).is_ok(),
        "root_read_only_mount": mount_list(&mounts).iter().any(|m| m.0 == "/" && m.1),
        "inbound_write": inbound_write(dir),
        "interfaces": read("/proc/net/dev").map(|text| interfaces(&text)),
        "pids": pids(),
        "mounts": mount_list(&mounts)
            .into_iter()
            .map(|(target, read_only)| json!({"target": target, "read_only": read_only}))
            .collect::<Vec<_>>(),
        "sockets": sockets(dir),
        "limits": limits(),
        "environment": environment(),
    })
}

/// What `SQLite` says to a guest that tries to write the host's file; `"allowed"` is the bad case.
fn inbound_write(dir: &SessionDir) -> String {
    match InboundReader::new(dir.clone()).try_write() {
        Ok(()) => "allowed".to_owned(),
        Err(error) => match error.source {
            Some(source) => format!("{:?}: {source}", error.kind),
            None => format!("{:?}: {}", error.kind, error.message),
        },
    }
}

fn read(path: &str) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn field(status: &str, name: &str) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned())
}

fn number(status: &str, name: &str) -> Option<u64> {
    field(status, name)?.parse().ok()
}

fn interfaces(dev: &str) -> Vec<String> {
    dev.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().into())
        .collect()
}

/// Mount targets and whether they are read-only, by the per-mount options of `mountinfo`.
fn mount_list(mountinfo: &str) -> Vec<(String, bool)> {
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(4);
        let target = fields.next()?.to_owned();
        let read_only = fields.next()?.split(',').any(|option| option == "ro");
        Some((target, read_only))
    };
    mountinfo.lines().filter_map(mount).collect()
}

fn pids() -> Vec<Value> {
    let mut pids: Vec<(u32, Option<String>)> = entries(Path::new("/proc"))
        .into_iter()
        .filter_map(|path| path.file_name()?.to_str()?.parse().ok())
        .map(|pid| (pid, read(&format!("/proc/{pid}/comm"))))
        .collect();
    pids.sort_unstable();
    pids.into_iter()
        .map(|(pid, name)| json!({"pid": pid, "name": name.map(|name| name.trim().to_owned())}))
        .collect()
}

/// Sockets in the places where engines and hosts put them.
fn sockets(dir: &SessionDir) -> Vec<String> {
    let places = ["/var/run", "/run", "/run/user", "/tmp", "/run/containerd", "/run/podman"];
    let mut found: Vec<String> = places
        .iter()
        .map(PathBuf::from)
        .chain([dir.root().join("sock")])
        .flat_map(|place| entries(&place))
        .filter(|path| fs::metadata(path).is_ok_and(|meta| meta.file_type().is_socket()))
        .map(|path| path.display().to_string())
        .collect();
    found.sort_unstable();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// Bounds as the cgroup shows them, in the second or the first form of the hierarchy.
fn limits() -> Value {
    let files = [
        ("memory", ["memory.max", "memory/memory.limit_in_bytes"]),
        ("swap", ["memory.swap.max", "memory/memory.memsw.limit_in_bytes"]),
        ("pids", ["pids.max", "pids/pids.max"]),
        ("cpu", ["cpu.max", "cpu/cpu.cfs_quota_us"]),
    ];
    let mut limits = Map::new();
    for (name, paths) in files {
        let text = paths.iter().find_map(|path| read(&format!("/sys/fs/cgroup/{path}")));
        limits.insert(name.to_owned(), json!(text.map(|text| text.trim().to_owned())));
    }
    let open_files = read("/proc/self/limits").unwrap_or_default();
    let line = open_files.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    limits.insert("nofile".to_owned(), json!(soft));
    Value::Object(limits)
}

/// Names only: a value may be a secret.
fn environment() -> Vec<String> {
    let mut bytes = Vec::new();
    let read = fs::File::open("/proc/self/environ").and_then(|mut f| f.read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut names: Vec<String> = text
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_status_are_read() {
        let status = "Name:\tx\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        assert_eq!(field(status, "CapEff").as_deref(), Some("0000000000000000"));
        assert_eq!((number(status, "NoNewPrivs"), number(status, "Seccomp")), (Some(1), Some(2)));
        assert_eq!(number(status, "Missing"), None);
    }

    #[test]
    fn mounts_say_whether_they_are_read_only() {
        let mountinfo = "22 1 0:21 / / ro,relatime - overlay overlay rw\n\
                         23 22 8:1 /x /workspace/out rw,nosuid master:1 - ext4 /dev/sda rw\n";
        let expected = [("/".to_owned(), true), ("/workspace/out".to_owned(), false)];
        assert_eq!(mount_list(mountinfo), expected);
    }

    #[test]
    fn interfaces_are_named() {
        let dev = "Inter-|   Receive\n face |bytes\n    lo:  10 0\n  eth0: 5 0\n";
        assert_eq!(interfaces(dev), ["lo", "eth0"]);
    }

    #[test]
    fn the_report_of_this_process_is_whole() {
        let report = report(&SessionDir::at("/nonexistent"));
        assert!(report["pids"].as_array().is_some_and(|pids| !pids.is_empty()));
        assert!(report["inbound_write"].as_str().is_some_and(|text| text.starts_with("Missing")));
    }
}
