//! A guest that keeps the host out of the session's mailbox, and how it loses its hold.
//!
//! Owns the two holds that a read-only mount allows. A lock makes a step on `inbound.db` end as
//! `Busy` after a quarter of a second; it is tried twice before the guest is ended. A lease makes the
//! `open` itself wait inside the kernel, for up to `/proc/sys/fs/lease-break-time`; the system call
//! filter refuses leases, so this is for guests that run without one. Either hold ends with its
//! holder's life.

use std::{fs, os::unix::fs::MetadataExt};

use tracing::warn;

use super::runner::Runner;
use crate::{error::HostError, limits, text};

/// Where the kernel tells who holds locks and leases. Who may not see it waits for the kernel.
const TABLE: &str = "/proc/locks";

impl Runner {
    /// Waits for a step that opens the mailbox, and ends the guest whose lease it waits for. A
    /// slow disk is waited for: nobody is to blame for it.
    pub(super) async fn past_leases<T>(&mut self, step: impl Future<Output = T>) -> T {
        tokio::pin!(step);
        loop {
            match tokio::time::timeout(limits::LEASE_GLANCE, &mut step).await {
                Ok(done) => return done,
                Err(_elapsed) if self.waits_for_lease() => break,
                Err(_elapsed) => {}
            }
        }
        self.evict().await;
        step.await
    }

    /// The guest holds the mailbox: it loses its hold with its life.
    pub(super) async fn evict(&mut self) {
        let Some(container) = self.container.clone() else { return };
        warn!("the guest holds a lock on its mailbox; its container is ended");
        if let Err(failure) = self.context.engine.kill(&container).await {
            warn!(error = %HostError::from(failure).chain(), "cannot kill the container");
        }
        self.notice(&text::lock_holder());
    }

    /// Whether a lock on the mailbox is this host's own: then no guest is to blame, only a machine
    /// with too much to do.
    pub(super) fn holds_the_mailbox(&self) -> bool {
        let own = std::process::id();
        self.asks_table(|table, inode| is_locked_by(table, inode, own))
    }

    fn waits_for_lease(&self) -> bool {
        self.asks_table(is_being_broken)
    }

    fn asks_table(&self, ask: impl FnOnce(&str, u64) -> bool) -> bool {
        let Ok(inbound) = fs::symlink_metadata(self.dir.inbound_db()) else { return false };
        fs::read_to_string(TABLE).is_ok_and(|table| ask(&table, inbound.ino()))
    }
}

/// Whether somebody waits for the end of a lease on this file.
fn is_being_broken(table: &str, inode: u64) -> bool {
    holds_on(table, inode)
        .any(|hold| matches!(hold.kind, "LEASE" | "DELEG") && hold.state == "BREAKING")
}

/// Whether a process has a lock on this file.
fn is_locked_by(table: &str, inode: u64, process: u32) -> bool {
    let process = process.to_string();
    holds_on(table, inode).any(|hold| hold.kind == "POSIX" && hold.process == process)
}

/// A line of the kernel's table.
struct Hold<'t> {
    kind: &'t str,
    state: &'t str,
    process: &'t str,
}

/// What is held on a file. Its device is not compared: file systems with volumes tell another one
/// here than to `stat`.
fn holds_on(table: &str, inode: u64) -> impl Iterator<Item = Hold<'_>> {
    let inode = inode.to_string();
    table.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(1);
        let [kind, state, _access, process, file] = [(); 5].map(|()| fields.next().unwrap_or(""));
        (file.rsplit(':').next() == Some(&inode)).then_some(Hold { kind, state, process })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who waits stands behind an arrow, which moves its fields.
    const SAMPLE: &str = "\
1: POSIX  ADVISORY  READ  611 fe:00:77 1073741826 1073742335
2: LEASE  BREAKING  READ  612 fe:00:78 0 EOF
3: LEASE  ACTIVE    READ  613 fe:00:79 0 EOF
3: -> FLOCK  ADVISORY  WRITE 614 00:1a:80 0 EOF
4: DELEG  BREAKING  UNLCK 615 fe:00:81 0 EOF
1: -> POSIX  ADVISORY  WRITE 616 fe:00:77 1073741824 1073741825
5:
";

    #[test]
    fn only_a_lease_on_this_file_that_is_being_broken_counts() {
        let broken: Vec<_> = (77..=82).filter(|inode| is_being_broken(SAMPLE, *inode)).collect();
        assert_eq!(broken, [78, 81]);
    }

    #[test]
    fn only_who_has_a_lock_counts_and_not_who_waits_for_it() {
        assert!(is_locked_by(SAMPLE, 77, 611));
        assert!(!is_locked_by(SAMPLE, 77, 616));
        assert!(!is_locked_by(SAMPLE, 78, 612) && !is_locked_by(SAMPLE, 80, 614));
    }
}
