//! What a conversation was last told about itself, beside its transcript.
//!
//! Owns the mark, and the words of a change. Codex tells the model once, when a conversation begins,
//! and never again; so it is told anew when that has changed, in whichever process. The agent can
//! write here: it may have itself told again, or keep a change from itself, as by its transcript.

use std::{fs, io, path::Path};

use serde_json::{Value, json};

use crate::limits;

/// The file in its home.
const FILE: &str = "lazaret-told";

/// What this conversation was last told; `None` when nobody knows.
pub(super) fn last(own: &Path, thread: &str) -> Option<String> {
    let file = own.join(FILE);
    let meta = fs::symlink_metadata(&file).ok()?;
    if !meta.is_file() || meta.len() > limits::CODEX_TOLD {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let (of, told) = text.split_once('\n')?;
    (of == thread).then(|| told.to_owned())
}

/// Writes that it was told this.
///
/// # Errors
/// When it cannot be written; it is told once more then.
pub(super) fn mark(own: &Path, thread: &str, told: &str) -> io::Result<()> {
    fs::write(own.join(FILE), format!("{thread}\n{told}"))
}

/// What is put into a conversation that was told something else before.
pub(super) fn change(thread: &str, prompt: &str) -> Value {
    let words = if prompt.is_empty() {
        "The instructions that you were given at the beginning count no more.".to_owned()
    } else {
        format!("From now on these instructions count, instead of earlier ones:\n\n{prompt}")
    };
    let content = json!([{ "type": "input_text", "text": words }]);
    let item = json!({ "type": "message", "role": "developer", "content": content });
    json!({ "threadId": thread, "items": [item] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_for_its_conversation_and_what_is_no_mark_for_none() {
        let own = tempfile::tempdir().unwrap();
        let (own, file) = (own.path(), own.path().join(FILE));
        assert_eq!(last(own, "t"), None);
        mark(own, "t", "Be brief.\nAlways.").unwrap();
        assert_eq!(last(own, "t").as_deref(), Some("Be brief.\nAlways."));
        assert_eq!(last(own, "u"), None);
        let beyond = usize::try_from(limits::CODEX_TOLD).unwrap() + 1;
        fs::write(&file, format!("t\n{}", "x".repeat(beyond))).unwrap();
        assert_eq!(last(own, "t"), None);
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(last(own, "t"), None);
    }
}
