//! Who belongs to a runtime's process, and their end.
//!
//! Owns the search: runtimes start their tools in groups and sessions of their own, and what a
//! tool leaves behind has another parent in the end. So whoever descends from it, shares a group or
//! a session with one who does, or carries its mark in the environment is kin. What has thrown off
//! all three ends with the container.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use crate::limits;

/// The variable that everything a runtime starts inherits.
pub(super) const MARK: &str = "LAZARET_RUNTIME";

/// What the kernel says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    parent: i32,
    group: i32,
    session: i32,
    ended: bool,
}

/// Kills a process that nobody has reaped, and all of its kin. Blocks for some milliseconds.
pub(super) fn end(leader: Pid, mark: &str) {
    let _nobody = killpg(leader, Signal::SIGKILL);
    for _ in 0..limits::CHILD_LOOKS {
        let all = processes();
        let kin = kin(&all, leader.as_raw(), |pid| carries(pid, mark));
        let alive: Vec<&i32> =
            kin.iter().filter(|pid| all.get(pid).is_some_and(|one| !one.ended)).collect();
        if alive.is_empty() {
            return;
        }
        for pid in alive {
            let _gone = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }
}

/// The leader, its descendants, those of their groups and sessions, and those who carry the mark.
fn kin(all: &HashMap<i32, Process>, leader: i32, marked: impl Fn(i32) -> bool) -> HashSet<i32> {
    let mut kin: HashSet<i32> = all.keys().copied().filter(|pid| marked(*pid)).collect();
    kin.insert(leader);
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|(pid, one)| {
                !kin.contains(pid)
                    && (kin.contains(&one.parent)
                        || kin.contains(&one.group)
                        || kin.contains(&one.session))
            })
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return kin;
        }
        kin.extend(more);
    }
}

fn processes() -> HashMap<i32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, read(&stat)?))
        })
        .collect()
}

/// What stands behind the name, which may hold anything.
fn read(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok();
    Some(Process {
        parent: number()?,
        group: number()?,
        session: number()?,
        ended: matches!(state, "Z" | "X"),
    })
}

fn carries(pid: i32, mark: &str) -> bool {
    let line = format!("{MARK}={mark}");
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == line.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read_behind_any_name() {
        let read = read("12 (a) Z b) S 3 12 9 0 -1 4194304").unwrap();
        assert_eq!(read, Process { parent: 3, group: 12, session: 9, ended: false });
        assert!(super::read("12 (a) Z 3 12 9 0").unwrap().ended);
        assert_eq!(super::read("nonsense"), None);
    }

    #[test]
    fn kin_are_descendants_their_groups_and_sessions_and_who_carries_the_mark() {
        let one = |parent, group, session| Process { parent, group, session, ended: false };
        let all = HashMap::from([
            (10, one(1, 10, 1)),   // the leader
            (11, one(10, 11, 11)), // its tool, in a session of its own
            (12, one(11, 12, 11)), // that one's child
            (13, one(1, 11, 11)),  // an orphan of the tool's group
            (14, one(1, 14, 14)),  // an orphan with the mark
            (15, one(14, 14, 14)), // and its child, which threw the mark off
            (20, one(1, 20, 1)),   // somebody else
        ]);
        let mut found: Vec<i32> = kin(&all, 10, |pid| pid == 14).into_iter().collect();
        found.sort_unstable();
        assert_eq!(found, [10, 11, 12, 13, 14, 15]);
    }
}
