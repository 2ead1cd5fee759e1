//! Files that an agent sends: read from `out/outbox`, which is the guest's.
//!
//! Owns what is let through: one safe name in the folder of one message, a regular file with no
//! other name, bounded. A refusal is told to the agent, so its message names the file.

use std::{fs::File, os::fd::AsRawFd, path::Path};

use nix::{fcntl::OFlag, sys::stat::Mode};

use crate::{
    beneath,
    ids::MessageId,
    limits::{MAX_FILE_BYTES, MAX_NAME_BYTES},
    refused::{Refused, RefusedKind},
    session_dir::{OUTBOX, SessionDir},
};

/// The only way to read a file out of the outbox.
#[derive(Debug, Clone)]
pub struct OutboxReader {
    dir: SessionDir,
}

/// A file on its way to a channel.
#[derive(Debug)]
pub struct OutboxFile {
    /// Opened for reading; the guest may still write it, so take no more than `size`.
    pub file: File,
    /// Its size when it was opened.
    pub size: u64,
}

impl OutboxReader {
    /// A reader for a session's outbox.
    #[must_use]
    pub fn new(dir: SessionDir) -> Self {
        Self { dir }
    }

    /// Opens one file of one message.
    ///
    /// # Errors
    /// When the id or the name is not one safe path component, or what lies there is not a
    /// regular file of its own with at most [`MAX_FILE_BYTES`].
    pub fn open(&self, message: &MessageId, name: &str) -> Result<OutboxFile, Refused> {
        let path = Path::new(OUTBOX).join(component(message.as_str())?).join(component(name)?);
        let out = beneath::folder(&self.dir.out_dir())
            .map_err(|e| Refused::because(RefusedKind::Io, "cannot open the folder out", e))?;
        let file = beneath::open_file(out, &path)?;
        let size = beneath::check_file(&file, name, MAX_FILE_BYTES)?;
        Ok(OutboxFile { file, size })
    }
}

impl OutboxReader {
    /// Removes the folder of one message, with what is in it. One that is not there is no error.
    ///
    /// # Errors
    /// When something stands in the way, or the disk refuses.
    pub fn remove(&self, message: &MessageId) -> std::io::Result<()> {
        let Ok(name) = component(message.as_str()) else { return Ok(()) };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let opened = beneath::folder(&self.dir.out_dir())
            .and_then(|out| beneath::open(out, Path::new(OUTBOX), flags, Mode::empty()));
        let outbox = match opened {
            Ok(outbox) => outbox,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        // By what was opened: the guest may put a link in the place of its outbox meanwhile.
        let place = format!("/proc/self/fd/{}/{name}", outbox.as_raw_fd());
        match std::fs::remove_dir_all(place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn component(text: &str) -> Result<&str, Refused> {
    let safe = !text.is_empty()
        && text.len() <= MAX_NAME_BYTES
        && text != "."
        && text != ".."
        && !text.contains(['/', '\0']);
    if safe {
        return Ok(text);
    }
    let cut: String = text.chars().take(64).collect();
    Err(Refused::new(RefusedKind::OutsideFolder, format!("{cut:?} is not a file name")))
}
