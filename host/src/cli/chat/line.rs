//! What a typed line means. PURE.

use std::path::PathBuf;

/// A line at `chat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// To the agent. Words with a slash that are not ours go there too: the host knows more.
    Say(String),
    /// A file for the next message.
    File(PathBuf),
    /// Leave now.
    Quit,
    /// Nothing more will be typed: what is open is still waited for.
    End,
}

/// Reads a line; `None` when nothing was said.
pub(super) fn read(line: &str) -> Option<Typed> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match (word, rest.trim()) {
        ("", _) => None,
        ("/quit", "") => Some(Typed::Quit),
        ("/file", path) if !path.is_empty() => Some(Typed::File(PathBuf::from(unquoted(path)))),
        _ => Some(Typed::Say(line.to_owned())),
    }
}

/// Terminals put quotes around a path that was dragged in.
fn unquoted(path: &str) -> &str {
    ['\'', '"']
        .into_iter()
        .find_map(|quote| path.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_of_ours_are_commands() {
        let say = |text: &str| Some(Typed::Say(text.to_owned()));
        let file = |path: &str| Some(Typed::File(PathBuf::from(path)));
        assert_eq!(read("  "), None);
        assert_eq!(read(" hello /quit "), say("hello /quit"));
        assert_eq!(read("/quit"), Some(Typed::Quit));
        assert_eq!(read("/quit now"), say("/quit now"));
        assert_eq!(read("/filer x"), say("/filer x"));
        assert_eq!(read("/file"), say("/file"));
        assert_eq!(read("/file  a b.txt "), file("a b.txt"));
        assert_eq!(read("/file 'a b.txt'"), file("a b.txt"));
        assert_eq!(read("/clear"), say("/clear"));
    }
}
