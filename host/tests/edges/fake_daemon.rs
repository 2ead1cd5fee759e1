//! A daemon that keeps its rooms in memory, behind the real socket.

use std::{
    io::{Seek, Write},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use host::{
    channels::{Channel, Post, Remark, terminal::Terminal},
    client::Client,
    draft::Draft,
    error::{ErrorKind, HostError, Result},
    gateway::{self, Socket},
    requests::{self, Past, Request, Taken},
};
use jiff::Timestamp;
use schemas::{
    admin::{Accepted, Agent, RoomEvent, RoomMessage, RunInfo, SessionInfo, Status, Waiting},
    ids::{AgentId, MessageId, RunId, SessionId},
    message::{Address, Outcome},
};
use tokio::{
    process::Command,
    sync::{Notify, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Messages that one answer about the past holds: few, so that most answers are not the whole.
const PAGE: usize = 2;

/// The fake and its socket, for one test.
pub(crate) struct World {
    pub(crate) rooms: Arc<Terminal>,
    pub(crate) session: SessionId,
    pub(crate) socket: PathBuf,
    /// The folder that the test may use; the home lies in it.
    pub(crate) folder: PathBuf,
    /// What the daemon was told, in order.
    pub(crate) received: Arc<Mutex<Vec<Draft>>>,
    pub(crate) shutdown: CancellationToken,
    history: Arc<Mutex<Vec<RoomMessage>>>,
    /// While it is, nothing of the history can be read.
    pub(crate) half_written: Arc<AtomicBool>,
    runs: Arc<Mutex<Vec<RunInfo>>>,
    heard: Arc<Notify>,
    _owned: tempfile::TempDir,
}

impl World {
    /// Starts it, runs the test, ends it, and fails if it did not end by itself.
    pub(crate) async fn run(test: impl AsyncFnOnce(&World)) {
        let owned = tempfile::tempdir().unwrap();
        let folder = owned.path().canonicalize().unwrap();
        let world = World {
            rooms: Arc::new(Terminal::default()),
            session: SessionId::mint(Timestamp::UNIX_EPOCH),
            socket: folder.join("run").join(short(&folder.join("home"))).join("host.sock"),
            folder,
            received: Arc::default(),
            shutdown: CancellationToken::new(),
            history: Arc::default(),
            half_written: Arc::default(),
            runs: Arc::default(),
            heard: Arc::default(),
            _owned: owned,
        };
        let host = world.start(world.shutdown.clone());
        test(&world).await;
        world.shutdown.cancel();
        host.close();
        host.wait().await;
        assert!(!world.socket.exists(), "the socket was left over");
    }

    /// Starts a host on what is there; it ends with the token.
    pub(crate) fn start(&self, shutdown: CancellationToken) -> TaskTracker {
        let tasks = TaskTracker::new();
        let (handle, requests) = requests::queue();
        let fake = Fake {
            session: self.session.clone(),
            received: self.received.clone(),
            history: self.history.clone(),
            half_written: self.half_written.clone(),
            runs: self.runs.clone(),
            heard: self.heard.clone(),
            shutdown: shutdown.clone(),
        };
        tasks.spawn(fake.run(requests.queue));
        let socket = Socket::bind(&self.socket).unwrap();
        let rooms = self.rooms.clone();
        tasks.spawn(async move {
            gateway::serve(socket, handle, rooms, shutdown).await.unwrap();
        });
        tasks
    }

    /// The program itself, told where this world is.
    pub(crate) fn lazaret(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command
            .args(args)
            .env_clear()
            .env("HOME", &self.folder)
            .env("LAZARET_HOME", self.folder.join("home"))
            .env("LAZARET_RUN_DIR", self.folder.join("run"))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Waits until a message came in.
    pub(crate) async fn hears(&self) {
        tokio::time::timeout(crate::waiting::PATIENCE, self.heard.notified())
            .await
            .expect("nothing was said");
    }

    /// The agent's run on the one message ends.
    pub(crate) async fn finishes(&self, outcome: Outcome, reason: Option<&str>) {
        let (run_id, message_ids) = (RunId::mint(Timestamp::UNIX_EPOCH), vec![inbound()]);
        let reason = reason.map(str::to_owned);
        self.runs.lock().unwrap().push(RunInfo {
            run_id: run_id.clone(),
            session_id: self.session.clone(),
            message_ids: message_ids.clone(),
            outcome: Some(outcome),
            reason: reason.clone(),
            used: None,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Some(Timestamp::UNIX_EPOCH),
        });
        let session_id = self.session.clone();
        let event = RoomEvent::RunFinished { session_id, run_id, message_ids, outcome, reason };
        self.rooms.tell(Remark::OfRun { address: &address(None), event: &event }).await;
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.socket).await.unwrap()
    }

    /// The agent says something: durable, and told to who listens.
    pub(crate) async fn says(&self, seq: i64, text: &str) {
        self.said_unheard(seq, text);
        self.posts(seq, text).await;
    }

    /// Only durable, as when the host died before it could post.
    pub(crate) fn said_unheard(&self, seq: i64, text: &str) {
        let post = self.post(seq, text);
        self.history.lock().unwrap().push(RoomMessage {
            session_id: post.session,
            message_id: post.message,
            seq,
            in_reply_to: post.in_reply_to,
            thread: None,
            text: text.to_owned(),
            files: post.files,
        });
    }

    /// Only told.
    pub(crate) async fn posts(&self, seq: i64, text: &str) {
        self.rooms.post(&self.post(seq, text)).await.unwrap();
    }

    fn post(&self, seq: i64, text: &str) -> Post {
        Post {
            part: 0,
            session: self.session.clone(),
            message: MessageId::parse(&format!("out-{seq}")).unwrap(),
            seq,
            in_reply_to: Some(inbound()),
            address: address(None),
            body: host::channels::Body::Text(text.to_owned()),
            // A text with a file's name in it comes with that file.
            files: text.split(' ').filter(|word| word.ends_with(".txt")).map(Into::into).collect(),
        }
    }
}

pub(crate) fn address(thread: Option<String>) -> Address {
    let (channel_type, platform_id) = ("terminal".to_owned(), "andy".to_owned());
    Address { channel_type, platform_id, thread_id: thread }
}

/// The id of the one message that a test's person says.
fn inbound() -> MessageId {
    MessageId::parse("in-2").unwrap()
}

/// The name of a home's folder for sockets: part of what the program promises to its clients.
fn short(home: &Path) -> String {
    use sha2::Digest;

    let digest = sha2::Sha256::digest(home.as_os_str().as_encoded_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

struct Fake {
    session: SessionId,
    received: Arc<Mutex<Vec<Draft>>>,
    half_written: Arc<AtomicBool>,
    history: Arc<Mutex<Vec<RoomMessage>>>,
    runs: Arc<Mutex<Vec<RunInfo>>>,
    heard: Arc<Notify>,
    shutdown: CancellationToken,
}

impl Fake {
    async fn run(self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            self.answer(request);
        }
    }

    fn answer(&self, request: Request) {
        let heard = match request {
            Request::Send(agent, message, answer) => {
                answer.send(known(&agent).map(|()| self.accept(*message))).is_ok()
            }
            Request::Inbound(_, answer) | Request::Replay(_, answer) => {
                answer.send(Ok(Taken::default())).is_ok()
            }
            Request::CreateAgent(new, answer) => answer.send(Ok(agent(&new.name))).is_ok(),
            Request::Admin(_, _, answer) => {
                let why = HostError::new(ErrorKind::Denied, "nobody asks this here");
                answer.send(Err(why)).is_ok()
            }
            Request::Peer(_, answer) => {
                let why = HostError::new(ErrorKind::Denied, "nobody asks this here");
                answer.send(Err(why)).is_ok()
            }
            Request::Tell(_, _, answer) => {
                let why = HostError::new(ErrorKind::Denied, "nobody asks this here");
                answer.send(Err(why)).is_ok()
            }
            Request::Upkeep(ask) => {
                let why = HostError::new(ErrorKind::Denied, "nobody asks this here");
                ask.refuse(why);
                true
            }
            Request::LookAtApprovals(_) | Request::LookAtTasks(_) => true,
            Request::Refresh(_, answer)
            | Request::ArchiveSession(.., answer)
            | Request::Retry(_, answer) => answer.send(Ok(())).is_ok(),
            Request::Messages(_, _, answer) => answer.send(Ok(Vec::new())).is_ok(),
            Request::RestartSession(_, _, answer) => answer.send(Ok(self.info())).is_ok(),
            Request::Agents(answer) => answer.send(Ok(vec![agent("andy")])).is_ok(),
            Request::TerminalAddress(agent, thread, answer) => {
                answer.send(known(&agent).map(|()| address(thread))).is_ok()
            }
            Request::History(_, after, answer) => {
                let history = self.history.lock().unwrap();
                let missed = history.iter().filter(|message| message.seq > after);
                let readable = !self.half_written.load(Ordering::Relaxed);
                let said: Vec<_> =
                    missed.clone().filter(|_| readable).take(PAGE).cloned().collect();
                let whole = said.len() == missed.count();
                answer.send(Ok(Past { said, whole })).is_ok()
            }
            Request::Sessions(answer) => answer.send(Ok(vec![self.info()])).is_ok(),
            Request::ResetSession(_, answer) => answer.send(Ok(self.info())).is_ok(),
            Request::Runs(_, answer) => answer.send(Ok(self.runs.lock().unwrap().clone())).is_ok(),
            Request::File(_, message, name, answer) => {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(format!("{name} of {message}").as_bytes()).unwrap();
                let size = file.stream_position().unwrap();
                file.rewind().unwrap();
                answer.send(Ok((file, size))).is_ok()
            }
            Request::Status(answer) => answer.send(Ok(status())).is_ok(),
            Request::Shutdown(answer) => {
                self.shutdown.cancel();
                answer.send(Ok(())).is_ok()
            }
        };
        assert!(heard, "nobody waited for an answer");
    }

    fn accept(&self, message: Draft) -> Accepted {
        let mut received = self.received.lock().unwrap();
        let replayed = message.client_id.is_some()
            && received.iter().any(|known| known.client_id == message.client_id);
        if !replayed {
            received.push(message);
        }
        self.heard.notify_one();
        Accepted {
            message_id: inbound(),
            session_id: self.session.clone(),
            seq: Some(2),
            replayed,
            refused_attachments: Vec::new(),
        }
    }

    fn info(&self) -> SessionInfo {
        SessionInfo {
            id: self.session.clone(),
            agent: "andy".to_owned(),
            room: Some("terminal andy".to_owned()),
            thread: None,
            state: "asleep".to_owned(),
            notice: None,
            last_active: None,
        }
    }
}

fn known(agent: &str) -> Result<()> {
    if agent == "andy" {
        return Ok(());
    }
    Err(HostError::new(ErrorKind::NotFound, format!("no agent {agent:?}")).hint("known are andy"))
}

fn agent(name: &str) -> Agent {
    Agent {
        id: AgentId::mint(Timestamp::UNIX_EPOCH),
        name: name.to_owned(),
        folder: name.to_owned(),
        provider: "echo".to_owned(),
        image: None,
        memory_bytes: 0,
        milli_cpus: 0,
        pids: 0,
        max_containers: None,
        keep_days: None,
        disk_bytes: None,
        prompt: None,
        model: None,
        fallbacks: Vec::new(),
        after_side_effects: schemas::policy::AfterSideEffects::Handoff,
        work_dir: None,
        cli_scope: schemas::policy::CliScope::Disabled,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn status() -> Status {
    Status {
        version: "0".to_owned(),
        pid: 1,
        home: "/home".to_owned(),
        engine: "none".to_owned(),
        engine_ok: false,
        engine_hint: None,
        agents: 1,
        sessions: 1,
        awake: 0,
        waiting: Waiting::default(),
    }
}
