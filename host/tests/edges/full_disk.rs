//! A disk that is full, or turns read-only, under a host that runs: it says so, takes nothing that
//! it cannot keep, loses nothing that it took, and goes on by itself.

use crate::{
    live_host::{LiveHost, stderr, stdout},
    waiting::eventually,
};

/// Room for two agents and their conversations; full in a moment.
const SMALL: u32 = 6 * 1024;

/// What `lazaret send --wait` answers when all goes well.
async fn says(host: &LiveHost, agent: &str, text: &str) {
    let answer = host.lazaret(&["send", agent, text, "--wait"]).await;
    assert_eq!(stdout(&answer), format!("You said: {text}\n"), "{}", stderr(&answer));
    assert_eq!(answer.status.code(), Some(0));
}

#[tokio::test]
async fn a_message_to_a_full_disk_is_refused_with_a_hint_and_the_next_one_is_answered() {
    let host = LiveHost::on_disk_of(SMALL).with_agent("andy").await.with_agent("bea").await;
    let disk = host.disk.as_ref().unwrap();
    says(&host, "andy", "one").await;
    disk.fill();
    // One agent is awake, the other has no session yet: each refuses at another place.
    for agent in ["andy", "bea"] {
        let refused = host.lazaret(&["send", agent, "lost", "--wait"]).await;
        assert_eq!(refused.status.code(), Some(1));
        let said = stderr(&refused);
        assert!(said.contains("the disk is full"), "{said}");
        assert!(said.contains(".db") || said.contains("central database"), "{said}");
        assert!(said.contains("hint: free some space on the disk of the home folder"), "{said}");
    }
    let line = host.logs("a message was not taken").await;
    assert_eq!(line["level"], "ERROR");
    assert!(line["message_id"].is_string() && line["span"]["session"].is_string(), "{line}");
    disk.free();
    says(&host, "andy", "two").await;
    says(&host, "bea", "three").await;
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused_with_its_message_and_leaves_nothing_behind() {
    let host = LiveHost::on_disk_of(SMALL).with_agent("andy").await;
    says(&host, "andy", "one").await;
    let large = host.home().with_file_name("large");
    std::fs::write(&large, vec![1; 8 << 20]).unwrap();
    let refused = host.lazaret(&["send", "andy", "two", "--file", large.to_str().unwrap()]).await;
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("hint: "), "{said}");
    let inbox = host.seen(&host.session_dir("andy").await.inbox());
    assert_eq!(std::fs::read_dir(inbox).unwrap().count(), 0);
    says(&host, "andy", "three").await;
}

#[tokio::test]
async fn a_disk_that_fills_up_while_the_agent_works_loses_no_reply() {
    let host = LiveHost::on_disk_of(SMALL).with_agent("andy").await;
    let disk = host.disk.as_ref().unwrap();
    let waiting = host.begin(&["send", "andy", "hello\n!slow 1500", "--wait", "--timeout", "30s"]);
    claimed(&host).await;
    disk.fill();
    let log = host.session_dir("andy").await.container_log();
    eventually("the guest finds the disk full", async || {
        let guest = std::fs::read_to_string(host.seen(&log)).unwrap_or_default();
        (guest.contains("full") || host.log().contains("container ended")).then_some(())
    })
    .await;
    disk.free();
    let answer = waiting.await.unwrap();
    assert_eq!(stdout(&answer), "You said: hello\n", "{}", stderr(&answer));
    assert_eq!(answer.status.code(), Some(0));
}

#[tokio::test]
async fn a_run_that_cannot_be_written_down_is_told_once_it_can() {
    let host = LiveHost::on_disk_of(SMALL).with_agent("andy").await;
    let disk = host.disk.as_ref().unwrap();
    let waiting = host.begin(&["send", "andy", "hello\n!slow 1000", "--wait", "--timeout", "30s"]);
    claimed(&host).await;
    // The host alone writes there; the guest works on.
    let inward = host.session_dir("andy").await.in_dir();
    disk.protect(&inward);
    let line = host.logs("cannot write down what the agent did").await;
    assert!(line["span"]["session"].is_string(), "{line}");
    let refused = host.lazaret(&["send", "andy", "not now"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("hint: "), "{}", stderr(&refused));
    disk.unprotect(&inward);
    let answer = waiting.await.unwrap();
    assert_eq!(stdout(&answer), "You said: hello\n", "{}", stderr(&answer));
    assert_eq!(answer.status.code(), Some(0));
    let repeated = host.log().matches("cannot write down what the agent did").count();
    assert_eq!(repeated, 1, "it is said once");
}

/// Waits until the guest works on what was said.
async fn claimed(host: &LiveHost) {
    host.logs("container started").await;
    let dir = host.session_dir("andy").await;
    eventually("the guest claims", async || host.seen(&dir.heartbeat()).exists().then_some(()))
        .await;
}
