//! A turn as content for the model: its words, and the pictures that came with them.
//!
//! Owns which attachments are shown and which stay paths. What a picture is says its first bytes:
//! one that is called something else would be refused by the model's interface, in this turn and in
//! every later one of the conversation.

use std::{fs::File, io::Read, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use schemas::session_dir::SessionDir;
use serde_json::{Value, json};

use crate::{limits, prompt::Turn, written::written};

/// The words, as a text or as the first of several parts.
pub(super) fn content(turn: &Turn, dir: &SessionDir) -> Value {
    let words = written(turn);
    let attached = turn.messages.iter().flat_map(|said| &said.attachments);
    let pictures: Vec<Value> = attached
        .filter_map(|file| dir.inbox_file(file.local_path.as_deref()?))
        .filter_map(|path| picture(&path))
        .take(limits::PICTURES)
        .collect();
    if pictures.is_empty() {
        return words.into();
    }
    let text = json!({"type": "text", "text": words});
    Value::Array(std::iter::once(text).chain(pictures).collect())
}

/// The file, if it is a picture that a model can be shown.
fn picture(path: &Path) -> Option<Value> {
    let mut file = File::open(path).ok()?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let mut bytes = vec![0; 12];
    if size > limits::PICTURE_BYTES || file.read_exact(&mut bytes).is_err() {
        return None;
    }
    let kind = kind(&bytes)?;
    file.take(limits::PICTURE_BYTES).read_to_end(&mut bytes).ok()?;
    let source = json!({"type": "base64", "media_type": kind, "data": STANDARD.encode(bytes)});
    Some(json!({"type": "image", "source": source}))
}

fn kind(first: &[u8]) -> Option<&'static str> {
    match first {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes_and_shown_up_to_a_bound() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            picture(&path).map(|picture| picture["source"]["media_type"].to_string())
        };
        assert_eq!(file("a.txt", b"\x89PNG\r\n\x1a\n0000").unwrap(), "\"image/png\"");
        assert_eq!(file("b", b"\xff\xd8\xff0000000000").unwrap(), "\"image/jpeg\"");
        assert_eq!(file("c", b"GIF89a0000000").unwrap(), "\"image/gif\"");
        assert_eq!(file("d", b"RIFF0000WEBPVP8").unwrap(), "\"image/webp\"");
        assert_eq!(file("e.png", b"not one at all"), None);
        assert_eq!(file("f.png", b""), None);
        let mut large = b"\x89PNG\r\n\x1a\n0000".to_vec();
        large.resize(usize::try_from(limits::PICTURE_BYTES).unwrap() + 1, 0);
        assert_eq!(file("g.png", &large), None);
        assert_eq!(picture(&dir.path().join("gone")), None);
    }
}
