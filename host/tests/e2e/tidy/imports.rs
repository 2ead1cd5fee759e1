//! Who may know whom: the table "Direction" of `ARCHITECTURE.md`.

use super::{
    every_rust_file,
    source::{self, Source},
};

/// Files that only decide: no IO, no runtime, no clock.
const PURE: &[&str] = &[
    "host/src/people/",
    "host/src/approvals/life.rs",
    "host/src/routing/",
    "host/src/sessions/key.rs",
    "host/src/sessions/prompt.rs",
    "host/src/sessions/allowance.rs",
    "host/src/sessions/notes.rs",
    "host/src/sessions/lifecycle.rs",
    "host/src/sessions/stuck.rs",
    "host/src/engine/spec.rs",
    "host/src/engine/mounts.rs",
    "host/src/broker/pass.rs",
    "host/src/broker/route.rs",
    "host/src/broker/usage.rs",
    "host/src/broker/usage/",
    "host/src/secrets/value.rs",
    "host/src/channels/body.rs",
    "host/src/channels/bounded.rs",
    "host/src/delivery/breaker.rs",
    "host/src/delivery/bucket.rs",
    "host/src/delivery/gate.rs",
    "host/src/delivery/permit.rs",
    "host/src/delivery/retry.rs",
    "host/src/delivery/split.rs",
    "host/src/delivery/tally.rs",
    "host/src/delivery/wish.rs",
    "host/src/peers/bounds.rs",
    "host/src/schedule/",
    "host/src/actions/plan.rs",
    "guest/src/turn.rs",
    "guest/src/prompt.rs",
    "guest/src/written.rs",
    "guest/src/provider/claude/line.rs",
    "guest/src/provider/claude/outcome.rs",
    "guest/src/provider/claude/told.rs",
    "guest/src/provider/codex/course.rs",
    "guest/src/provider/codex/item.rs",
    "guest/src/provider/codex/launch.rs",
    "guest/src/provider/codex/spent.rs",
    "guest/src/provider/codex/trouble.rs",
    "guest/src/provider/codex/wire.rs",
    "guest/src/provider/echo/directive.rs",
    "guest/src/reply.rs",
    "guest/src/spoken/",
    "guest/src/handoff.rs",
    "guest/src/tools/given.rs",
    "guest/src/chain.rs",
];

const PLATFORMS: &[&str] = &["terminal", "web", "slack", "github", "telegram", "webhook"];

/// Fails for each file under `scope` and outside `except` whose production code names one of
/// `banned`.
#[track_caller]
fn nobody_names(banned: &[&str], scope: &[&str], except: &[&str], rule: &str) {
    every_rust_file(rule, |file| {
        let under = |folders: &[&str]| folders.iter().any(|folder| file.path.starts_with(folder));
        if !under(scope) || under(except) {
            return None;
        }
        let named = banned.iter().find(|path| file.names(path))?;
        Some(format!("names {named}"))
    });
}

#[test]
fn a_pure_file_knows_no_runtime_no_database_and_no_files() {
    let banned = ["tokio", "rusqlite", "std::fs", "std::net", "std::process", "nix"];
    nobody_names(&banned, PURE, &[], "a PURE file decides and never acts");
}

#[test]
fn a_pure_file_reads_no_clock() {
    every_rust_file("a PURE file is handed the time", |file| {
        let pure = PURE.iter().any(|path| file.path.starts_with(path));
        (pure && file.production().contains("now()")).then(|| String::from("calls now()"))
    });
}

#[test]
fn only_a_clock_reads_the_time() {
    let clocks = ["schemas/src/time.rs", "host/src/clock.rs"];
    let clocks_own = ["SystemTime::now", "Timestamp::now", "Zoned::now"];
    let with_crate = ["std::time::SystemTime::now", "jiff::Timestamp::now", "jiff::Zoned::now"];
    let banned = [clocks_own, with_crate].concat();
    let all = ["host/src/", "guest/src/", "schemas/src/"];
    nobody_names(&banned, &all, &clocks, "take a Clock, so that a test can hold it");
}

#[test]
fn only_the_docker_engine_knows_bollard() {
    let all = ["host/src/", "guest/", "schemas/"];
    nobody_names(&["bollard"], &all, &["host/src/engine/docker"], "the engine is a port");
}

#[test]
fn only_the_store_and_the_contract_know_rusqlite() {
    let all = ["host/src/", "guest/src/"];
    nobody_names(&["rusqlite"], &all, &["host/src/store/"], "SQL lies in store/ and schemas");
}

#[test]
fn a_channel_knows_messages_only() {
    let banned = ["crate::store", "crate::sessions", "crate::routing", "crate::engine"];
    nobody_names(&banned, &["host/src/channels/"], &[], "a channel only enqueues and posts");
}

#[test]
fn the_broker_knows_sockets_and_keys_only() {
    let banned = ["crate::store", "crate::sessions", "crate::engine", "crate::daemon"];
    let both = ["host/src/broker/", "host/src/secrets/"];
    nobody_names(&banned, &both, &[], "a session's task opens its socket, and says no more");
}

#[test]
fn only_the_broker_reaches_beyond_this_machine() {
    let banned = ["hyper_rustls", "tokio::net::TcpStream", "std::net::TcpStream"];
    let broker = ["host/src/broker/upstream.rs"];
    nobody_names(
        &banned,
        &["host/src/"],
        &broker,
        "what leaves this machine goes through the broker",
    );
}

#[test]
fn routing_and_delivery_name_no_concrete_channel() {
    every_rust_file("a channel is known by its trait", |file| {
        let core = ["host/src/routing/", "host/src/delivery/"];
        if !core.iter().any(|folder| file.path.starts_with(folder)) {
            return None;
        }
        // Literals count here, so the comments are left out line by line.
        let shown = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = shown.lines().filter(|l| !l.trim().starts_with("//")).collect();
        let named = PLATFORMS.iter().find(|platform| {
            let word = format!("\"{platform}\"");
            file.names(&format!("crate::channels::{platform}"))
                || code.iter().any(|line| line.contains(&word))
        })?;
        Some(format!("names {named}"))
    });
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let banned = ["env::var", "env::var_os", "env::vars", "env::vars_os"];
    let with_std = banned.map(|name| format!("std::{name}"));
    let all: Vec<&str> = banned.into_iter().chain(with_std.iter().map(String::as_str)).collect();
    let config = ["host/src/config.rs", "host/src/config/", "guest/src/config.rs"];
    let scope = ["host/src/", "guest/src/", "schemas/src/"];
    nobody_names(&all, &scope, &config, "ask config.rs");
}

#[test]
fn the_host_knows_the_guest_in_tests_only() {
    let manifest = source::read("host/Cargo.toml");
    let (dependencies, _) = manifest.split_once("[dev-dependencies]").expect("it has both");
    assert!(!dependencies.contains("\nguest"), "the guest is a dev-dependency of the host");
}

#[test]
fn each_side_of_the_contract_stays_on_its_side() {
    nobody_names(&["schemas::guest_side"], &["host/src/"], &[], "the guest's half of the contract");
    nobody_names(&["schemas::host_side"], &["guest/src/"], &[], "the host's half of the contract");
}

/// Closing any descriptor of a file drops every POSIX lock that the process holds on it, SQLite's
/// too, so in the host only SQLite may open what SQLite writes there.
#[test]
fn only_sqlite_opens_the_hosts_databases() {
    let databases = ["inbound_db", "INBOUND_DB", "central_db", "CENTRAL_DB"];
    let openers = ["File::", "OpenOptions", "fs::read", "fs::write", "fs::copy", "openat", "open("];
    let opens = |statement: &str| {
        databases.iter().any(|name| statement.contains(name))
            && openers.iter().any(|opener| statement.contains(opener))
    };
    every_rust_file("only SQLite opens the host's databases", |file: &Source| {
        let host = file.path.starts_with("host/src/") && !file.path.starts_with("host/src/store/");
        let found = host && file.production().split([';', '{', '}']).any(opens);
        found.then(|| String::from("opens one as a file"))
    });
}
