//! A host whose engine nobody answers for: it comes up, says so with what to do, and keeps messages.

use std::{io::Read, os::fd::OwnedFd, process::Command};

use nix::pty::openpty;

use crate::{
    live_host::{LiveHost, stderr, stdout},
    waiting::eventually,
};

const HINT: &str = "start Docker or Podman, or set DOCKER_HOST to its socket";

/// A host that is told of a socket that is not there.
fn without_engine(host: &LiveHost, args: &[&str]) -> Command {
    let mut command = host.inside(args);
    command.env("DOCKER_HOST", format!("unix://{}/none.sock", host.home().display()));
    command
}

#[tokio::test]
async fn without_its_engine_the_host_comes_up_says_what_to_do_and_keeps_messages() {
    let mut host = LiveHost::new();
    let up = without_engine(&host, &["up"]);
    let status = host.start_as(up).await;
    assert!(!status.engine_ok, "{status:?}");
    let lost = host.logs("the engine cannot be reached; messages are kept until it can").await;
    assert_eq!((&lost["level"], &lost["hint"]), (&"ERROR".into(), &HINT.into()));

    let shown = stdout(&host.lazaret(&["status"]).await);
    assert!(shown.contains("engine    NOT REACHABLE: no container engine answers"), "{shown}");
    assert!(shown.contains("messages are kept until it answers"), "{shown}");
    assert!(shown.contains(HINT), "{shown}");

    assert!(host.lazaret(&["agents", "create", "andy"]).await.status.success());
    assert_eq!(host.lazaret(&["send", "andy", "one"]).await.status.code(), Some(0));
    let waited = host.lazaret(&["send", "andy", "two", "--wait", "--timeout", "2s"]).await;
    assert_eq!(waited.status.code(), Some(1));
    assert!(stderr(&waited).contains("the message is with the agent"), "{}", stderr(&waited));
    let listed = stdout(&host.lazaret(&["sessions", "list"]).await);
    assert!(listed.contains("waiting for the engine"), "{listed}");

    // Nothing was lost: a host that can work answers both, in order.
    assert!(host.terminate().await.success());
    host.start(&["up", "--no-isolation"]).await;
    let answered = eventually("both are answered", async || {
        let runs = stdout(&host.lazaret(&["runs", &session(&listed), "--json"]).await);
        (runs.matches("completed").count() >= 1 && runs.matches("msg-").count() >= 2).then_some(())
    });
    answered.await;
}

/// The one session that a list shows.
fn session(list: &str) -> String {
    let id = list.split_whitespace().find(|word| word.starts_with("sess-"));
    id.expect(list).to_owned()
}

#[tokio::test]
async fn on_a_terminal_up_says_when_it_is_ready_and_how_its_engine_is() {
    let isolated = shown_on_a_terminal(&["up"], HINT).await;
    assert!(isolated.contains("is ready on "), "{isolated}");
    assert!(isolated.contains("messages are kept until it answers"), "{isolated}");
    let plain = shown_on_a_terminal(&["up", "--no-isolation"], "engine: ").await;
    assert!(plain.contains("engine: plain processes, NOTHING IS ISOLATED"), "{plain}");
}

/// What the program prints on a terminal, up to the line with these words.
async fn shown_on_a_terminal(args: &[&str], words: &str) -> String {
    let host = LiveHost::new();
    let terminal = openpty(None, None).unwrap();
    let mut up = without_engine(&host, args);
    let log = std::fs::File::create(host.home().with_file_name("host.log")).unwrap();
    let mut child = up.stdout(terminal.slave).stderr(log).spawn().unwrap();
    drop(up);
    let master: OwnedFd = terminal.master;
    let reading = tokio::task::spawn_blocking({
        let words = words.to_owned();
        move || {
            let (mut terminal, mut shown) = (std::fs::File::from(master), String::new());
            let mut some = [0; 4096];
            while !shown.lines().any(|line| line.contains(&words)) {
                let Ok(n) = terminal.read(&mut some) else { break };
                let said = some.get(..n).unwrap_or_default();
                shown.push_str(&String::from_utf8_lossy(said));
            }
            shown
        }
    });
    let shown = tokio::time::timeout(crate::waiting::PATIENCE, reading).await;
    drop(child.kill().and_then(|()| child.wait()));
    shown.expect("it says nothing").unwrap()
}
