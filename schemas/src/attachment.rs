//! Attachments on their way in: out of the content, into `in/inbox/<ulid>/`.
//!
//! Owns the order (files first and synced, row second) and what is refused. What is wrong with
//! one attachment is said in its `error` field; the message and its other files still arrive.
//! Content in which nothing changes is not written anew, byte for byte.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    os::fd::OwnedFd,
    path::Path,
};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use nix::{fcntl::OFlag, sys::stat::Mode};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    beneath,
    folder::set_mode,
    ids::InboxId,
    limits::{MAX_ATTACHMENTS, MAX_FILE_BYTES, MAX_MESSAGE_FILES_BYTES},
    safe_name::{numbered_name, safe_name},
    session_dir::{INBOX, SessionDir},
};

/// What became of a message's attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The content for the row: as it came, or with places instead of bytes.
    pub content: String,
    /// How many files were written.
    pub files: usize,
    /// Each attachment that was not, with the reason.
    pub refused: Vec<String>,
}

/// The inbox cannot be written; nothing of this message is left in it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the attachments to {inbox}")]
pub struct AttachmentError {
    /// The folder.
    pub inbox: InboxId,
    /// The system's own word.
    #[source]
    pub source: io::Error,
}

/// Writes every attachment that brings its bytes, and answers the content without them. When
/// this returns, the files and their folders are synced.
///
/// # Errors
/// When a file cannot be written; what is wrong with an attachment itself is no error.
pub fn extract(
    content: &str,
    dir: &SessionDir,
    inbox: &InboxId,
) -> Result<Extracted, AttachmentError> {
    let mut root = serde_json::from_str::<Value>(content).unwrap_or_default();
    let mut plan = Plan { inbox, bytes: 0, names: HashSet::new(), files: Vec::new() };
    let mut refused = Vec::new();
    let mut changed = false;
    if let Some(Value::Array(list)) = root.get_mut("attachments") {
        for (n, item) in (1..).zip(list) {
            let Value::Object(attachment) = item else { continue };
            changed |= plan.take(attachment, n, &mut refused);
        }
    }
    if !changed {
        return Ok(Extracted { content: content.to_owned(), files: 0, refused });
    }
    let failed = |source| AttachmentError { inbox: inbox.clone(), source };
    if !plan.files.is_empty() {
        let folder = make_folder(dir, inbox).map_err(failed)?;
        if let Err(source) = fill(folder, &plan.files) {
            // The row will not be written, so its folder must not stay; a sweep would find it too.
            drop(fs::remove_dir_all(dir.inbox_of(inbox)));
            return Err(failed(source));
        }
    }
    Ok(Extracted { content: root.to_string(), files: plan.files.len(), refused })
}

/// Removes attachment folders that no row names. Only for whoever writes this session's rows:
/// between a message's files and its row, its folder looks like an orphan.
///
/// # Errors
/// When the inbox cannot be read, or a folder not be removed.
pub fn sweep_orphans<S: std::hash::BuildHasher>(
    dir: &SessionDir,
    known: &HashSet<InboxId, S>,
) -> io::Result<usize> {
    let mut swept = 0;
    let entries = match fs::read_dir(dir.inbox()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        // What is not named as ours was not made by us, and is not ours to remove.
        let Some(inbox) = entry.file_name().to_str().and_then(|name| InboxId::parse(name).ok())
        else {
            continue;
        };
        if !known.contains(&inbox) {
            fs::remove_dir_all(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// A hash of what was sent, to tell a repeat from a conflict.
#[must_use]
pub fn digest(content: &str) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes / (1024 * 1024))
}

/// What will be written, decided before the first file is made.
struct Plan<'i> {
    inbox: &'i InboxId,
    bytes: u64,
    /// Taken names in lower case: some file systems do not tell cases apart.
    names: HashSet<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Plan<'_> {
    /// Takes the bytes out of one attachment. Answers whether it changed.
    fn take(
        &mut self,
        attachment: &mut Map<String, Value>,
        n: usize,
        refused: &mut Vec<String>,
    ) -> bool {
        // Where a file lies is the host's word, never a sender's.
        let forged = attachment.remove("localPath").is_some();
        if !attachment.get("data").is_some_and(Value::is_string) {
            return forged;
        }
        let Some(Value::String(data)) = attachment.remove("data") else { return true };
        let word = |key: &str| attachment.get(key).and_then(Value::as_str);
        let name = safe_name(word("name"), n, word("mime"));
        match self.decode(&data, n) {
            Ok(bytes) => {
                let name = self.unused(&name);
                let place = format!("{INBOX}/{}/{name}", self.inbox);
                attachment.insert("localPath".to_owned(), place.into());
                attachment.insert("size".to_owned(), bytes.len().into());
                self.files.push((name, bytes));
            }
            Err(reason) => {
                refused.push(format!("{name}: {reason}"));
                attachment.insert("error".to_owned(), reason.into());
            }
        }
        true
    }

    fn decode(&mut self, data: &str, n: usize) -> Result<Vec<u8>, String> {
        if n > MAX_ATTACHMENTS {
            return Err(format!("a message has at most {MAX_ATTACHMENTS} attachments"));
        }
        let at_least = u64::try_from(data.len() / 4 * 3).unwrap_or(u64::MAX).saturating_sub(2);
        let too_large = || format!("a file has at most {}", mib(MAX_FILE_BYTES));
        if at_least > MAX_FILE_BYTES {
            return Err(too_large());
        }
        let bytes = BASE64.decode(data).map_err(|error| format!("invalid base64: {error}"))?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_FILE_BYTES {
            return Err(too_large());
        }
        if self.bytes + size > MAX_MESSAGE_FILES_BYTES {
            let most = mib(MAX_MESSAGE_FILES_BYTES);
            return Err(format!("the files of a message have at most {most} together"));
        }
        self.bytes += size;
        Ok(bytes)
    }

    fn unused(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut copy = 2;
        while !self.names.insert(free.to_lowercase()) {
            free = numbered_name(name, copy);
            copy += 1;
        }
        free
    }
}

/// Padding may be left off, as many senders do; everything else is as the standard says.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A folder that was not there before: one that was may hold what another row names.
fn make_folder(dir: &SessionDir, inbox: &InboxId) -> io::Result<OwnedFd> {
    let inward = beneath::folder(&dir.in_dir())?;
    let (parent, made) = beneath::ensure_folder(&inward, Path::new(INBOX), FOLDER)?;
    let (folder, fresh) = beneath::ensure_folder(&parent, Path::new(inbox.as_str()), FOLDER)?;
    if !fresh {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    set_mode(&parent, FOLDER)?;
    set_mode(&folder, FOLDER)?;
    File::from(parent).sync_all()?;
    if made {
        File::from(inward).sync_all()?;
    }
    Ok(folder)
}

fn fill(folder: OwnedFd, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    let create = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    for (name, bytes) in files {
        let mut file = File::from(beneath::open(&folder, Path::new(name), create, FILE)?);
        set_mode(&file, FILE)?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    File::from(folder).sync_all()
}

/// The guest reads under another uid, and no umask may take that away.
const FOLDER: Mode = Mode::from_bits_truncate(0o755);
const FILE: Mode = Mode::from_bits_truncate(0o644);
