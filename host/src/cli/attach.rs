//! Files of the person's, on their way to an agent.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use schemas::content::Attachment;

use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
};

/// Reads a file whole; its size is looked at first.
pub(super) fn read(path: &Path) -> Result<Attachment> {
    let failed = |error: std::io::Error| {
        let what = format!("cannot read {}", path.display());
        HostError::new(ErrorKind::Invalid, what).because(error)
    };
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        let what = format!("{} is not a file", path.display());
        return Err(HostError::new(ErrorKind::Invalid, what).hint("pack a folder into an archive"));
    }
    if found.len() > limits::ATTACHMENT_BYTES {
        let most = limits::ATTACHMENT_BYTES / (1024 * 1024);
        let what = format!("{} is larger than {most} MiB", path.display());
        return Err(HostError::new(ErrorKind::TooLarge, what));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(from_bytes(name, &bytes))
}

/// A file that was never on a disk.
pub(super) fn from_bytes(name: Option<String>, bytes: &[u8]) -> Attachment {
    Attachment {
        name,
        size: u64::try_from(bytes.len()).ok(),
        data: Some(STANDARD.encode(bytes)),
        ..Attachment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sent_under_its_own_name_without_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.txt");
        std::fs::write(&path, "hello").unwrap();
        let sent = read(&path).unwrap();
        assert_eq!((sent.name.as_deref(), sent.size), (Some("note.txt"), Some(5)));
        assert_eq!(sent.data.as_deref(), Some("aGVsbG8="));
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(read(&folder.path().join("none")).unwrap_err().kind, ErrorKind::Invalid);
        let large = folder.path().join("large");
        let file = std::fs::File::create(&large).unwrap();
        file.set_len(limits::ATTACHMENT_BYTES + 1).unwrap();
        assert_eq!(read(&large).unwrap_err().kind, ErrorKind::TooLarge);
    }
}
