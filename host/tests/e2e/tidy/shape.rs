//! Sizes, and what no file may hold.

use super::{
    every_rust_file, none_of,
    source::{self, Source, functions, has_word},
};

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_PUBLIC_ITEMS: usize = 16;
const MAX_PUBLIC_METHODS: usize = 24;
const MAX_SCRIPT_LINES: usize = 39;

/// Lists by nature: every bound and every sentence lies in one place, or in its folder.
const LISTS: &[&str] = &["/limits.rs", "/limits/", "/text.rs"];

#[test]
fn a_file_fits_in_its_budget() {
    every_rust_file("split by the direction of flow", |file| {
        let lines = file.production().lines().count();
        (lines > MAX_FILE_LINES).then(|| format!("{lines} lines without its inline tests"))
    });
}

#[test]
fn a_function_fits_in_its_budget() {
    every_rust_file("one function branches, the leaves compute", |file| {
        let all = functions(&file.code);
        let (name, lines) = all.iter().find(|(_, lines)| *lines > MAX_FUNCTION_LINES)?;
        Some(format!("{name} has {lines} lines"))
    });
}

#[test]
fn a_file_offers_few_things() {
    every_rust_file("a file that offers much owns much", |file| {
        if LISTS.iter().any(|name| file.path.contains(name)) {
            return None;
        }
        let (mut items, mut methods) = (0, 0);
        for line in file.production().lines().filter(|line| offers(line)) {
            if line.starts_with("pub") { items += 1 } else { methods += 1 }
        }
        let fits = items <= MAX_PUBLIC_ITEMS && methods <= MAX_PUBLIC_METHODS;
        (!fits).then(|| format!("{items} public items, {methods} public methods"))
    });
}

/// Whether a line begins a public item or method; fields and modules do not count.
fn offers(line: &str) -> bool {
    let line = line.trim_start();
    let Some(item) = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")) else {
        return false;
    };
    let kinds = ["fn ", "const ", "async ", "struct ", "enum ", "trait ", "type ", "static "];
    kinds.iter().any(|kind| item.starts_with(kind))
}

#[test]
fn every_file_begins_with_what_it_owns() {
    every_rust_file("a file begins with its module doc", |file| {
        (!file.text.starts_with("//! ")).then(|| String::from("no `//!` in its first line"))
    });
}

#[test]
fn nothing_is_unsafe_excused_or_left_for_later() {
    every_rust_file("mend it instead", |file| {
        let marks = ["#[allow(", "#![allow(", "#[ignore", "#[should_panic", "todo!", "dbg!"];
        let mark = marks.into_iter().find(|mark| file.code.contains(mark));
        let found = mark.or_else(|| has_word(&file.code, "unsafe").then_some("unsafe"));
        found.map(|mark| format!("holds {mark}"))
    });
}

/// In JSON the sentence of a line is its `message`; a field of that name would stand there twice.
#[test]
fn a_log_line_has_one_message() {
    every_rust_file("name it message_id", |file| {
        let twice = ["message = %", "message = ?"].into_iter().find(|f| file.code.contains(f));
        twice.map(|field| format!("logs a field {field}"))
    });
}

#[test]
fn no_test_sleeps() {
    every_rust_file("wait for what should be, with a long limit and a status", |file| {
        let sleeps = ["thread::sleep", "time::sleep", "sleep("];
        let test = file.path.contains("/tests/");
        let found = test.then(|| sleeps.iter().find(|word| file.code.contains(*word)))??;
        Some(format!("holds {found}"))
    });
}

#[test]
fn no_test_file_is_forgotten() {
    let files = source::rust();
    every_rust_file("a file without its `mod` is never compiled", |file| {
        let (folder, name) = file.path.rsplit_once('/')?;
        let (folder, module) = match name.strip_suffix(".rs")? {
            "mod" => folder.rsplit_once('/')?,
            module => (folder, module),
        };
        let (_, place) = folder.split_once("/tests/")?;
        let top = !place.contains('/');
        if top && module == "main" {
            return None;
        }
        let parents = if top {
            [format!("{folder}/main.rs"), String::new()]
        } else {
            [format!("{folder}.rs"), format!("{folder}/mod.rs")]
        };
        let declares = |parent: &Source| has_word(&parent.code, &format!("mod {module}"));
        let declared = files.iter().filter(|f| parents.contains(&f.path)).any(declares);
        // What several targets share lies in a folder that is none.
        let shared = format!("#[path = \"../{place}/{module}.rs\"]");
        let declared = declared || files.iter().any(|f| f.text.contains(&shared));
        (!declared).then(|| format!("nothing says `mod {module};`"))
    });
}

#[test]
fn no_file_is_a_drawer() {
    let drawers = ["util.rs", "utils.rs", "helper.rs", "helpers.rs", "misc.rs", "common.rs"];
    every_rust_file("name it by what it owns", |file| {
        let name = file.path.rsplit('/').next()?;
        drawers.contains(&name).then(|| String::from("a drawer"))
    });
}

#[test]
fn every_script_is_short_and_stops_at_the_first_error() {
    let texts = source::texts();
    let scripts =
        texts.iter().filter(|(path, _)| path.starts_with("scripts/") || path.starts_with(".ci/"));
    let problems: Vec<String> = scripts
        .filter_map(|(path, text)| Some(format!("{path}: {}", script_problem(path, text)?)))
        .collect();
    none_of(&problems, "a script only calls cargo, docker or apt");
}

fn script_problem(path: &str, text: &str) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = source::root().join(path).metadata().map_or(0, |data| data.permissions().mode());
    let lines = text.lines().count();
    if lines > MAX_SCRIPT_LINES {
        return Some(format!("{lines} lines"));
    }
    if !text.starts_with("#!/usr/bin/env bash\n# ") || !text.contains("\nset -euo pipefail\n") {
        return Some(String::from("does not begin as a script does here"));
    }
    (mode & 0o111 == 0).then(|| String::from("is not executable"))
}
