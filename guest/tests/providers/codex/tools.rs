//! Tools of every kind, and that they act only once it is written down.

use std::fs;

use guest::{
    provider::codex::Codex,
    turn::{ProviderEvent, Tool},
};

use super::{codex, open, starts_a_tool};
use crate::bench::{Bench, Told, program, said};

const PATCH: &str = "run:apply_patch <<'X'\n*** Begin Patch\n*** Add File: made\n+yes\n\
                     *** End Patch\nX";

fn started(told: &Told) -> Vec<&Tool> {
    let tools = told.events.iter().filter_map(|event| match event {
        ProviderEvent::ToolStarts(tool) => Some(tool),
        _ => None,
    });
    tools.collect()
}

/// Plays it twice: once nothing can be written down, once everything can.
async fn check(bench: &mut Bench, name: &str) {
    let made = bench.dir.work().join("made");
    bench.durable = false;
    assert_eq!(bench.turn("go").await.answer(), "no");
    assert!(!made.exists(), "it acted unwritten");
    bench.durable = true;
    let mut before = Vec::new();
    let told = bench
        .turn_with(&said("again"), |event, _| {
            before.extend(starts_a_tool(event).then(|| made.exists()));
        })
        .await;
    assert_eq!((told.answer(), before.as_slice()), ("yes", &[false][..]));
    assert_eq!(fs::read_to_string(&made).unwrap(), "yes\n");
    assert_eq!(told.tools(), [name]);
    let ended = ProviderEvent::ToolEnded(started(&told)[0].id.clone());
    assert!(told.events.contains(&ended), "{told:?}");
}

#[tokio::test]
async fn a_patch_acts_once_it_is_written_down() {
    check(&mut open(&[PATCH, "say:no", PATCH, "say:yes"]).await, "apply_patch").await;
}

#[tokio::test]
async fn a_command_inside_a_program_of_the_model_acts_once_it_is_written_down() {
    // Its newest models are offered one tool, which runs programs that call the others.
    let run = "run:echo yes > made";
    let mut bench = Bench::new(&codex(), &[run, "say:no", run, "say:yes"]).await;
    bench.launch.model = Some("gpt-6-sol".to_owned());
    bench.reopen(None).await.unwrap();
    check(&mut bench, "shell").await;
}

#[tokio::test]
async fn even_the_most_harmless_command_is_asked_for() {
    let mut bench = open(&["run:ls", "run:cat nothing", "run:true", "say:done"]).await;
    let told = bench.turn("go").await;
    let about: Vec<&str> = started(&told).iter().map(|tool| tool.summary.as_str()).collect();
    assert!(about.len() == 3 && about[1].contains("cat nothing"), "{about:?}");
}

#[tokio::test]
async fn what_a_tool_says_meanwhile_is_progress() {
    let mut bench = open(&["run:sleep 0.5; echo halfway; sleep 0.5", "say:done"]).await;
    let told = bench.turn("go").await;
    let halfway = |event: &ProviderEvent| matches!(event, ProviderEvent::ToolProgress(_, line) if line.contains("halfway"));
    assert!(told.events.iter().any(halfway), "{told:?}");
}

/// A server of tools: it is told one thing at a time, and writes down each call.
const SERVER: &str = r#"#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p')
  [ -n "$id" ] || continue
  case "$line" in
    *'"initialize"'*) r='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}' ;;
    *'"tools/list"'*) r='{"tools":[{"name":"ping","description":"pings","inputSchema":{"type":"object","properties":{"x":{"type":"string"}}}}]}' ;;
    *'"tools/call"'*) echo yes > made; r='{"content":[{"type":"text","text":"pong"}]}' ;;
    *) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id"; continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$r"
done
"#;

#[tokio::test]
async fn our_own_tools_are_offered_and_act_once_that_is_written_down() {
    let call = r#"call:mcp__lazaret__ping:{"x":"1"}"#;
    let mut bench = Bench::new(&codex(), &[call, "say:no", call, "say:yes"]).await;
    let server = bench.dir.root().join("server");
    fs::write(&server, SERVER).unwrap();
    let command = vec!["/bin/sh".to_owned(), server.to_str().unwrap().to_owned()];
    bench.provider = Box::new(Codex::new(bench.around.clone(), Some(command)).at(program("codex")));
    bench.launch.model = Some("scripted".to_owned());
    bench.reopen(None).await.unwrap();
    check(&mut bench, "ping").await;
    assert!(bench.asked().last().unwrap().contains("pong"));
}
