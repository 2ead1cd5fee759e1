//! What the host says about this session, read anew when it changed.
//!
//! Owns the last good `session.json`. The host replaces the file by rename, so what is read is
//! whole; a file that cannot be read leaves the last word standing.

use std::{fs, os::unix::fs::MetadataExt, time::SystemTime};

use schemas::{session_dir::SessionDir, session_file::SessionFile};

use crate::{error::GuestError, load};

/// The host's last word.
#[derive(Debug)]
pub(crate) struct Session {
    file: SessionFile,
    seen: Option<(SystemTime, u64)>,
}

impl Session {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// When it cannot be read, or the host speaks a newer contract.
    pub(crate) fn start(dir: &SessionDir) -> Result<Self, GuestError> {
        let seen = glance(dir);
        Ok(Self { file: load(dir)?, seen })
    }

    /// What holds for the turn that begins now.
    pub(crate) fn now(&mut self, dir: &SessionDir) -> &SessionFile {
        let seen = glance(dir);
        if seen != self.seen {
            match load(dir) {
                Ok(file) => (self.file, self.seen) = (file, seen),
                Err(error) => tracing::warn!(error = error.chain(), "session.json stays as it was"),
            }
        }
        &self.file
    }
}

/// A file put in its place by rename is another one: its number tells, where the time does not.
fn glance(dir: &SessionDir) -> Option<(SystemTime, u64)> {
    let meta = fs::metadata(dir.session_json()).ok()?;
    Some((meta.modified().ok()?, meta.ino()))
}
