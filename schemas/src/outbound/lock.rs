//! The lock under which the host copies a guest's database.
//!
//! Owns the kind of lock: shared, over the whole file, of the open file description, so that
//! `SQLite`'s writers respect it, also those in this very process. It never waits in the kernel.

use std::{fs::File, io, os::fd::AsFd, thread, time::Duration, time::Instant};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc,
};

use crate::{
    limits::{LOCK_EAGER, LOCK_EAGER_STEP, LOCK_STEP},
    refused::{Refused, RefusedKind},
};

/// Proof that no writer is in the middle of a commit; gives the lock back when dropped.
#[derive(Debug)]
pub(super) struct CopyLock<'f> {
    file: &'f File,
}

impl<'f> CopyLock<'f> {
    /// Takes the lock, or refuses after `patience`.
    pub(super) fn take(file: &'f File, patience: Duration) -> Result<Self, Refused> {
        let begun = Instant::now();
        while !set(file, libc::F_RDLCK)? {
            let waited = begun.elapsed();
            if waited >= patience {
                let message = format!("the lock was held for {} ms", waited.as_millis());
                return Err(Refused::new(RefusedKind::LockHeld, message));
            }
            thread::sleep(if waited < LOCK_EAGER { LOCK_EAGER_STEP } else { LOCK_STEP });
        }
        Ok(Self { file })
    }
}

impl Drop for CopyLock<'_> {
    fn drop(&mut self) {
        // Unlocking an open descriptor cannot fail; and who would be told here?
        drop(set(self.file, libc::F_UNLCK));
    }
}

/// Sets or clears the lock over the whole file; `false` when somebody else's is in the way.
fn set(file: &File, kind: libc::c_int) -> Result<bool, Refused> {
    let narrow = |value: libc::c_int| libc::c_short::try_from(value).unwrap_or_default();
    let range = libc::flock {
        l_type: narrow(kind),
        l_whence: narrow(libc::SEEK_SET),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&range)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(Refused::because(
            RefusedKind::Io,
            "cannot lock the database",
            io::Error::from(errno),
        )),
    }
}
