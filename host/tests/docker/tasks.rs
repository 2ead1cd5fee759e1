//! A task's script in a real container: it runs before the model, with what its image has, and in
//! an image that has no shell it is a failure that says so.

use crate::{
    host_process::HostProcess,
    images::{BASE, have_base},
    room::Room,
};

async fn does(host: &HostProcess, words: &[&str]) -> String {
    let done = host.lazaret(words).await;
    assert!(done.status.success(), "{words:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn a_script_looks_in_its_container_and_the_model_is_told_what_it_found() {
    have_base();
    let host = HostProcess::up().await;
    does(&host, &["agents", "create", "andy", "--image", BASE]).await;
    let mut room = Room::enter(&host, "andy").await;
    let script = r#"--script=pwd >&2; echo "{\"wakeAgent\": true, \"data\": \"$(id -u | tr -d '[:digit:]')$PWD\"}""#;
    does(&host, &["tasks", "create", "andy", "where?", "--at", "+2s", script]).await;
    assert_eq!(room.answer().await.text, "You said: where?\n\n/workspace/work");
}

#[tokio::test]
async fn a_script_without_a_shell_is_a_failure_that_says_so() {
    let host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    does(&host, &["tasks", "create", "andy", "look", "--at", "+2s", "--script=true"]).await;
    let said = room.notice().await;
    assert!(said.contains("cannot start /bin/sh"), "{said}");
}
