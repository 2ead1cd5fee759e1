//! `lazaret` as a script calls it: what is printed, and the exit code.

use std::process::Output;

use schemas::message::Outcome;
use tokio_util::sync::CancellationToken;

use crate::{fake_daemon::World, waiting::PATIENCE};

#[tokio::test]
async fn without_a_host_the_exit_code_is_3_and_the_hint_says_how_to_start_one() {
    World::run(async |world| {
        let output = done(world.lazaret(&["--home", "elsewhere", "status"]).spawn()).await;
        assert_eq!(output.status.code(), Some(3));
        let expected = format!(
            "error: no host is running for {}/elsewhere\nhint: start it with: lazaret up\n",
            world.folder.display()
        );
        assert_eq!(text(&output.stderr), expected);
    })
    .await;
}

#[tokio::test]
async fn usage_is_2_and_a_refusal_is_1_with_the_hosts_own_hint() {
    World::run(async |world| {
        let output = done(world.lazaret(&["send"]).spawn()).await;
        assert_eq!(output.status.code(), Some(2));
        let output = done(world.lazaret(&["send", "bob", "hello"]).spawn()).await;
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr), "error: no agent \"bob\"\nhint: known are andy\n");
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_waited_for_prints_its_reply_and_saves_its_files() {
    World::run(async |world| {
        std::fs::write(world.folder.join("a.txt"), "do not touch").unwrap();
        let program = world.lazaret(&["send", "andy", "hello", "--wait"]).spawn();
        world.hears().await;
        world.says(3, "here is a.txt \u{1b}[2J").await;
        world.finishes(Outcome::Completed, None).await;
        let output = done(program).await;
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(text(&output.stdout), "here is a.txt \\u{1b}[2J\n");
        let saved = |name: &str| std::fs::read_to_string(world.folder.join(name)).unwrap();
        assert_eq!(saved("a.txt"), "do not touch");
        assert_eq!(saved("a (2).txt"), "a.txt of out-3");
    })
    .await;
}

#[tokio::test]
async fn a_run_that_failed_is_exit_code_1_and_says_why() {
    World::run(async |world| {
        let program = world.lazaret(&["send", "andy", "hello", "--wait"]).spawn();
        world.hears().await;
        world.finishes(Outcome::Failed, Some("no key")).await;
        let output = done(program).await;
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr), "the run ended as failed: no key\n");
    })
    .await;
}

#[tokio::test]
async fn scripts_get_one_json_object_a_line() {
    World::run(async |world| {
        let program = world.lazaret(&["send", "andy", "hello", "--wait", "--json"]).spawn();
        world.hears().await;
        world.says(3, "hi").await;
        world.finishes(Outcome::Completed, None).await;
        let output = done(program).await;
        let types: Vec<String> = text(&output.stdout)
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].to_string()
            })
            .collect();
        assert_eq!(types, ["\"accepted\"", "\"message\"", "\"run_finished\""]);
    })
    .await;
}

#[tokio::test]
async fn a_wait_survives_the_host_and_sends_its_message_once() {
    World::run(async |world| {
        // A second life on the same folder, after the first has ended in the middle of the wait.
        let program = world.lazaret(&["send", "andy", "hello", "--wait"]).spawn();
        world.hears().await;
        world.says(3, "one").await;
        world.shutdown.cancel();
        gone(world).await;
        world.said_unheard(5, "two");
        world.finishes(Outcome::Completed, None).await;
        let again = CancellationToken::new();
        let host = world.start(again.clone());
        let output = done(program).await;
        again.cancel();
        host.close();
        host.wait().await;
        assert_eq!(text(&output.stdout), "one\ntwo\n");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(text(&output.stderr), "the host is away; waiting for it to come back\n");
        assert_eq!(world.received.lock().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_status_is_printed_for_people() {
    World::run(async |world| {
        let output = done(world.lazaret(&["status"]).spawn()).await;
        insta::assert_snapshot!(text(&output.stdout), @r"
        lazaret   0, pid 1
        home      /home
        engine    NOT REACHABLE: none
                  messages are kept until it answers
        owner     nobody yet: lazaret people claim-code, then say the code in a chat
        agents    1
        sessions  1
        ");
    })
    .await;
}

async fn gone(world: &World) {
    tokio::time::timeout(PATIENCE, async {
        while world.socket.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the host did not end");
}

async fn done(program: std::io::Result<tokio::process::Child>) -> Output {
    let output = program.unwrap().wait_with_output();
    tokio::time::timeout(PATIENCE, output).await.expect("the program did not end").unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
