//! What goes wrong with the model's servers, the network, and Codex itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use guest::provider::{Class, Health, Opened, TurnEnd, codex::Codex};

use super::{codex, make, open};
use crate::{bench::Bench, processes::nobody_left};

/// No ladder of its own: one try, and then it is our turn.
const QUICK: Duration = Duration::from_secs(10);

#[tokio::test]
async fn each_error_comes_at_once() {
    for (play, class) in [
        ("err:401", Class::Auth),
        ("err:403", Class::Auth),
        ("err:429", Class::Limited),
        ("err:429:2", Class::Limited),
        ("err:500", Class::Server),
        ("err:503", Class::Overloaded),
        ("err:529", Class::Overloaded),
        ("cut", Class::Network),
    ] {
        let mut bench = open(&[play]).await;
        let begun = Instant::now();
        assert_eq!(bench.turn("go").await.fault().class, class, "{play}");
        assert!(begun.elapsed() < QUICK, "{play} took {:?}", begun.elapsed());
        assert_eq!(bench.asked().len(), 1, "{play}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_at_once() {
    let mut bench = Bench::new(&codex(), &["say:yes"]).await;
    // Nobody may listen there.
    bench.around.models = Some("http://127.0.0.1:1".to_owned());
    bench.provider = make(bench.around.clone());
    bench.reopen(None).await.unwrap();
    let begun = Instant::now();
    assert_eq!(bench.turn("go").await.fault().class, Class::Network);
    assert!(begun.elapsed() < QUICK, "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn without_a_program_or_a_way_to_a_model_it_is_missing() {
    let mut bench = Bench::new(&codex(), &["say:yes"]).await;
    bench.provider = Box::new(Codex::new(bench.around.clone(), None).at("/no/such/program"));
    let fault = bench.reopen(None).await.unwrap_err();
    assert_eq!(fault.class, Class::Missing);
    assert!(fault.detail.contains("/no/such/program"), "{fault:?}");
    assert_eq!(bench.provider.health(), Health::Down);
    // And no turn without an open.
    assert_eq!(bench.turn("go").await.fault().class, Class::Exited);
    bench.around.models = None;
    bench.provider = make(bench.around.clone());
    assert_eq!(bench.reopen(None).await.unwrap_err().class, Class::Missing);
}

/// Codex as far as the beginning of a turn.
const BEGINS: &str = r#"#!/bin/sh
answer() { printf '{"id":%s,"result":%s}\n' "$1" "$2"; }
say() { printf '{"method":"%s","params":%s}\n' "$1" "$2"; }
completed() { say turn/completed '{"threadId":"t","turn":{"id":"u","status":"completed"}}'; }
read -r line; answer 1 '{}'; read -r line
read -r line; answer 2 '{"thread":{"id":"t"},"model":"m"}'
read -r line; answer 3 '{"turn":{"id":"u"}}'
say turn/started '{"threadId":"t","turn":{"id":"u"}}'
"#;

/// A bench whose Codex is played by a shell.
async fn played(script: &str) -> Bench {
    let mut bench = Bench::new(&codex(), &["say:nothing"]).await;
    let program = bench.dir.root().join("played");
    fs::write(&program, format!("{BEGINS}{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    bench.provider = Box::new(Codex::new(bench.around.clone(), None).at(program));
    assert_eq!(bench.reopen(None).await, Ok(Opened::Fresh));
    bench
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_of_a_turn_says_its_last_complaint() {
    let mut bench = played("yes no | head -n 100000 >&2; echo out of luck >&2; exit 3").await;
    let told = bench.turn("go").await;
    let fault = told.fault();
    assert_eq!((fault.class, told.native()), (Class::Exited, "t"));
    assert!(fault.detail.contains("exited with 3") && fault.detail.contains("out of luck"));
    assert_eq!(bench.provider.health(), Health::Down);
    nobody_left(&bench.dir.home()).await;
    assert_eq!(bench.reopen(Some("t")).await, Ok(Opened::Resumed));
}

#[tokio::test]
async fn a_stray_line_is_no_harm_and_a_flood_of_them_ends_the_process() {
    let mut bench = played("echo '{\"half'; echo; completed; exec sleep 1000").await;
    assert_eq!(bench.turn("go").await.end, TurnEnd::Done);
    let mut bench = played("exec yes WARNING").await;
    assert_eq!(bench.turn("go").await.fault().class, Class::Garbled);
    nobody_left(&bench.dir.home()).await;
}

#[tokio::test]
async fn leftovers_of_another_turn_neither_end_this_one_nor_are_said() {
    let script = r#"
say item/agentMessage/delta '{"threadId":"t","turnId":"old","itemId":"m","delta":"stale"}'
say turn/completed '{"threadId":"t","turn":{"id":"old","status":"interrupted"}}'
say item/completed '{"threadId":"t","turnId":"u","item":{"type":"agentMessage","id":"n","text":"mine"}}'
completed
exec sleep 1000"#;
    let mut bench = played(script).await;
    let told = bench.turn("go").await;
    assert_eq!((told.pieces().concat().as_str(), told.answer()), ("mine", "mine"));
}
