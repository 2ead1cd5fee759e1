//! Comparing what is generated with what is committed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A path of this crate.
pub(crate) fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a file of this crate; where they differ, says where and how to take it over.
pub(crate) fn difference(path: &str, text: &str) -> Option<String> {
    let known = fs::read_to_string(in_crate(path)).unwrap_or_default();
    if known == text {
        return None;
    }
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join(path.replace('/', "-"));
    fs::write(&fresh, text).unwrap();
    let line = known.lines().zip(text.lines()).position(|(old, new)| old != new);
    let line = line.unwrap_or_else(|| known.lines().count().min(text.lines().count()));
    Some(format!(
        "{path} differs from line {} on.\n  was: {}\n  now: {}\nIf that is meant: cp {} {}",
        line + 1,
        known.lines().nth(line).unwrap_or("(nothing)"),
        text.lines().nth(line).unwrap_or("(nothing)"),
        fresh.display(),
        in_crate(path).display(),
    ))
}
