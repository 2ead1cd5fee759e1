//! Two agents side by side: what each sees of itself, of the other and of the host, from inside.

use host::engine::ContainerId;
use schemas::admin::{Agent, NewAgent, SessionInfo};
use serde_json::{Value, json};

use crate::{
    host_process::{HostProcess, Tag, begin_inside, inside, name_of_our_own, new_agent},
    images::{BASE, have_base},
    room::Room,
    waiting::eventually,
    walls::bound,
    yard::{docker, pid},
};

const MIB: u64 = 1024 * 1024;

/// Questions beside the bomb; how long the answers take is `scripts/bench bomb`'s matter.
const ROUNDS: usize = 60;

/// One agent, awake.
struct Side {
    agent: Agent,
    session: SessionInfo,
    container: String,
    /// What the guest itself finds out, asked in the room.
    probe: Value,
}

impl Side {
    async fn awake(host: &HostProcess, new: NewAgent) -> Self {
        let agent = host.agent_like(new).await;
        let mut room = Room::enter(host, &agent.name).await;
        let probe = serde_json::from_str(&room.ask(host, "!probe").await).unwrap();
        let hello = format!("I am {}", agent.name);
        assert_eq!(room.ask(host, &hello).await, format!("You said: {hello}"));
        let session = host.session(&agent.name).await;
        let container = host.container(&session.id);
        Self { agent, session, container, probe }
    }

    /// Every word that leads to this side.
    fn names(&self) -> [&str; 4] {
        [&self.agent.name, self.agent.id.as_str(), self.session.id.as_str(), &self.container[..12]]
    }
}

#[tokio::test]
async fn two_agents_side_by_side_answer_in_their_rooms_and_see_nothing_of_each_other() {
    have_base();
    let tag = Tag::of(BASE, &name_of_our_own("side"));
    let host = HostProcess::up().await;
    let alpha = NewAgent { memory_bytes: Some(192 * MIB), ..new_agent("alpha-one") };
    let omega = NewAgent {
        memory_bytes: Some(320 * MIB),
        image: Some(tag.0.clone()),
        ..new_agent("omega-two")
    };
    let (alpha, omega) = tokio::join!(Side::awake(&host, alpha), Side::awake(&host, omega));
    for (side, other, memory) in [(&alpha, &omega, 192 * MIB), (&omega, &alpha, 320 * MIB)] {
        let again = inside(&side.container, &["/opt/lazaret/guest", "probe"]);
        for probe in [&side.probe, &serde_json::from_str(&again).unwrap()] {
            assert_walls(probe, memory);
            assert_unseen(&probe.to_string(), other);
        }
    }
    assert_ne!(alpha.probe["uid"], omega.probe["uid"]);
    assert_ne!(alpha.agent.folder, omega.agent.folder);

    inside(&omega.container, &["touch", "/tmp/left", "/workspace/work/left"]);
    let look = "cat /proc/self/mountinfo /proc/net/unix /proc/net/tcp /etc/hosts /etc/hostname; \
                cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'; \
                cat /proc/[0-9]*/comm; find / -path /proc -prune -o -path /sys -prune -o -print; true";
    let seen = inside(&omega.container, &["sh", "-c", look]);
    assert!(seen.contains("/workspace/work/left") && seen.contains(omega.session.id.as_str()));
    assert_unseen(&seen, &alpha);
    // The host's own folders are named by mounts, yet none of them can be reached.
    let home = host.home();
    let reach = format!("ls {} {}", home.display(), home.join("sessions").display());
    let reached = inside(&omega.container, &["sh", "-c", &format!("{reach} 2>&1; true")]);
    assert_eq!(reached.matches("No such file or directory").count(), 2, "{reached}");
}

#[tokio::test]
async fn a_fork_bomb_in_one_container_leaves_the_other_answering() {
    have_base();
    let host = HostProcess::up().await;
    host.agent("quiet").await;
    let mut room = Room::enter(&host, "quiet").await;
    room.latencies(&host, 3).await;

    let bomber = NewAgent {
        image: Some(BASE.to_owned()),
        pids: Some(256),
        milli_cpus: Some(1_000),
        ..new_agent("bomber")
    };
    host.agent_like(bomber).await;
    let mut theirs = Room::enter(&host, "bomber").await;
    theirs.ask(&host, "hello").await;
    let container = host.container(&host.session("bomber").await.id);
    // None of them gives up when it cannot fork.
    begin_inside(&container, &["perl", "-e", "fork while 1"]);
    let first = pid(&ContainerId(container.clone()));
    eventually("the bomb has gone off", async || {
        let processes = bound(first, "pids", "pids.current", "pids.current");
        (processes.parse::<u32>().unwrap() > 240).then_some(())
    })
    .await;
    // Each is answered, in order.
    room.latencies(&host, ROUNDS).await;

    // Its own session is not lost either: a fresh container answers.
    docker(&["kill", &container]);
    host.until_state("bomber", "asleep").await;
    assert_eq!(theirs.ask(&host, "still there?").await, "You said: still there?");
}

#[track_caller]
fn assert_unseen(text: &str, other: &Side) {
    for name in other.names() {
        assert!(!text.contains(name), "{name} of the other is seen in:\n{text}");
    }
}

#[track_caller]
fn assert_walls(probe: &Value, memory: u64) {
    for set in ["effective", "permitted", "inheritable", "bounding", "ambient"] {
        assert_eq!(probe["capabilities"][set], "0000000000000000", "{set}");
    }
    assert_eq!((&probe["no_new_privs"], &probe["seccomp"]), (&json!(1), &json!(2)));
    assert_eq!(probe["root_read_only_mount"], true);
    assert_eq!(probe["root_writable"], false);
    assert_ne!(probe["uid"], 0);
    assert_eq!(probe["interfaces"], json!(["lo"]));
    assert_eq!(probe["sockets"], json!([]));
    assert_eq!(probe["limits"]["memory"], memory.to_string());
    let write = probe["inbound_write"].as_str().unwrap();
    assert!(write.starts_with("ReadOnly"), "writing inbound.db: {write}");
    // PID 1, the guest, and the probe when it was started beside them.
    let processes = probe["pids"].as_array().unwrap();
    assert!(processes.len() <= 3, "{processes:?}");
    assert!(processes.iter().all(|one| one["name"] == "guest"), "{processes:?}");
}
