//! Claude Code.

use guest::{
    limits,
    provider::{
        Class, Provider, Surroundings,
        claude::{Claude, Tools},
    },
};
use schemas::{content::Attachment, session_dir::SessionDir};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split};
use tokio_util::task::TaskTracker;

use crate::bench::{Bench, Runtime, program, said};

conforms!(claude:
    life::fifty_turns_have_one_process,
    life::a_conversation_goes_on_after_its_process_was_killed,
    life::a_conversation_goes_on_in_another_life,
    life::a_conversation_that_is_gone_begins_anew,
    life::another_launch_is_another_process_in_the_same_conversation,
    life::a_model_is_changed_in_the_same_conversation,
    life::nobody_is_left_of_one_that_is_dropped,
    life::one_that_is_not_there_is_missing,
    stops::a_stop_in_the_middle_of_words_keeps_the_process,
    stops::a_stop_in_a_tool_leaves_nobody_of_it,
    stops::a_stop_while_the_model_is_silent_keeps_the_process,
    stops::a_stop_that_comes_first_is_a_stop,
    stops::stop_after_stop_ends_each_its_own_turn,
    faults::a_refused_key_is_classed,
    faults::a_missing_model_is_classed,
    faults::a_limit_is_classed,
    faults::a_failing_server_is_classed,
    faults::a_full_server_is_classed,
    faults::a_request_that_is_too_long_is_classed,
    faults::a_cut_stream_is_classed,
    faults::an_error_in_the_stream_is_classed,
    faults::slow_words_come_one_by_one,
    tools::a_tool_acts_after_it_was_written_down,
    tools::a_tool_that_cannot_be_written_down_does_not_act,
    tools::a_tool_may_write_wherever_the_container_lets_it,
    tools::words_before_a_tool_are_told_and_the_answer_is_what_comes_after_it,
    inputs::the_same_input_twice_is_heard_once,
    inputs::what_is_said_into_a_turn_is_heard_in_it,
    inputs::what_is_said_too_late_for_a_turn_is_answered_too,
    inputs::what_lies_in_the_folder_that_it_works_in_has_no_effect,
);

pub(crate) fn claude() -> Runtime {
    Runtime { make, forget, name: "claude", asks_for_a_missing_model: 2 }
}

fn make(around: Surroundings) -> Box<dyn Provider> {
    Box::new(Claude::new(around).with_program(program("claude")))
}

fn forget(dir: &SessionDir) {
    std::fs::remove_dir_all(dir.home().join(".claude/projects")).unwrap();
}

/// One white dot.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\xdac\xfc\xff\xff?\x03\0\x08\xfc\x02\xfe\xa7\x9a\xa0\xa0\0\0\0\0IEND\xaeB`\x82";

#[tokio::test]
async fn a_picture_is_shown_to_the_model_and_another_file_is_named() {
    let mut bench = Bench::open(&claude(), &["say:nice"]).await;
    let mut turn = said("look");
    for (name, bytes) in [("dot.png", PICTURE), ("notes.txt", b"some notes of mine")] {
        std::fs::create_dir_all(bench.dir.inbox().join("1")).unwrap();
        std::fs::write(bench.dir.inbox().join("1").join(name), bytes).unwrap();
        turn.messages[0].attachments.push(Attachment {
            name: Some(name.to_owned()),
            local_path: Some(format!("inbox/1/{name}")),
            ..Attachment::default()
        });
    }
    assert_eq!(bench.turn_with(&turn, |_, _| {}).await.answer(), "nice");
    let asked = bench.asked().concat();
    assert_eq!(asked.matches("\"image\"").count(), 1, "{asked}");
    assert!(asked.contains("image/png") && asked.contains("/workspace/in/inbox/1/notes.txt"));
    assert!(!asked.contains("some notes of mine"));
}

#[tokio::test]
async fn tools_of_ours_are_called_without_a_process_of_their_own() {
    let serving = TaskTracker::new();
    let (tracker, plays) = (serving.clone(), ["call:lazaret__ping:{\"n\":7}", "say:it said pong"]);
    let mut bench = Bench::new(&claude(), &plays).await;
    let tools = Tools::new(move || {
        let (ours, theirs) = duplex(limits::TOOL_PIPE);
        tracker.spawn(serve(theirs));
        ours
    });
    bench.provider = Box::new(
        Claude::new(bench.around.clone()).with_program(program("claude")).with_tools(tools.clone()),
    );
    bench.reopen(None).await.unwrap();
    let told = bench.turn("go").await;
    assert_eq!(told.answer(), "it said pong");
    assert_eq!(told.tools(), ["mcp__lazaret__ping"]);
    assert!(bench.asked()[1].contains("pong 7"), "{:?}", bench.asked());
    // The next process meets a server of its own.
    bench.launch.system_prompt = "You are Andy.".to_owned();
    bench.reopen(None).await.unwrap();
    assert_eq!(bench.turn("again").await.answer(), "it said pong");
    assert!(bench.requests()[2]["tools"].to_string().contains("mcp__lazaret__ping"));
    bench.provider.close().await;
    serving.close();
    serving.wait().await;
}

/// A server of one tool.
async fn serve(stream: DuplexStream) {
    let (from, mut to) = split(stream);
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let asked: Value = serde_json::from_str(&line).unwrap();
        let Some(id) = asked.get("id") else { continue };
        let result = match asked["method"].as_str().unwrap_or_default() {
            "initialize" => json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "ours", "version": "1"}}),
            "tools/list" => json!({"tools": [{"name": "ping", "description": "pings",
                "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}}}}]}),
            "tools/call" => json!({"content": [{"type": "text",
                "text": format!("pong {}", asked["params"]["arguments"]["n"])}]}),
            _ => json!({}),
        };
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
        to.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_missing() {
    let mut bench = Bench::new(&claude(), &["say:no"]).await;
    let claude = Claude::new(bench.around.clone()).with_program("/no/such/claude".into());
    bench.provider = Box::new(claude);
    let fault = bench.reopen(None).await.unwrap_err();
    assert_eq!(fault.class, Class::Missing);
    assert!(fault.detail.contains("/no/such/claude"), "{fault:?}");
}
