//! The bare path: the same commits and wakes as a message has in the product, and nothing else.
//!
//! Host's side: open-insert-close into `inbound.db`, inotify on `outbound.db`, a locked copy after
//! each wake, the ledger's commit. No HTTP, no routing, no runs, no log, no task, one thread. The
//! files are opened as the contract says, by the same code as in the product.

use std::{
    os::unix::fs::DirBuilderExt,
    time::{Duration, Instant},
};

use host::{
    engine::{ContainerId, Engine, Resources, StartRequest},
    limits,
};
use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags},
    inotify::{AddWatchFlags, InitFlags, Inotify},
};
use schemas::{
    content::{self, ChatIn},
    host_side::{InboundWriter, OutboundReader, Reading, ensure},
    ids::{AgentId, InstallId, MessageId, SessionId},
    message::{Address, DeliveryStatus, InboundStatus, Kind, LedgerRow, NewInbound},
    session_dir::SessionDir,
    time::{Clock, SystemClock},
};

use crate::install::{Install, bare_guest, folder};

/// An install without a host: containers with every hardening, and whoever writes the files.
pub(crate) struct Yard {
    install: Install,
    home: tempfile::TempDir,
    sessions: u32,
}

/// One session of it, with its container.
pub(crate) struct Bare {
    writer: InboundWriter,
    reader: OutboundReader,
    inotify: Inotify,
    ready: Epoll,
    cursor: i64,
    // Its containers end before its folders do.
    _yard: Yard,
}

/// One round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// From before the insert until the reply was read.
    pub(crate) replied: Duration,
    /// From before the insert until the ledger was committed.
    pub(crate) settled: Duration,
}

impl Yard {
    pub(crate) fn new() -> Self {
        let home = folder();
        let id = InstallId::mint(SystemClock.now());
        let install = Install::new(id, bare_guest(), home.path().join("engine"));
        Self { install, home, sessions: 0 }
    }

    /// A session with its folders, as the engine is asked for it.
    pub(crate) fn request(&mut self) -> StartRequest {
        self.sessions += 1;
        let now = SystemClock.now();
        let root = self.home.path().join(format!("s{}", self.sessions));
        let folders = [self.home.path().join("agent"), self.home.path().join("sock")];
        for folder in &folders {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).unwrap();
        }
        let dir = SessionDir::at(&root);
        ensure(&dir).unwrap();
        // The file must be there to be watched.
        InboundWriter::new(dir).write(|tx| tx.set_routing(None)).unwrap();
        let [agent_dir, socket_dir] = folders;
        StartRequest {
            session: SessionId::mint(now),
            agent: AgentId::mint(now),
            session_root: root,
            agent_dir,
            agent_dir_writable: false,
            socket_dir,
            image: None,
            resources: Resources {
                memory_bytes: limits::DEFAULT_MEMORY_BYTES,
                milli_cpus: limits::DEFAULT_MILLI_CPUS,
                pids: limits::DEFAULT_PIDS,
            },
            uid_index: self.sessions,
            gid_index: 1,
        }
    }

    pub(crate) async fn start(&self, request: &StartRequest) -> ContainerId {
        self.install.engine.start(request).await.expect("a container starts")
    }

    pub(crate) async fn end(&self, container: &ContainerId, request: &StartRequest) {
        self.install.engine.kill(container).await.unwrap();
        self.install.engine.remove(container, &request.session_root).await.unwrap();
    }
}

impl Bare {
    pub(crate) async fn start() -> Self {
        let mut yard = Yard::new();
        let request = yard.request();
        yard.start(&request).await;
        let dir = SessionDir::at(&request.session_root);
        while !dir.outbound_db().exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
        inotify.add_watch(&dir.outbound_db(), AddWatchFlags::IN_CLOSE_WRITE).unwrap();
        let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        ready.add(&inotify, EpollEvent::new(EpollFlags::EPOLLIN, 0)).unwrap();
        Self {
            writer: InboundWriter::new(dir.clone()),
            reader: OutboundReader::new(dir),
            inotify,
            ready,
            cursor: 0,
            _yard: yard,
        }
    }

    /// One message there and back; blocks.
    pub(crate) fn round(&mut self) -> Round {
        let row = message();
        let began = Instant::now();
        self.writer.write(|tx| tx.append(&row)).unwrap();
        let reply = self.reply_to(&row.id);
        let replied = began.elapsed();
        let ledger = delivered(reply);
        self.writer
            .write(|tx| {
                tx.put_ledger(&ledger)?;
                tx.set_status(std::slice::from_ref(&row.id), InboundStatus::Completed)
            })
            .unwrap();
        Round { replied, settled: began.elapsed() }
    }

    /// Looks after each wake, until the reply is there.
    fn reply_to(&mut self, id: &MessageId) -> MessageId {
        loop {
            let mut which = [EpollEvent::empty()];
            let woken = self.ready.wait(&mut which, 10_000_u16).unwrap();
            assert!(woken > 0, "the bare guest does not answer");
            self.inotify.read_events().unwrap();
            let Reading::Copy(copy) = self.reader.read(false).unwrap() else { continue };
            for row in copy.messages_above(self.cursor, 500).unwrap() {
                let row = row.unwrap();
                self.cursor = row.seq;
                if row.in_reply_to.as_ref() == Some(id) {
                    return row.id;
                }
            }
        }
    }
}

/// A message as the terminal's are.
pub(crate) fn message() -> NewInbound {
    let now = SystemClock.now();
    let chat = ChatIn { text: "ahoy".to_owned(), ..ChatIn::default() };
    let mut row = NewInbound::new(MessageId::mint(now), Kind::Chat, now, content::write(&chat));
    row.address = Some(address("bare"));
    row
}

/// A terminal room.
pub(crate) fn address(room: &str) -> Address {
    Address { channel_type: "terminal".to_owned(), platform_id: room.to_owned(), thread_id: None }
}

/// The ledger's final word.
pub(crate) fn delivered(message_out: MessageId) -> LedgerRow {
    LedgerRow {
        platform_message_id: Some(message_out.to_string()),
        message_out,
        status: DeliveryStatus::Delivered,
        delivered_at: Some(SystemClock.now()),
        attempts: 1,
        next_attempt_at: None,
        error: None,
    }
}
