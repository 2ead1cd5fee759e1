//! A guest that keeps the host out of the session's mailbox, and how it loses its hold.
//!
//! Owns the two holds that a read-only mount allows. A lock makes a step on `inbound.db` end as
//! `Busy` after a quarter of a second. A lease makes the `open` itself wait inside the kernel, for
//! up to `/proc/sys/fs/lease-break-time`; the system call filter refuses leases, so this is for
//! guests that run without one. Either hold ends with its holder's life.

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

    fn waits_for_lease(&self) -> bool {
        let Ok(inbound) = fs::symlink_metadata(self.dir.inbound_db()) else { return false };
        fs::read_to_string(TABLE).is_ok_and(|table| is_being_broken(&table, inbound.ino()))
    }
}

/// Whether somebody waits for the end of a lease on this file. Its device is not compared: file
/// systems with volumes tell another one here than to `stat`.
fn is_being_broken(table: &str, inode: u64) -> bool {
    let inode = inode.to_string();
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let [kind, state, _access, _pid, file] = [(); 5].map(|()| fields.next().unwrap_or(""));
        matches!(kind, "LEASE" | "DELEG")
            && state == "BREAKING"
            && file.rsplit(':').next() == Some(&inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lease_on_this_file_that_is_being_broken_counts() {
        let table = "\
1: POSIX  ADVISORY  READ  611 fe:00:77 1073741826 1073742335
2: LEASE  BREAKING  READ  612 fe:00:78 0 EOF
3: LEASE  ACTIVE    READ  613 fe:00:79 0 EOF
3: -> FLOCK  ADVISORY  WRITE 614 00:1a:80 0 EOF
4: DELEG  BREAKING  UNLCK 615 fe:00:81 0 EOF
5:
";
        let broken: Vec<_> = (77..=82).filter(|inode| is_being_broken(table, *inode)).collect();
        assert_eq!(broken, [78, 81]);
    }
}
