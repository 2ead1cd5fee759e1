//! Files of an agent's, on their way to the person's folder.
//!
//! The names are a guest's, so they are hostile: a file is saved under one clean name, never over
//! another file, never through a link.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use schemas::{
    admin::RoomMessage,
    host_side::{numbered_name, safe_name},
};

use crate::{
    client::Client,
    error::{ErrorKind, HostError, Result},
    limits,
};

/// Fetches all files of a message into a folder. One that cannot be had is an error beside the
/// others, in order of the names.
pub(super) async fn files(
    client: &mut Client,
    message: &RoomMessage,
    folder: &Path,
) -> Vec<Result<PathBuf>> {
    let mut saved = Vec::new();
    for name in &message.files {
        saved.push(file(client, message, name, folder).await);
    }
    saved
}

async fn file(
    client: &mut Client,
    message: &RoomMessage,
    name: &str,
    folder: &Path,
) -> Result<PathBuf> {
    let mut download = client.file(&message.session_id, &message.message_id, name).await?;
    let (mut file, path) = create(folder, &safe_name(Some(name), 1, None))?;
    let received = async {
        while let Some(piece) = download.piece().await? {
            file.write_all(&piece).map_err(|error| cannot_save(&path, error))?;
        }
        Ok(())
    }
    .await;
    if let Err(error) = received {
        // Half a file under its whole name would be worse than none.
        let _left_over = std::fs::remove_file(&path).is_err();
        return Err(error);
    }
    Ok(path)
}

/// A file that was not there before, under this name or the name with the next free number.
fn create(folder: &Path, name: &str) -> Result<(File, PathBuf)> {
    for twin in 1..=limits::SAVED_TWINS {
        let path = match twin {
            1 => folder.join(name),
            copy => folder.join(numbered_name(name, copy)),
        };
        // `create_new` follows no link, not even one that leads nowhere.
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot_save(&path, error)),
        }
    }
    let what = format!("there are {} files {name} already", limits::SAVED_TWINS);
    Err(HostError::new(ErrorKind::Conflict, what).hint("save them elsewhere with --save"))
}

fn cannot_save(path: &Path, error: io::Error) -> HostError {
    let what = format!("cannot save {}", path.display());
    HostError::new(ErrorKind::Storage, what).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_never_saved_over_another_or_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::os::unix::fs::symlink(&victim, folder.path().join("a.txt")).unwrap();
        let names = [(); 3].map(|()| create(folder.path(), "a.txt").unwrap().1);
        let expected = ["a (2).txt", "a (3).txt", "a (4).txt"].map(|name| folder.path().join(name));
        assert_eq!(names, expected);
        assert!(!victim.exists());
    }
}
