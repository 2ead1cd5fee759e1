//! A runtime that is played by a few lines of shell in Claude Code's protocol: what the real one
//! does too rarely to wait for.

use std::{fs, os::unix::fs::PermissionsExt};

use guest::{
    limits,
    provider::{Class, Health, Opened, claude::Claude},
    turn::ProviderEvent,
};

use crate::{
    bench::{Bench, Told},
    claude::claude,
    processes::nobody_left,
};

/// Greets, and does for each turn what a body says; `$id` is the turn's, `ended WORDS` ends it.
const PLAYED: &str = r#"#!/bin/sh
echo "$@" >> "$HOME/starts"
answered() { printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\n' "$1"; }
lifecycle() { printf '{"type":"command_lifecycle","command_uuid":"%s","state":"%s"}\n' "$1" "$2"; }
text() { printf '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"%s"}}}\n' "$1"; }
end_of() { printf '{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","result":"%s","user_message_uuids":["%s"]}\n' "$2" "$1"; }
ended() { end_of "$id" "$1"; }
read -r line
answered lazaret-1
while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"uuid":"\([^"]*\)".*/\1/')
  lifecycle "$id" queued
  BODY
done
"#;

/// A bench whose runtime does this for each turn.
async fn played(body: &str) -> Bench {
    let mut bench = Bench::new(&claude(), &["say:nothing"]).await;
    let program = bench.dir.root().join("played");
    fs::write(&program, PLAYED.replace("BODY", body)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    bench.provider = Box::new(Claude::new(bench.around.clone()).with_program(program));
    assert_eq!(bench.reopen(None).await, Ok(Opened::Fresh));
    bench
}

async fn turn_of(body: &str) -> Told {
    played(body).await.turn("go").await
}

#[tokio::test]
async fn a_garbage_line_is_passed_over_and_a_flood_of_them_ends_it() {
    let noise = r#"lifecycle "$id" started; echo 'Warning: no JSON'; echo '{"half": '; echo;
        ended fine"#;
    let mut bench = played(noise).await;
    for _ in 0..limits::GARBAGE_LINES {
        assert_eq!(bench.turn("go").await.answer(), "fine");
    }
    let mut bench = played(r"yes garbage").await;
    assert_eq!(bench.turn("go").await.fault().class, Class::Garbled);
    assert_eq!(bench.provider.health(), Health::Down);
    nobody_left(&bench.dir.home()).await;
}

#[tokio::test]
async fn a_line_of_3_mb_is_a_line_and_one_without_end_ends_it() {
    let long = |bytes: usize| {
        format!(
            r#"lifecycle "$id" started
            printf '{{"type":"user","message":{{"content":"'
            head -c {bytes} /dev/zero | tr '\0' a
            echo '"}}}}'; ended fine"#
        )
    };
    assert_eq!(turn_of(&long(3_000_000)).await.answer(), "fine");
    let endless = turn_of(&long(limits::CHILD_LINE + 1)).await;
    assert_eq!(endless.fault().class, Class::Garbled);
}

#[tokio::test]
async fn complaints_without_end_hold_nothing_up() {
    let flood = r#"lifecycle "$id" started; yes 'a complaint' | head -c 20000000 >&2; ended fine"#;
    let mut bench = played(flood).await;
    for _ in 0..3 {
        assert_eq!(bench.turn("go").await.answer(), "fine");
    }
}

#[tokio::test]
async fn one_that_exits_in_a_turn_says_why_and_is_started_again_in_its_conversation() {
    let mut bench =
        played(r#"lifecycle "$id" started; text half; echo 'out of luck' >&2; exit 7"#).await;
    let told = bench.turn("go").await;
    let fault = told.fault();
    assert_eq!(fault.class, Class::Exited);
    assert!(fault.detail.contains("exited with 7: out of luck"), "{fault:?}");
    assert_eq!(told.pieces(), ["half"]);
    assert_eq!(bench.provider.health(), Health::Down);
    assert_eq!(bench.reopen(None).await, Ok(Opened::Resumed));
    let starts = fs::read_to_string(bench.dir.home().join("starts")).unwrap();
    let starts: Vec<&str> = starts.lines().collect();
    let native = told.native();
    assert!(starts[0].contains(&format!("--session-id {native}")), "{starts:?}");
    assert!(starts[1].contains(&format!("--resume {native}")), "{starts:?}");
}

#[tokio::test]
async fn what_is_left_of_another_turn_neither_ends_nor_colours_this_one() {
    let left = r#"text old; end_of 00000000-0000-0000-0000-000000000000 old
        lifecycle 00000000-0000-0000-0000-000000000000 completed
        printf '{"type":"result","subtype":"success","is_error":false,"result":"older"}\n'
        lifecycle "$id" started; text new; ended new; lifecycle "$id" completed"#;
    let mut bench = played(left).await;
    for _ in 0..5 {
        let told = bench.turn("go").await;
        assert_eq!((told.answer(), told.pieces()), ("new", vec!["new"]));
    }
}

#[tokio::test]
async fn an_end_that_only_calls_itself_a_success_is_none() {
    let lies = r#"lifecycle "$id" started
        printf '{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":529,"result":"Overloaded","user_message_uuids":["%s"]}\n' "$id""#;
    assert_eq!(turn_of(lies).await.fault().class, Class::Overloaded);
}

#[tokio::test]
async fn a_request_that_nobody_knows_is_refused_and_waited_for_by_nobody() {
    let asks = r#"lifecycle "$id" started
        echo '{"type":"control_request","request_id":"x1","request":{"subtype":"dance"}}'
        read -r said; case $said in *x1*error*|*error*x1*) ended refused;; *) ended "$said";; esac"#;
    assert_eq!(turn_of(asks).await.answer(), "refused");
}

#[tokio::test]
async fn a_conversation_that_calls_itself_otherwise_is_told() {
    let renamed = r#"printf '{"type":"system","subtype":"init","session_id":"u-2"}\n'
        lifecycle "$id" started; ended fine"#;
    let mut bench = played(renamed).await;
    let told = bench.turn("go").await;
    assert_ne!(told.native(), "u-2");
    assert!(told.events.contains(&ProviderEvent::Session("u-2".to_owned())), "{told:?}");
    assert_eq!(bench.turn("again").await.native(), "u-2");
}
