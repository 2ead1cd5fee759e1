//! The house style (`STYLE.md`) and the direction of imports (`ARCHITECTURE.md`) as tests.
//!
//! One test for each rule, over the files of the whole workspace. A rule that is wrong is changed
//! here and in its page in the same commit; no file is excused by a comment.

use self::source::Source;

mod imports;
mod papers;
mod shape;
mod source;

/// Fails with every violation at once, so that one run shows the whole work.
#[track_caller]
fn none_of(problems: &[String], rule: &str) {
    assert!(problems.is_empty(), "{rule}:\n  {}", problems.join("\n  "));
}

/// Applies one rule to each Rust file, and fails with the files that break it.
#[track_caller]
fn every_rust_file(rule: &str, problem: impl Fn(&Source) -> Option<String>) {
    let files = source::rust();
    assert!(files.len() > 5, "the walk found only {} Rust files", files.len());
    let found: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.path, problem(file)?)))
        .collect();
    none_of(&found, rule);
}
