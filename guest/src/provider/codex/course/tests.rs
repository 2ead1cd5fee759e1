//! A course of lines through the reader, and what comes of it.

use super::*;

fn told(method: &str, params: Value) -> Told {
    Told { method: method.to_owned(), params }
}

/// An event of the turn `u` in the conversation `t`.
fn of_turn(method: &str, mut params: Value) -> Told {
    params["threadId"] = json!("t");
    params["turnId"] = json!("u");
    told(method, params)
}

fn course() -> Course {
    let mut course = Course::of("t");
    course.is("u");
    course
}

fn item(event: &str, item: impl Into<Value>) -> Told {
    let item = item.into();
    of_turn(&format!("item/{event}"), json!({ "item": item }))
}

fn command(status: &str) -> Value {
    json!({ "type": "commandExecution", "id": "c1", "command": "ls", "status": status })
}

fn shell() -> Tool {
    Tool { id: "c1".to_owned(), name: "shell".to_owned(), summary: "ls".to_owned(), timeout: None }
}

fn message(id: &str, text: &str, phase: impl Into<Value>) -> Value {
    let phase = phase.into();
    json!({ "type": "agentMessage", "id": id, "text": text, "phase": phase })
}

fn ends(status: &str, error: impl Into<Value>) -> Told {
    let error = error.into();
    let turn = json!({ "id": "u", "status": status, "error": error });
    told("turn/completed", json!({ "threadId": "t", "turn": turn }))
}

fn text_of(acts: &[Act]) -> String {
    let mut all = String::new();
    for act in acts {
        if let Act::Say(ProviderEvent::Text(text)) = act {
            all.push_str(text);
        }
    }
    all
}

#[test]
fn words_come_in_pieces_and_the_answer_is_all_since_the_last_tool() {
    let mut course = course();
    let mut shown = String::new();
    for told in [
        item("started", message("m1", "", Value::Null)),
        of_turn("item/agentMessage/delta", json!({ "itemId": "m1", "delta": "on" })),
        of_turn("item/agentMessage/delta", json!({ "itemId": "m1", "delta": "e" })),
        item("completed", message("m1", "one", Value::Null)),
        // It did not come in pieces.
        item("started", message("m2", "", Value::Null)),
        item("completed", message("m2", "two", Value::Null)),
    ] {
        shown.push_str(&text_of(&course.hear(&told)));
    }
    assert_eq!(shown, "one\n\ntwo");
    assert_eq!(course.answer().as_deref(), Some("one\n\ntwo"));
    // A tool that asks begins anew, whether or not it may.
    course.hear(&item("started", command("inProgress")));
    course.asked(&json!(0), &of_turn("item/fileChange/requestApproval", json!({})));
    assert_eq!(course.answer(), None);
    course.hear(&item("completed", message("m3", "on my way", json!("commentary"))));
    assert_eq!(course.answer().as_deref(), Some("on my way"));
    course.hear(&item("completed", message("m4", "three", json!("final_answer"))));
    assert_eq!(course.answer().as_deref(), Some("three"));
    assert_eq!(course.hear(&ends("completed", Value::Null)), [Act::Over(Ending::Completed)]);
}

#[test]
fn a_command_waits_until_it_is_written_down() {
    let mut course = course();
    assert_eq!(course.hear(&item("started", command("inProgress"))), []);
    let asks = of_turn("item/commandExecution/requestApproval", json!({ "itemId": "c1" }));
    let gate = Act::Gate {
        tool: shell(),
        yes: r#"{"id":0,"result":{"decision":"accept"}}"#.to_owned(),
        no: r#"{"id":0,"result":{"decision":"decline"}}"#.to_owned(),
    };
    assert_eq!(course.asked(&json!(0), &asks), [gate]);
    assert!(!course.has_acted());
    course.acts("c1");
    assert!(course.has_acted() && course.is_acting());
    let output = json!({ "itemId": "c1", "delta": "a\n" });
    let progress = ProviderEvent::ToolProgress("c1".to_owned(), "a".to_owned());
    let output = of_turn("item/commandExecution/outputDelta", output);
    assert_eq!(course.hear(&output), [Act::Say(progress)]);
    let ended = Act::Say(ProviderEvent::ToolEnded("c1".to_owned()));
    assert_eq!(course.hear(&item("completed", command("completed"))), [ended]);
    assert!(!course.is_acting());
}

#[test]
fn what_was_refused_has_not_acted_and_what_did_not_ask_has() {
    let mut course = course();
    course.hear(&item("started", command("inProgress")));
    assert_eq!(course.hear(&item("completed", command("declined"))), []);
    course.hear(&item("started", command("inProgress")));
    let ended = Act::Say(ProviderEvent::ToolEnded("c1".to_owned()));
    let unasked = course.hear(&item("completed", command("completed")));
    assert_eq!(unasked, [Act::Late(shell()), ended]);
}

#[test]
fn a_tool_of_a_server_is_asked_for_by_its_name_and_nothing_else_is_granted() {
    let mut course = course();
    let call = json!({ "type": "mcpToolCall", "id": "x1", "server": "lazaret", "tool": "ping" });
    course.hear(&item("started", call));
    let asks = |kind: &str, tool: &str| {
        let meta = json!({ "codex_approval_kind": kind, "tool_name": tool });
        let params = json!({ "serverName": "lazaret", "_meta": meta });
        of_turn("mcpServer/elicitation/request", params)
    };
    let acts = course.asked(&json!(1), &asks("mcp_tool_call", "ping"));
    assert!(matches!(&acts[..], [Act::Gate { tool, .. }] if tool.id == "x1"), "{acts:?}");
    let no = [Act::Tell(r#"{"id":1,"result":{"action":"decline"}}"#.to_owned())];
    assert_eq!(course.asked(&json!(1), &asks("mcp_tool_call", "pong")), no);
    assert_eq!(course.asked(&json!(1), &asks("", "ping")), no);
    let unknown = course.asked(&json!(2), &of_turn("item/permissions/requestApproval", json!({})));
    assert!(matches!(&unknown[..], [Act::Tell(line)] if line.contains("error")), "{unknown:?}");
}

#[test]
fn what_another_turn_left_behind_ends_nothing_says_nothing_and_is_granted_nothing() {
    let mut course = course();
    for (field, other) in [("turnId", "old"), ("threadId", "elsewhere")] {
        let mut stray = of_turn("item/agentMessage/delta", json!({ "itemId": "m", "delta": "x" }));
        stray.params[field] = json!(other);
        assert_eq!(course.hear(&stray), []);
        let mut asks = of_turn("item/commandExecution/requestApproval", json!({ "itemId": "c1" }));
        asks.params[field] = json!(other);
        let acts = course.asked(&json!(0), &asks);
        assert!(matches!(&acts[..], [Act::Tell(no)] if no.contains("decline")), "{acts:?}");
    }
    let mut end = ends("interrupted", Value::Null);
    end.params["turn"]["id"] = json!("old");
    assert_eq!(course.hear(&end), []);
    // Not even while its own id is not known yet.
    let mut unborn = Course::of("t");
    assert_eq!(unborn.hear(&end), []);
    unborn.hear(&told("turn/started", json!({ "threadId": "t", "turn": { "id": "u" } })));
    assert_eq!(unborn.begun(), Some("u"));
}

#[test]
fn a_failure_says_why_by_its_own_words_or_those_before_it() {
    let error = json!({ "message": "full", "codexErrorInfo": "serverOverloaded" });
    let fault = Fault::new(Class::Overloaded, "full");
    let over = [Act::Over(Ending::Failed(fault))];
    assert_eq!(course().hear(&ends("failed", error.clone())), over);
    let mut course = course();
    course.hear(&of_turn("error", json!({ "error": error, "willRetry": false })));
    assert_eq!(course.hear(&ends("failed", Value::Null)), over);
    let silent = course.hear(&ends("failed", Value::Null));
    assert!(
        matches!(&silent[..], [Act::Over(Ending::Failed(fault))] if fault.class == Class::Opaque)
    );
}

#[test]
fn the_transcript_knows_what_a_run_was_answered() {
    let user = json!({ "type": "userMessage", "id": "u1", "clientId": "run-1" });
    let items = [user, message("m1", "wait", Value::Null), command("completed")];
    let mut turn = json!({ "id": "u", "status": "completed", "items": items });
    assert!(is_of_run(&turn, "run-1") && !is_of_run(&turn, "run-2"));
    assert_eq!(answered_by(&turn), None);
    let items = turn["items"].as_array_mut().unwrap();
    items.push(message("m2", "done", Value::Null));
    assert_eq!(answered_by(&turn).as_deref(), Some("done"));
    assert!(!is_of_run(&Value::Null, "") && answered_by(&Value::Null).is_none());
}
