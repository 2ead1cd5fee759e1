//! Files of an agent's, on their way to the person's folder.
//!
//! The names are a guest's, so they are hostile: a file is saved under one clean name, never over
//! another file, never through a link.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use schemas::admin::RoomMessage;

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
    let (mut file, path) = create(folder, &clean(name))?;
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
        let path = folder.join(numbered(name, twin));
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

fn numbered(name: &str, twin: u32) -> String {
    if twin == 1 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({twin}).{extension}"),
        Some(_) | None => format!("{name} ({twin})"),
    }
}

/// One component without what a shell, a terminal or a file system could take for more.
fn clean(name: &str) -> String {
    let cleaned: String = name
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c })
        .collect();
    let cleaned = cleaned.trim().trim_start_matches(['.', '-', '~']).trim_end_matches('.').trim();
    let mut kept = String::new();
    for c in cleaned.chars() {
        if kept.len() + c.len_utf8() > limits::SAVED_NAME_BYTES {
            break;
        }
        kept.push(c);
    }
    if kept.is_empty() { "file".to_owned() } else { kept }
}

fn cannot_save(path: &Path, error: io::Error) -> HostError {
    let what = format!("cannot save {}", path.display());
    HostError::new(ErrorKind::Storage, what).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_becomes_one_harmless_component() {
        let check = |name: &str, expected: &str| assert_eq!(clean(name), expected, "{name:?}");
        check("report.pdf", "report.pdf");
        check("../../etc/passwd", "_.._etc_passwd");
        check("/etc/passwd", "_etc_passwd");
        check(".bashrc", "bashrc");
        check("-rf", "rf");
        check("a\0b\n\u{1b}[2J", "a_b__[2J");
        check("..", "file");
        check("", "file");
        assert_eq!(clean(&"é".repeat(300)).len(), limits::SAVED_NAME_BYTES);
    }

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
