//! Files on their way out: `out/outbox/<row id>/<safe name>`.
//!
//! Owns that a file and its folders are on the disk before the row that names them is written.
//! A file that cannot be sent is named with the reason, never skipped in silence.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use schemas::{
    guest_side::{numbered_name, safe_name},
    ids::MessageId,
    session_dir::SessionDir,
};

use crate::{
    error::{GuestError, GuestErrorKind},
    limits,
    reply::{FileSource, OutFile},
};

/// What became of a reply's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filed {
    /// Names of those that lie in the folder.
    pub(crate) names: Vec<String>,
    /// One line for each that does not.
    pub(crate) problems: Vec<String>,
}

/// Writes a reply's files and syncs them. May be called again for the same row.
///
/// # Errors
/// When the disk refuses; a file that breaks a rule is a problem, not an error.
pub(crate) fn put(
    dir: &SessionDir,
    id: &MessageId,
    files: &[OutFile],
) -> Result<Filed, GuestError> {
    let mut filed = Filed::default();
    if files.is_empty() {
        return Ok(filed);
    }
    put_all(dir, id, files, &mut filed).map_err(|e| {
        GuestError::new(GuestErrorKind::Disk, "cannot write files to the outbox", e)
    })?;
    Ok(filed)
}

/// Removes the folders of these rows.
pub(crate) fn remove(dir: &SessionDir, ids: &[MessageId]) {
    for folder in ids.iter().filter_map(|id| dir.outbox_of(id)) {
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove a folder of the outbox");
        }
    }
}

fn put_all(
    dir: &SessionDir,
    id: &MessageId,
    files: &[OutFile],
    filed: &mut Filed,
) -> io::Result<()> {
    let Some(folder) = dir.outbox_of(id) else {
        return Err(io::Error::other("the row's id cannot name a folder"));
    };
    fs::create_dir_all(&folder)?;
    let mut room = limits::MESSAGE_FILE_BYTES;
    let mut taken = HashSet::new();
    for (n, file) in files.iter().enumerate() {
        if n >= limits::MESSAGE_FILES {
            filed.problems.push(format!("only the first {n} files were sent"));
            break;
        }
        let name = free_name(&safe_name(Some(&file.name), n + 1, None), &mut taken);
        match write_file(&folder.join(&name), &file.source, room.min(limits::FILE_BYTES))? {
            Ok(size) => {
                room -= size;
                filed.names.push(name);
            }
            Err(why) => filed.problems.push(format!("file {name:?} was not sent: {why}")),
        }
    }
    for parent in [folder, dir.outbox(), dir.out_dir()] {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// The outer result is the disk's, the inner the file's own.
fn write_file(path: &Path, source: &FileSource, room: u64) -> io::Result<Result<u64, String>> {
    let mut reader: Box<dyn Read> = match source {
        FileSource::Bytes(bytes) => Box::new(bytes.as_slice()),
        FileSource::Path(from) => match open_regular(from) {
            Ok(file) => Box::new(file),
            Err(error) => return Ok(Err(error.to_string())),
        },
    };
    let mut to = File::create(path)?;
    let size = io::copy(&mut reader.by_ref().take(room + 1), &mut to)?;
    if size > room {
        drop(to);
        fs::remove_file(path)?;
        return Ok(Err(format!("it has more than {room} bytes")));
    }
    to.flush()?;
    to.sync_all()?;
    Ok(Ok(size))
}

fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at before it is opened: opening a FIFO would wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// A name that no other file of this row has, whatever tells cases apart or does not.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|copy| numbered_name(name, copy));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|free| taken.insert(free.to_lowercase())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> OutFile {
        OutFile { name: name.into(), source: FileSource::Bytes(bytes.to_vec()) }
    }

    fn put_in(root: &Path, files: &[OutFile]) -> (Filed, std::path::PathBuf) {
        let dir = SessionDir::at(root);
        let id = MessageId::mint(Timestamp::UNIX_EPOCH);
        (put(&dir, &id, files).unwrap(), dir.outbox_of(&id).unwrap())
    }

    #[test]
    fn unsafe_and_equal_names_become_one_plain_component_each() {
        let root = tempfile::tempdir().unwrap();
        let names =
            ["../../etc/passwd", "a.txt", "a.txt", "A.txt", "", ".\u{7}x", &"ä".repeat(300)];
        let files: Vec<OutFile> = names.iter().map(|name| file(name, b"x")).collect();
        let (filed, folder) = put_in(root.path(), &files);
        assert_eq!(
            filed.names[..6],
            ["passwd", "a.txt", "a (2).txt", "A (3).txt", "attachment-5.bin", "x"]
        );
        assert!(filed.problems.is_empty());
        assert_eq!(fs::read_dir(folder).unwrap().count(), names.len());
    }

    #[test]
    fn what_cannot_be_sent_is_named_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str, path: &Path| OutFile {
            name: name.into(),
            source: FileSource::Path(path.to_owned()),
        };
        let big = root.path().join("big");
        File::create(&big).unwrap().set_len(limits::FILE_BYTES + 1).unwrap();
        let files = [
            path("gone", &root.path().join("gone")),
            path("folder", root.path()),
            path("big", &big),
            file("ok", b"fine"),
        ];
        let (filed, folder) = put_in(root.path(), &files);
        assert_eq!(filed.names, ["ok"]);
        assert_eq!(filed.problems.len(), 3);
        assert!(filed.problems[2].contains("more than 26214400 bytes"), "{:?}", filed.problems);
        assert_eq!(fs::read(folder.join("ok")).unwrap(), b"fine");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
