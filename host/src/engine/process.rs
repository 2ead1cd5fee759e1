//! An engine without an engine: the guest as a plain process of this user, with no wall at all.
//!
//! Only for `up --no-isolation`, where somebody wants to see the whole thing work and no engine
//! can be had. One task owns each process, and alone signals it, so a signal never meets another
//! process that got the same number. A host that was killed leaves its guests; the number of each
//! is kept in the session's `log/`, and the next start of the session ends the old one first, for
//! a session has one writer.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use schemas::{
    ids::SessionId,
    model_call::{MODEL_SOCKET, MODEL_SOCKET_VARIABLE},
    session_dir::SessionDir,
};
use tokio::{
    process::{Child, Command},
    sync::{broadcast, mpsc, watch},
};
use tokio_util::task::TaskTracker;

use super::{
    ContainerId, Engine, EngineError, EngineErrorKind, EngineEvent, LiveContainer, StartRequest,
};
use crate::limits;

/// Plain processes in the place of containers.
pub struct ProcessEngine {
    guest: PathBuf,
    tasks: TaskTracker,
    // A std mutex: held for a map look-up, never across an await.
    live: Mutex<HashMap<String, Process>>,
    events: broadcast::Sender<EngineEvent>,
}

/// One guest, seen from outside its task.
#[derive(Clone)]
struct Process {
    session: SessionId,
    orders: mpsc::Sender<Signal>,
    /// Whether it has ended.
    ended: watch::Receiver<bool>,
}

impl ProcessEngine {
    /// Runs this guest; its tasks are waited for by whoever owns `tasks`, and end with the guests.
    #[must_use]
    pub fn new(guest: PathBuf, tasks: TaskTracker) -> Self {
        let (events, _) = broadcast::channel(limits::PROCESS_EVENTS);
        Self { guest, tasks, live: Mutex::default(), events }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Process>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self, container: &ContainerId) -> Option<Process> {
        self.live().get(&container.0).cloned()
    }

    fn spawn(&self, dir: &SessionDir, sockets: &Path) -> io::Result<Child> {
        fs::create_dir_all(dir.log_dir())?;
        let log = File::create(dir.container_log())?;
        Command::new(&self.guest)
            .args(["run", "--dir"])
            .arg(dir.root())
            // What the host was told is no business of an agent's.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", dir.home())
            // No mount brings it to where a container has it.
            .env(MODEL_SOCKET_VARIABLE, sockets.join(MODEL_SOCKET))
            .current_dir(dir.work())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

#[async_trait]
impl Engine for ProcessEngine {
    async fn describe(&self) -> Result<String, EngineError> {
        Ok("plain processes, NOTHING IS ISOLATED".to_owned())
    }

    async fn start(&self, request: &StartRequest) -> Result<ContainerId, EngineError> {
        if let Some(image) = &request.image {
            let what = format!("the image {image} needs a container, and this host makes none");
            return Err(failed(EngineErrorKind::Permanent, what, None));
        }
        let dir = SessionDir::at(&request.session_root);
        end_leftover(&dir);
        let refused = |error| {
            let what = "cannot start the guest as a process".to_owned();
            failed(EngineErrorKind::Permanent, what, Some(error))
        };
        let child = self.spawn(&dir, &request.socket_dir).map_err(refused)?;
        let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else {
            let what = "the guest ended as it began".to_owned();
            return Err(failed(EngineErrorKind::Transient, what, None));
        };
        fs::write(pid_file(&dir), pid.to_string()).map_err(refused)?;
        // A number may come again; the session makes it one of a kind among those that live.
        let container = ContainerId(format!("{}-{pid}", request.session));
        let (orders, received) = mpsc::channel(limits::PROCESS_ORDERS);
        let (ends, ended) = watch::channel(false);
        let process = Process { session: request.session.clone(), orders, ended };
        self.live().insert(container.0.clone(), process);
        let keeper = Keeper {
            session: request.session.clone(),
            container: container.clone(),
            group: Pid::from_raw(pid),
            pid_file: pid_file(&dir),
            ends,
            events: self.events.clone(),
        };
        self.tasks.spawn(keeper.keep(child, received));
        Ok(container)
    }

    async fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError> {
        let Some(mut process) = self.process(container) else { return Ok(()) };
        // Full or closed: it has its orders, or needs none any more.
        let _told = process.orders.try_send(Signal::SIGTERM).is_ok();
        if tokio::time::timeout(grace, process.ended.wait_for(|ended| *ended)).await.is_ok() {
            return Ok(());
        }
        self.kill(container).await
    }

    async fn kill(&self, container: &ContainerId) -> Result<(), EngineError> {
        let Some(mut process) = self.process(container) else { return Ok(()) };
        let _told = process.orders.send(Signal::SIGKILL).await.is_ok();
        // An error is a task that is gone, and so is its process.
        let _ended = process.ended.wait_for(|ended| *ended).await.is_ok();
        Ok(())
    }

    async fn remove(&self, container: &ContainerId, _root: &Path) -> Result<(), EngineError> {
        self.live().remove(&container.0);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<LiveContainer>, EngineError> {
        let live = self.live();
        let listed = live.iter().map(|(id, process)| LiveContainer {
            session: process.session.clone(),
            container: ContainerId(id.clone()),
            running: !*process.ended.borrow(),
            current: true,
        });
        Ok(listed.collect())
    }

    async fn watch(&self, events: mpsc::Sender<EngineEvent>) {
        let mut happened = self.events.subscribe();
        let mut event = EngineEvent::Back;
        while events.send(event).await.is_ok() {
            event = tokio::select! {
                () = events.closed() => return,
                received = happened.recv() => match received {
                    Ok(event) => event,
                    // Too many ends to tell each: the receiver lists and compares.
                    Err(broadcast::error::RecvError::Lagged(_)) => EngineEvent::Back,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
            };
        }
    }
}

/// The task that owns a process.
struct Keeper {
    session: SessionId,
    container: ContainerId,
    group: Pid,
    pid_file: PathBuf,
    ends: watch::Sender<bool>,
    events: broadcast::Sender<EngineEvent>,
}

impl Keeper {
    async fn keep(self, mut child: Child, mut orders: mpsc::Receiver<Signal>) {
        let status = loop {
            tokio::select! {
                // First, so that no signal is sent to one that has ended.
                biased;
                status = child.wait() => break status,
                Some(signal) = orders.recv() => {
                    if let Err(error) = killpg(self.group, signal) {
                        tracing::debug!(session = %self.session, %error, "a signal was too late");
                    }
                }
            }
        };
        let code = status.map_or(-1, exit_code);
        let _never_written = fs::remove_file(&self.pid_file).is_err();
        self.ends.send_replace(true);
        let ended = EngineEvent::Exited {
            session: self.session,
            container: self.container,
            code,
            out_of_memory: false,
        };
        // Without a reader nobody needs to know.
        let _unread = self.events.send(ended).is_err();
    }
}

/// As engines count: a signal is 128 and its number.
fn exit_code(status: ExitStatus) -> i64 {
    let signalled = status.signal().map(|signal| 128 + signal);
    i64::from(status.code().or(signalled).unwrap_or(-1))
}

fn pid_file(dir: &SessionDir) -> PathBuf {
    dir.log_dir().join("process.pid")
}

/// Ends the guest of a host that was killed, if it is still the session's and still there.
fn end_leftover(dir: &SessionDir) {
    let Ok(said) = fs::read_to_string(pid_file(dir)) else { return };
    let Ok(pid) = said.trim().parse::<i32>() else { return };
    let root = dir.root().to_string_lossy();
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if command.split('\0').any(|argument| argument == root) {
        tracing::warn!(pid, "ended a guest that an earlier host left");
        let _gone_meanwhile = killpg(Pid::from_raw(pid), Signal::SIGKILL).is_err();
    }
}

fn failed(kind: EngineErrorKind, message: String, source: Option<io::Error>) -> EngineError {
    EngineError { kind, message, hint: None, source: source.map(Into::into) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::ids::AgentId;

    use super::*;
    use crate::engine::Resources;

    struct Trial {
        engine: ProcessEngine,
        tasks: TaskTracker,
        request: StartRequest,
        _folder: tempfile::TempDir,
    }

    /// A session's folder, and a guest that is this shell script.
    fn trial(script: &str) -> Trial {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("session");
        for part in ["work", "home"] {
            fs::create_dir_all(root.join(part)).unwrap();
        }
        let guest = folder.path().join("guest");
        // By another process: one that this process had open for writing may not be run while
        // any other test forks.
        let written = std::process::Command::new("sh")
            .args([
                "-c",
                "printf '#!/bin/sh\n%s\n' \"$1\" > \"$2\" && chmod 700 \"$2\"",
                "sh",
                script,
            ])
            .arg(&guest)
            .status();
        assert!(written.unwrap().success());
        let tasks = TaskTracker::new();
        let request = StartRequest {
            session: SessionId::mint(Timestamp::UNIX_EPOCH),
            agent: AgentId::mint(Timestamp::UNIX_EPOCH),
            session_root: root.clone(),
            agent_dir: root.clone(),
            agent_dir_writable: false,
            socket_dir: root,
            image: None,
            resources: Resources { memory_bytes: 0, milli_cpus: 0, pids: 0 },
            uid_index: 0,
            gid_index: 0,
        };
        Trial { engine: ProcessEngine::new(guest, tasks.clone()), tasks, request, _folder: folder }
    }

    async fn exit(trial: &Trial, container: &ContainerId) -> i64 {
        let (sender, mut events) = mpsc::channel(4);
        let watching = trial.engine.watch(sender);
        let ended = async {
            assert_eq!(events.recv().await, Some(EngineEvent::Back));
            trial.engine.stop(container, Duration::from_secs(30)).await.unwrap();
            match events.recv().await {
                Some(EngineEvent::Exited { code, .. }) => code,
                other => panic!("{other:?}"),
            }
        };
        tokio::select! { () = watching => panic!("the watch ended"), code = ended => code }
    }

    #[tokio::test]
    async fn a_guest_is_asked_to_end_and_its_end_is_told() {
        let trial = trial("trap 'exit 7' TERM; while :; do sleep 0.01; done");
        let container = trial.engine.start(&trial.request).await.unwrap();
        assert!(trial.engine.list().await.unwrap().iter().all(|live| live.running));
        // Both are right: the signal may come before the script has set its trap.
        assert!(matches!(exit(&trial, &container).await, 7 | 143));
        trial.engine.remove(&container, Path::new("")).await.unwrap();
        assert!(trial.engine.list().await.unwrap().is_empty());
        trial.tasks.close();
        trial.tasks.wait().await;
    }

    #[tokio::test]
    async fn a_guest_that_does_not_listen_is_killed_with_what_it_started() {
        let trial = trial("trap '' TERM; sleep 1000 & wait; while :; do sleep 0.01; done");
        let container = trial.engine.start(&trial.request).await.unwrap();
        trial.engine.stop(&container, Duration::from_millis(1)).await.unwrap();
        assert!(trial.engine.list().await.unwrap().iter().all(|live| !live.running));
        trial.engine.kill(&container).await.unwrap();
        assert!(!pid_file(&SessionDir::at(&trial.request.session_root)).exists());
    }

    #[tokio::test]
    async fn an_agent_with_an_image_is_refused() {
        let mut trial = trial("exit 0");
        trial.request.image = Some("node:22".to_owned());
        let error = trial.engine.start(&trial.request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Permanent);
    }
}
