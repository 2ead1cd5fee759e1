//! Reads the workspace's files, and enough of Rust to judge them: what is code and what is not,
//! which paths are used, where a function ends.
//!
//! Knows no rule. A lexer in a hundred lines instead of a parser as a dependency.

use std::{fs, path::Path, path::PathBuf};

/// One Rust file.
pub(crate) struct Source {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    /// As it is on disk.
    pub(crate) text: String,
    /// The same lines with comments and literals blanked.
    pub(crate) code: String,
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let code = blank(&text);
        Self { path, text, code }
    }

    /// The code without the inline `#[cfg(test)]` module, which by habit comes last.
    pub(crate) fn production(&self) -> &str {
        let tests = self.code.match_indices("#[cfg(test)]").find(|(at, attribute)| {
            let after = self.code.split_at(at + attribute.len()).1.trim_start();
            let opens = after.find(['{', ';']).and_then(|at| after.get(at..=at));
            after.starts_with("mod ") && opens == Some("{")
        });
        tests.map_or(self.code.as_str(), |(at, _)| self.code.split_at(at).0)
    }

    /// Whether the production code uses or names `path`, such as `std::fs`.
    pub(crate) fn names(&self, path: &str) -> bool {
        let code = self.production();
        let inside = format!("{path}::");
        has_word(code, path)
            || imports(code).iter().any(|used| used == path || used.starts_with(&inside))
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host is a member").to_owned()
}

/// Reads a file of the workspace; a missing one is empty.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// Every Rust file of the workspace.
pub(crate) fn rust() -> Vec<Source> {
    let rust = texts().into_iter().filter(|(path, _)| path.ends_with(".rs"));
    rust.map(|(path, text)| Source::new(path, text)).collect()
}

/// Every text file of the workspace with its relative path, sorted; nothing that cargo built.
pub(crate) fn texts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    found
}

fn walk(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).expect("a folder of the workspace can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name == ".git" || name == "Cargo.lock" {
            continue; // in a worktree `.git` is a file
        }
        if path.is_dir() {
            if !path.join("CACHEDIR.TAG").exists() {
                walk(&path, found);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(root()).expect("it lies in the workspace");
            found.push((relative.to_string_lossy().into_owned(), text));
        }
    }
}

/// Whether `word` stands in `code` by itself: not inside a longer name, not behind a `::`.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code.split_at(at).0.chars().next_back();
        let after = code.split_at(at + word.len()).1.chars().next();
        !before.is_some_and(|c| is_name(c) || c == ':') && !after.is_some_and(is_name)
    })
}

/// Every path that a `use` brings in, one for each leaf of its tree.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let Some((before, tree)) = statement.rsplit_once("use ") else { continue };
        if !before.ends_with(is_name) {
            leaves("", tree, &mut found);
        }
    }
    found
}

fn leaves(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return found.push(format!("{prefix}{}", path.trim().trim_end_matches("::self")));
    };
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut start) = (0_u32, 0);
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                leaves(&prefix, group.get(start..at).unwrap_or_default(), found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// Name and length in lines of each function with a body.
pub(crate) fn functions(code: &str) -> Vec<(String, usize)> {
    let starts =
        code.match_indices("fn ").filter(|(at, _)| !code.split_at(*at).0.ends_with(is_name));
    starts.filter_map(|(at, keyword)| function(code.split_at(at + keyword.len()).1)).collect()
}

fn function(rest: &str) -> Option<(String, usize)> {
    let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
    let (mut braces, mut brackets) = (0_u32, 0_u32);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' if braces == 1 => {
                return Some((name, 1 + rest.split_at(at).0.matches('\n').count()));
            }
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The same text with comments, strings and characters blanked, line for line.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_len(rest, code.ends_with(is_name)).min(rest.len());
        let (head, tail) = rest.split_at(if hidden == 0 { first.len_utf8() } else { hidden });
        if hidden == 0 {
            code.push(first);
        } else {
            code.extend(head.chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        rest = tail;
    }
    code
}

/// How many bytes at the start of `rest` are a comment or a literal.
fn hidden_len(rest: &str, inside_name: bool) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if let Some(comment) = rest.strip_prefix("/*") {
        return comment.find("*/").map_or(rest.len(), |end| end + 4);
    }
    if let Some(literal) = rest.strip_prefix('"') {
        return end_of(literal, '"').map_or(rest.len(), |end| end + 2);
    }
    if let Some(literal) = rest.strip_prefix('\'') {
        let mut chars = literal.chars();
        let is_char = chars.next() == Some('\\') || chars.next() == Some('\'');
        return if is_char { end_of(literal, '\'').map_or(0, |end| end + 2) } else { 0 };
    }
    let raw = rest.trim_start_matches(['b', 'c']).strip_prefix('r').unwrap_or_default();
    let body = raw.trim_start_matches('#');
    if inside_name || !body.starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(raw.len() - body.len()));
    let opened = rest.len() - body.len() + 1;
    let end = rest.get(opened..).and_then(|inside| inside.find(&close));
    end.map_or(rest.len(), |end| opened + end + close.len())
}

/// Where a literal ends, minding backslashes.
fn end_of(literal: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    literal.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn the_reader_tells_code_from_words() {
    let text = "use std::{fs, io::{self, Read}}; // tokio\nlet a = r#\"rusqlite\"#; 'x'; b'\\'';\n";
    let file = Source::new(String::from("a.rs"), text.to_owned());
    assert!(file.names("std::fs") && file.names("std::io") && file.names("std::io::Read"));
    assert!(!file.names("tokio") && !file.names("rusqlite") && !file.names("std::net"));
    assert_eq!(file.code.lines().count(), text.lines().count());
    let two = "fn a(b: [u8; 4]) -> &'static str {\n  fn c() {}\n}\nfn d();\n";
    assert_eq!(functions(two), [("a".to_owned(), 3), ("c".to_owned(), 1)]);
}
