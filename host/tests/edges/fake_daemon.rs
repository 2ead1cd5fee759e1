//! A daemon that keeps its rooms in memory, behind the real socket.

use std::{
    io::{Seek, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use host::{
    channels::{Channel, Post, terminal::Terminal},
    client::Client,
    error::{ErrorKind, HostError, Result},
    gateway::{self, Socket},
    requests::{DaemonHandle, Request},
};
use jiff::Timestamp;
use schemas::{
    admin::{Accepted, Agent, RoomMessage, SendMessage, SessionInfo, Status},
    ids::{AgentId, MessageId, SessionId},
    message::Address,
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The fake and its socket, for one test.
pub(crate) struct World {
    pub(crate) rooms: Arc<Terminal>,
    pub(crate) session: SessionId,
    pub(crate) socket: PathBuf,
    /// What the daemon was told, in order.
    pub(crate) received: Arc<Mutex<Vec<SendMessage>>>,
    pub(crate) shutdown: CancellationToken,
    history: Arc<Mutex<Vec<RoomMessage>>>,
    _folder: tempfile::TempDir,
}

impl World {
    /// Starts it, runs the test, ends it, and fails if it did not end by itself.
    pub(crate) async fn run(test: impl AsyncFnOnce(&World)) {
        let folder = tempfile::tempdir().unwrap();
        let world = World {
            rooms: Arc::new(Terminal::default()),
            session: SessionId::mint(Timestamp::UNIX_EPOCH),
            socket: folder.path().join("run/host.sock"),
            received: Arc::default(),
            shutdown: CancellationToken::new(),
            history: Arc::default(),
            _folder: folder,
        };
        let tasks = TaskTracker::new();
        let (queue, requests) = mpsc::channel(16);
        let fake = Fake {
            session: world.session.clone(),
            received: world.received.clone(),
            history: world.history.clone(),
            shutdown: world.shutdown.clone(),
        };
        tasks.spawn(fake.run(requests));
        let socket = Socket::bind(&world.socket).unwrap();
        let (rooms, shutdown) = (world.rooms.clone(), world.shutdown.clone());
        tasks.spawn(async move {
            gateway::serve(socket, DaemonHandle::new(queue), rooms, shutdown).await.unwrap();
        });
        test(&world).await;
        world.shutdown.cancel();
        tasks.close();
        tasks.wait().await;
        assert!(!world.socket.exists(), "the socket was left over");
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
            in_reply_to: None,
            thread: None,
            text: text.to_owned(),
            files: Vec::new(),
        });
    }

    /// Only told.
    pub(crate) async fn posts(&self, seq: i64, text: &str) {
        self.rooms.post(&self.post(seq, text)).await.unwrap();
    }

    fn post(&self, seq: i64, text: &str) -> Post {
        Post {
            session: self.session.clone(),
            message: MessageId::parse(&format!("out-{seq}")).unwrap(),
            seq,
            in_reply_to: None,
            address: address(None),
            text: text.to_owned(),
            files: Vec::new(),
        }
    }
}

pub(crate) fn address(thread: Option<String>) -> Address {
    let (channel_type, platform_id) = ("terminal".to_owned(), "andy".to_owned());
    Address { channel_type, platform_id, thread_id: thread }
}

struct Fake {
    session: SessionId,
    received: Arc<Mutex<Vec<SendMessage>>>,
    history: Arc<Mutex<Vec<RoomMessage>>>,
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
            Request::CreateAgent(new, answer) => answer.send(Ok(agent(&new.name))).is_ok(),
            Request::Agents(answer) => answer.send(Ok(vec![agent("andy")])).is_ok(),
            Request::TerminalAddress(agent, thread, answer) => {
                answer.send(known(&agent).map(|()| address(thread))).is_ok()
            }
            Request::History(_, after, answer) => {
                let history = self.history.lock().unwrap();
                let missed = history.iter().filter(|message| message.seq > after);
                answer.send(Ok(missed.cloned().collect())).is_ok()
            }
            Request::Sessions(answer) => answer.send(Ok(vec![self.info()])).is_ok(),
            Request::ResetSession(_, answer) => answer.send(Ok(self.info())).is_ok(),
            Request::Runs(_, answer) => answer.send(Ok(Vec::new())).is_ok(),
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

    fn accept(&self, message: SendMessage) -> Accepted {
        let mut received = self.received.lock().unwrap();
        let replayed = message.client_id.is_some()
            && received.iter().any(|known| known.client_id == message.client_id);
        if !replayed {
            received.push(message);
        }
        Accepted {
            message_id: MessageId::parse("in-2").unwrap(),
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
        agents: 1,
        sessions: 1,
        awake: 0,
    }
}
