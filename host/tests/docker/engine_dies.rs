//! An engine that dies under running sessions. It is one of the test's own: nobody else's containers
//! die with it.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command},
};

use nix::{
    mount::{MntFlags, umount2},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    host_process::HostProcess,
    room::{Room, each_has_one_settled_run, history, say},
    waiting::eventually,
};

/// A Docker Engine without a network, in a folder of its own.
struct OwnEngine {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl OwnEngine {
    async fn up() -> Self {
        let folder = tempfile::Builder::new().prefix("lzd").tempdir_in("/tmp").unwrap();
        let mut engine = Self { folder, child: None };
        engine.start().await;
        engine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn address(&self) -> String {
        format!("unix://{}", self.path("engine.sock").display())
    }

    async fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        // In a network of its own: beside another engine it would take that one's bridge away.
        let child = Command::new("unshare")
            .args(["--net", "dockerd", "--bridge", "none", "--iptables=false"])
            .args(["--host", &self.address(), "--pidfile"])
            .arg(self.path("pid"))
            .arg("--data-root")
            .arg(self.path("data"))
            .arg("--exec-root")
            .arg(self.path("exec"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("the engine answers", async || self.docker(&["version"]).0.then_some(())).await;
    }

    /// It is killed where it stands.
    fn dies(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().and_then(|()| child.wait()).unwrap();
        // Else the next one believes that they run still, where nobody takes note of their end.
        for pid in ["pid", "exec/containerd/containerd.pid"] {
            drop(std::fs::remove_file(self.path(pid)));
        }
    }

    fn docker(&self, args: &[&str]) -> (bool, String) {
        let output =
            Command::new("docker").args(["--host", &self.address()]).args(args).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        for container in self.docker(&["ps", "--all", "--quiet"]).1.lines() {
            self.docker(&["rm", "--force", "--volumes", container]);
        }
        let Some(mut child) = self.child.take() else { return };
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        if kill(pid, Signal::SIGTERM).is_ok() {
            drop(child.wait());
        }
        // It mounts its own folder on itself, and one that was killed once leaves that behind.
        while umount2(&self.path("data"), MntFlags::MNT_DETACH).is_ok() {}
    }
}

#[tokio::test]
async fn an_engine_that_dies_under_running_sessions_and_comes_back_loses_and_doubles_nothing() {
    let mut engine = OwnEngine::up().await;
    let mut host = HostProcess::on(Some(engine.address()));
    host.start().await;
    let names = ["andy", "betty"];
    let mut rooms = Vec::new();
    for name in names {
        host.agent(name).await;
        let mut room = Room::enter(&host, name).await;
        assert_eq!(room.ask(&host, "hello").await, "You said: hello");
        rooms.push((name, room, Vec::new()));
    }
    for round in 0..3 {
        for (name, room, sent) in &mut rooms {
            sent.push(say(&host, name, &format!("{round}, at work\n!slow 1500")).await);
            room.until_working().await;
        }
        engine.dies();
        for (name, _, sent) in &mut rooms {
            sent.push(say(&host, name, &format!("{round}, meanwhile")).await);
        }
        engine.start().await;
        for (name, room, _) in &mut rooms {
            let mut heard = [room.answer().await.text, room.answer().await.text];
            heard.sort();
            let words = ["at work", "meanwhile"];
            assert_eq!(heard, words.map(|word| format!("You said: {round}, {word}")), "{name}");
        }
    }
    for (name, _, sent) in &rooms {
        let ids: Vec<_> = sent.iter().map(|one| one.message_id.clone()).collect();
        each_has_one_settled_run(&host, &sent[0].session_id, &ids).await;
        assert_eq!(history(&host, name).await.len(), 1 + sent.len(), "{name}");
    }
    drop(host);
}
