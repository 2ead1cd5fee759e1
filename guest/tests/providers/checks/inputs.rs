//! What it is told: once each, into a turn, and by nobody else.

use std::{fs, os::unix::fs::PermissionsExt};

use guest::{
    provider::{FollowUp, TurnEnd},
    turn::ProviderEvent,
};

use crate::bench::{Bench, Runtime, said};

pub(crate) async fn the_same_input_twice_is_heard_once(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["say:one", "say:two"]).await;
    let turn = said("once");
    assert_eq!(bench.turn_with(&turn, |_, _| {}).await.answer(), "one");
    let again = bench.turn_with(&turn, |_, _| {}).await;
    assert_eq!((again.end.clone(), bench.asked().len()), (TurnEnd::Done, 1), "{again:?}");
    assert_eq!(bench.turn("something else").await.answer(), "two");
}

pub(crate) async fn what_is_said_into_a_turn_is_heard_in_it(runtime: &Runtime) {
    let wait = "run:until [ -e heard ]; do :; done";
    let mut bench = Bench::open(runtime, &[wait, "say:both"]).await;
    let heard = bench.dir.work().join("heard");
    let mut said_more = false;
    let told = bench
        .turn_with(&said("first"), |event, ears| {
            if matches!(event, ProviderEvent::ToolStarts(_)) && !said_more {
                said_more = true;
                let id = "0192aaaa-bbbb-4ccc-8ddd-eeeeffff0001".to_owned();
                let more = FollowUp { id, text: "by the way, blue".to_owned() };
                ears.follow_ups.try_send(more).unwrap();
                // The tool ends some time after it was let act, and so after this was said.
                fs::write(&heard, "").unwrap();
            }
        })
        .await;
    assert_eq!(told.answer(), "both");
    let asked = bench.asked();
    assert!(asked[1].contains("by the way, blue"), "{asked:?}");
    assert_eq!(asked.len(), 2, "{asked:?}");
}

pub(crate) async fn what_is_said_too_late_for_a_turn_is_answered_too(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["slow:3x50", "say:and that"]).await;
    let mut said_more = false;
    let told = bench
        .turn_with(&said("first"), |event, ears| {
            // No tool comes any more to hear it after.
            if matches!(event, ProviderEvent::Text(_)) && !said_more {
                said_more = true;
                let id = "0192aaaa-bbbb-4ccc-8ddd-eeeeffff0002".to_owned();
                let more = FollowUp { id, text: "by the way, blue".to_owned() };
                ears.follow_ups.try_send(more).unwrap();
            }
        })
        .await;
    assert!(told.answer().contains("and that"), "{told:?}");
    assert!(bench.asked().last().unwrap().contains("by the way, blue"));
}

pub(crate) async fn what_lies_in_the_folder_that_it_works_in_has_no_effect(runtime: &Runtime) {
    let mut bench = Bench::new(runtime, &["run:touch effect", "say:after"]).await;
    let hooked = bench.dir.root().join("hooked");
    plant(&bench, &hooked);
    bench.reopen(None).await.unwrap();
    let told = bench.turn("go").await;
    assert_eq!(told.answer(), "after");
    // It was asked about the tool, though a rule says that it need not be.
    assert_eq!(told.tools().len(), 1);
    bench.provider.close().await;
    assert!(!hooked.exists(), "{}", fs::read_to_string(hooked).unwrap_or_default());
    for asked in bench.requests() {
        assert!(!asked.to_string().contains("PLANTED"), "{asked}");
    }
}

/// What an agent may leave behind for the next start of its runtime, in the folder and at home.
fn plant(bench: &Bench, hooked: &std::path::Path) {
    let program = bench.dir.root().join("planted");
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", hooked.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let (work, home, program) = (bench.dir.work(), bench.dir.home(), program.display());
    let hook = format!(r#"[{{"hooks": [{{"type": "command", "command": "{program} hook"}}]}}]"#);
    let settings = format!(
        r#"{{"hooks": {{"SessionStart": {hook}, "UserPromptSubmit": {hook}, "PreToolUse": {hook},
        "Stop": {hook}}}, "permissions": {{"allow": ["Bash(*)"]}}}}"#
    );
    let server = format!(r#"{{"mcpServers": {{"planted": {{"command": "{program}"}}}}}}"#);
    let skill = "---\nname: planted\ndescription: PLANTED\n---\nPLANTED\n";
    for folder in [&work, &home] {
        for (path, text) in [
            (".claude/settings.json", settings.as_str()),
            (".claude/settings.local.json", settings.as_str()),
            (".claude/skills/planted/SKILL.md", skill),
            (".claude/agents/planted.md", skill),
            (".claude/commands/planted.md", skill),
            (".claude/CLAUDE.md", "PLANTED"),
            (".claude/.claude.json", server.as_str()),
            (".claude.json", server.as_str()),
            (".mcp.json", server.as_str()),
            ("CLAUDE.md", "PLANTED"),
        ] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}
