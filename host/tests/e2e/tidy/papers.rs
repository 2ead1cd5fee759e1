//! The pages say what the tree holds: behaviours, dependencies, manifests, no private names.

use super::{
    none_of,
    source::{self, Source},
};

/// The behaviours that what is built so far answers for.
const BEHAVIOURS: &[&str] = &[
    "S4.1",
    "S4.2",
    "S4.3",
    "S4.4",
    "S4.5",
    "S4.6",
    "S4.7",
    "S4.13",
    "S4.17",
    "S4.18",
    "S4.25",
    "S4.26",
    "S4.27",
    "S4.28",
    "S4.29",
    "S4.32",
    "S4.33",
    "S4.8",
    "S4.9",
    "S4.10",
    "S4.11",
    "S4.12",
    "S4.14",
    "S4.15",
    "S4.16",
    "S4.30",
    "S0.11",
    "S1.1",
    "S1.2",
    "S1.3",
    "S4.31",
    "S2.3",
    "S2.4",
    "S2.5",
    "S2.6",
    "C25",
    "C28",
    "C10",
    "C11",
    "C12",
    "C13",
    "C14",
    "C18",
    "C19",
    "C26",
    "C27",
    "S0.14",
    "S0.15",
    "S0.31",
    "S0.33",
    "S0.34",
    "S0.36",
    "S3.4",
    "S3.5",
    "S3.10",
    "S3.11",
    "S3.16",
    "S3.18",
    "S3.21",
    "S3.22",
    "S3.23",
    "S3.24",
    "S3.25",
    "S3.26",
    "S3.27",
    "S3.28",
    "S3.29",
    "S3.30",
    "S3.31",
    "S3.33",
    "S3.37",
    "S3.40",
    "S3.41",
    "S3.44",
    "S3.48",
    "C20",
    "C31",
    "S0.1",
    "S0.3",
    "S0.10",
    "S0.13",
    "S0.49",
    "S0.51",
    "S0.52",
    "S0.55",
    "S0.56",
    "S0.57",
    "S0.58",
    "C3",
    "C4",
    "C5",
    "C15",
    "C16",
    "C17",
    "SM.run",
    "SM.attempt",
    "SM.container",
    "SM.silence",
    "M1",
    "M2",
    "M3",
    "M4",
    "M5",
    "M6",
    "P1",
    "P2",
    "P3",
    "P4",
];

/// Public addresses that a page or a test may name.
const KNOWN_HOSTS: &[&str] = &[
    "api.anthropic.com",
    "api.openai.com",
    "docs.docker.com",
    "github.com",
    "docs.rs",
    "doc.rust-lang.org",
    "www.rust-lang.org",
    "rustup.rs",
    "www.apache.org",
    "keepachangelog.com",
    "semver.org",
    "json-schema.org",
    "www.sqlite.org",
    "sqlite.org",
];

/// Each row of `docs/behaviours.md` names the tests that prove it, as `` `where::test` ``, or says
/// why it is `not ours: …`.
#[test]
fn every_behaviour_is_proven_or_said_not_to_be_ours() {
    let page = source::read("docs/behaviours.md");
    let files = source::rust();
    let mut problems = Vec::new();
    for id in BEHAVIOURS {
        let Some(row) = page.lines().find(|line| line.starts_with(&format!("| {id} |"))) else {
            problems.push(format!("{id} is not listed"));
            continue;
        };
        let proofs: Vec<&str> =
            row.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::")).collect();
        if proofs.is_empty() && !row.contains("not ours: ") {
            problems.push(format!("{id} has neither a test nor a reason"));
        }
        let missing = proofs.iter().filter(|proof| !is_test(&files, proof));
        problems.extend(missing.map(|proof| format!("{id}: there is no test {proof}")));
    }
    none_of(&problems, "docs/behaviours.md");
}

/// Each thing that somebody hostile may do is done by a test.
#[test]
fn every_hostile_deed_is_tried() {
    let page = source::read("docs/hostile.md");
    let files = source::rust();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what |"));
    let mut problems = Vec::new();
    for row in rows {
        let (what, proofs) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap_or((row, ""));
        let tests: Vec<&str> = proofs.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            problems.push(format!("no test: {what}"));
        }
        let missing = tests.iter().filter(|test| !is_test(&files, test));
        problems.extend(missing.map(|test| format!("there is no test {test}")));
    }
    none_of(&problems, "docs/hostile.md");
}

/// Whether `where::test` exists: `schemas`, `guest` and `host` are crates, `providers` the demands
/// that are asked of each runtime by name and the tests of one of them, the others test targets of
/// the host.
fn is_test(files: &[Source], proof: &str) -> bool {
    let Some((place, name)) = proof.split_once("::") else { return false };
    if place == "providers" {
        let asked = format!("::{name},");
        let mut runtimes = files.iter().filter(|f| f.path.starts_with("guest/tests/providers/"));
        if runtimes.any(|file| file.code.contains(&asked)) {
            return true;
        }
    }
    let folder = match place {
        "providers" => String::from("guest/tests/providers/"),
        "schemas" | "guest" => format!("{place}/"),
        "host" => String::from("host/src/"),
        target => format!("host/tests/{target}/"),
    };
    let start = format!("fn {name}(");
    files.iter().filter(|file| file.path.starts_with(&folder)).any(|file| {
        let Some((before, _)) = file.code.split_once(&start) else { return false };
        let above = before.lines().rev().map(str::trim);
        let mut attributes =
            above.take_while(|l| l.is_empty() || *l == "async" || l.starts_with("#["));
        attributes.any(|line| line.contains("test"))
    })
}

#[test]
fn every_dependency_says_what_it_saves_us() {
    let manifest = source::read("Cargo.toml");
    let page = source::read("ARCHITECTURE.md");
    let (_, list) = manifest.split_once("[workspace.dependencies]\n").expect("a list");
    let names: Vec<&str> = list
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.contains("path ="))
        .filter_map(|line| Some(line.split_once(" =")?.0))
        .collect();
    let rows: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| dependency |"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let missing = names.iter().filter(|name| !rows.contains(name));
    let stale = rows.iter().filter(|row| !names.contains(row));
    let problems: Vec<String> = missing
        .map(|name| format!("{name} has no line"))
        .chain(stale.map(|row| format!("{row} is not a dependency")))
        .collect();
    none_of(&problems, "the dependency table of ARCHITECTURE.md");
}

#[test]
fn every_member_takes_the_workspaces_lints() {
    let texts = source::texts();
    let manifests = texts.iter().filter(|(path, _)| path.ends_with("/Cargo.toml"));
    let problems: Vec<String> = manifests
        .filter(|(_, text)| !text.contains("[lints]\nworkspace = true\n"))
        .map(|(path, _)| path.clone())
        .collect();
    none_of(&problems, "a member without the workspace's lints");
}

#[test]
fn no_file_names_one_machine() {
    let folder = concat!("/wo", "rk/");
    let mut problems = Vec::new();
    for (path, text) in source::texts() {
        let starts = |at: usize| {
            let before = text.split_at(at).0.chars().next_back();
            before.is_none_or(|c| c.is_whitespace() || "\"'`(=<>:,".contains(c))
        };
        if text.match_indices(folder).any(|(at, _)| starts(at)) {
            problems.push(format!("{path}: a path of one machine"));
        }
        let private = text.split("://").skip(1).filter_map(|rest| private_host(rest));
        problems.extend(private.map(|host| format!("{path}: the host {host}")));
    }
    none_of(&problems, "what is committed holds on every machine");
}

/// The host at the start of an address, when it is neither known, local nor an example.
fn private_host(rest: &str) -> Option<&str> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
    let host = rest.split_at(end.unwrap_or(rest.len())).0.trim_end_matches('.');
    let number = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    let example = [".example", ".invalid", ".test", "example.com", "example.org", ".local"];
    let harmless = !host.contains('.')
        || number
        || example.iter().any(|end| host.ends_with(end))
        || KNOWN_HOSTS.contains(&host);
    (!harmless).then_some(host)
}
