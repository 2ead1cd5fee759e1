//! What a sandbox says of itself, in a few lines. PURE.

use serde_json::Value;

/// The lines that matter; all of it when it cannot be read.
pub(super) fn lines(said: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(said) {
        Ok(probe @ Value::Object(_)) => known(&probe),
        Ok(_) | Err(_) => said.lines().map(str::to_owned).collect(),
    }
}

fn known(probe: &Value) -> Vec<String> {
    let text = |key: &str| probe.get(key).map_or_else(|| "not told".to_owned(), shown);
    let yes_no = |key: &str| match probe.get(key).and_then(Value::as_bool) {
        Some(true) => "YES",
        Some(false) => "no",
        None => "not told",
    };
    let capabilities = probe.get("capabilities").and_then(|sets| sets.get("effective"));
    let none =
        capabilities.and_then(Value::as_str).is_some_and(|set| set.bytes().all(|b| b == b'0'));
    let capabilities = if none {
        "none".to_owned()
    } else {
        capabilities.map_or_else(|| "not told".to_owned(), shown)
    };
    [
        ("user", format!("uid {}, gid {}", text("uid"), text("gid"))),
        ("capabilities", capabilities),
        ("no_new_privs", text("no_new_privs")),
        ("system call filter", filter(probe)),
        ("network", network(&text("interfaces"))),
        ("can write to /", yes_no("root_writable").to_owned()),
        ("writing inbound.db", write(&text("inbound_write"))),
        ("processes it sees", processes(probe)),
        ("environment", text("environment")),
    ]
    .into_iter()
    .map(|(what, is)| format!("{what:<19} {is}"))
    .collect()
}

/// The probe begins with the kind of the error, for machines.
fn write(said: &str) -> String {
    match said.split_once(": ") {
        Some((_kind, why)) => format!("refused: {why}"),
        None if said == "allowed" => "ALLOWED".to_owned(),
        None => said.to_owned(),
    }
}

fn network(interfaces: &str) -> String {
    if interfaces == "lo" { "none (lo only)".to_owned() } else { interfaces.to_owned() }
}

fn filter(probe: &Value) -> String {
    match probe.get("seccomp").and_then(Value::as_u64) {
        Some(2) => "on".to_owned(),
        Some(_) => "OFF".to_owned(),
        None => "not told".to_owned(),
    }
}

fn processes(probe: &Value) -> String {
    let Some(seen) = probe.get("pids").and_then(Value::as_array) else {
        return "not told".to_owned();
    };
    let names: Vec<String> =
        seen.iter().filter_map(|process| process.get("name")).map(shown).take(4).collect();
    let more = if seen.len() > names.len() { ", …" } else { "" };
    format!("{} ({}{more})", seen.len(), names.join(", "))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_is_shown_in_a_few_lines() {
        let said = r#"{"capabilities":{"effective":"0000000000000000"},"uid":64001,"gid":64001,
            "interfaces":["lo"],"inbound_write":"ReadOnly: attempt to write a readonly database",
            "no_new_privs":1,"seccomp":2,"root_writable":false,"environment":["HOME","PATH"],
            "pids":[{"name":"guest","pid":1},{"name":"guest","pid":6}]}"#;
        insta::assert_snapshot!(lines(said).join("\n"), @r"
        user                uid 64001, gid 64001
        capabilities        none
        no_new_privs        1
        system call filter  on
        network             none (lo only)
        can write to /      no
        writing inbound.db  refused: attempt to write a readonly database
        processes it sees   2 (guest, guest)
        environment         HOME, PATH
        ");
    }

    #[test]
    fn what_cannot_be_read_is_shown_whole_and_what_is_missing_is_said_to_be() {
        assert_eq!(lines("uid 1\ngid 2"), ["uid 1", "gid 2"]);
        assert!(lines("{}").iter().all(|line| line.contains("not told")));
    }
}
