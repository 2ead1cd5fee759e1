//! What the kernel says of processes: memory and processor time.

use std::{fs, time::Duration};

/// A process and all that descend from it.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at).copied() {
        for task in folder(&format!("/proc/{pid}/task")) {
            let children = read(&format!("/proc/{pid}/task/{task}/children"));
            found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        at += 1;
    }
    found
}

/// Resident memory in KiB.
pub(crate) fn rss_kib(pid: u32) -> f64 {
    field(&read(&format!("/proc/{pid}/status")), "VmRSS:")
}

/// Resident memory in KiB, pages that several processes share divided among them.
pub(crate) fn pss_kib(pid: u32) -> f64 {
    field(&read(&format!("/proc/{pid}/smaps_rollup")), "Pss:")
}

/// Time that the process's threads have run. From the scheduler where it tells, for `stat` counts
/// in hundredths of a second, which is more than an idle guest takes in a minute.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let tasks = folder(&format!("/proc/{pid}/task"));
    let ran = |task: &String| -> Option<u64> {
        let text = read(&format!("/proc/{pid}/task/{task}/schedstat"));
        text.split_whitespace().next()?.parse().ok()
    };
    let known: Vec<u64> = tasks.iter().filter_map(ran).collect();
    if known.is_empty() {
        return from_stat(&read(&format!("/proc/{pid}/stat")));
    }
    Duration::from_nanos(known.iter().sum())
}

fn from_stat(stat: &str) -> Duration {
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    // utime and stime; the kernel's unit for people is a hundredth of a second.
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

fn read(path: &str) -> String {
    // A process that has ended has no figures.
    fs::read_to_string(path).unwrap_or_default()
}

fn folder(path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
