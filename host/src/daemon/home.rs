//! The host's home folder: made private, and locked against a second host.
//!
//! Owns the lock file. The lock is the kernel's, so it ends with its process however that ends.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use crate::{
    error::{ErrorKind, HostError, Result},
    text,
};

/// Held as long as the host lives.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

/// Makes the home, checks that it can be used, and locks it.
///
/// # Errors
/// `Conflict` with the other's process id when a host runs there already; `Storage` when the
/// folder cannot be made or written.
pub fn open_home(home: &Path) -> Result<HomeLock> {
    let storage = |error: std::io::Error| {
        HostError::new(ErrorKind::Storage, format!("cannot use the home {}", home.display()))
            .because(error)
            .hint(text::CHECK_OR_CHOOSE_HOME)
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(home).map_err(storage)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(home.join("lock"))
        .map_err(storage)?;
    if let Err(refused) = locked(&file) {
        return Err(match refused {
            fs::TryLockError::WouldBlock => taken(home, &mut file),
            fs::TryLockError::Error(error) => storage(error),
        });
    }
    file.set_len(0).map_err(storage)?;
    write!(file, "{}", std::process::id()).and_then(|()| file.sync_all()).map_err(storage)?;
    for folder in ["agents", "sessions"] {
        fs::create_dir_all(home.join(folder)).map_err(storage)?;
    }
    Ok(HomeLock { _file: file })
}

/// Who only looks whether a host runs holds a shared lock for a moment.
fn locked(file: &File) -> std::result::Result<(), fs::TryLockError> {
    let mut tried = file.try_lock();
    for _ in 0..LOOKS {
        if !matches!(tried, Err(fs::TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOOK);
        tried = file.try_lock();
    }
    tried
}

/// Long beside a look, short for a person who waits for the refusal.
const LOOKS: u32 = 5;
const LOOK: std::time::Duration = std::time::Duration::from_millis(10);

fn taken(home: &Path, file: &mut File) -> HostError {
    let mut pid = String::new();
    let who = match file.read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() => format!("process {pid}"),
        Ok(_) | Err(_) => "another process".to_owned(),
    };
    HostError::new(ErrorKind::Conflict, format!("a host runs in {} already: {who}", home.display()))
        .hint("stop it with `lazaret down`, or choose another home with --home")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_host_on_the_same_home_is_refused_with_the_pid_of_the_first() {
        let home = tempfile::tempdir().unwrap();
        let first = open_home(home.path()).unwrap();
        let refused = open_home(home.path()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert!(refused.chain().contains(&format!("process {}", std::process::id())));
        drop(first);
        assert!(open_home(home.path()).is_ok());
    }

    #[test]
    fn a_home_that_cannot_be_made_says_which_and_what_to_do() {
        let refused = open_home(Path::new("/proc/lazaret")).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Storage);
        assert!(refused.chain().contains("/proc/lazaret"));
        assert!(refused.hint_text().is_some());
    }
}
