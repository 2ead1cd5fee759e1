//! The harness: a session's folder, the host's writer, and a guest as a task.

use std::{
    fs,
    panic::resume_unwind,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use guest::{
    GuestError, Ports,
    provider::{self, Surroundings},
    steps::{Step, Steps},
    tools,
};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row};
use schemas::{
    host_side::{InboundTx, InboundWriter},
    ids::{AgentId, MessageId, SessionId},
    message::{Address, InboundStatus, Kind, NewInbound},
    session_dir::SessionDir,
    session_file::SessionFile,
    time::Clock,
};
use tempfile::TempDir;
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// A clock that the paused runtime moves.
struct RuntimeClock {
    began: Instant,
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap() + self.began.elapsed()
    }
}

/// Done at a guest's commit, inside the guest: nothing of it runs in between.
type Hook = Box<dyn FnMut() -> bool + Send>;

pub(crate) struct Desk {
    _root: TempDir,
    pub(crate) dir: SessionDir,
    writer: InboundWriter,
    wake: Arc<Notify>,
    committed: Arc<Notify>,
    clock: Arc<RuntimeClock>,
    hook: Arc<Mutex<Option<Hook>>>,
    pub(crate) tools: tools::Desk,
    guest: Option<(JoinHandle<Result<(), GuestError>>, CancellationToken)>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let dir = SessionDir::at(root.path());
        for folder in [dir.in_dir(), dir.out_dir(), dir.work()] {
            fs::create_dir(folder).unwrap();
        }
        let clock = Arc::new(RuntimeClock { began: Instant::now() });
        let session = SessionFile {
            agent_name: "andy".to_owned(),
            max_messages_per_prompt: 10,
            ..SessionFile::new(SessionId::mint(clock.now()), AgentId::mint(clock.now()), "echo")
        };
        session.save(&dir).unwrap();
        let (wake, committed) = (Arc::default(), Arc::default());
        let writer = InboundWriter::new(dir.clone());
        Self {
            _root: root,
            dir,
            writer,
            wake,
            committed,
            clock,
            hook: Arc::default(),
            tools: tools::Desk::default(),
            guest: None,
        }
    }

    /// Changes what the host says about the session.
    pub(crate) fn tells(&self, change: impl FnOnce(&mut SessionFile)) {
        let mut file = SessionFile::load(&self.dir).unwrap();
        change(&mut file);
        file.save(&self.dir).unwrap();
    }

    /// A desk whose guest is at work already.
    pub(crate) fn open() -> Self {
        let mut desk = Self::new();
        desk.start_guest();
        desk
    }

    pub(crate) fn start_guest(&mut self) {
        let echo = provider::by_name("echo", &self.around()).unwrap();
        self.start_with(echo);
    }

    /// What surrounds a provider here: no model APIs.
    pub(crate) fn around(&self) -> Surroundings {
        Surroundings { dir: self.dir.clone(), models: None, desk: self.tools.clone() }
    }

    pub(crate) fn start_with(&mut self, provider: Box<dyn guest::Provider>) {
        let mut provider = Some(provider);
        self.start_making(Box::new(move |_| provider.take()));
    }

    pub(crate) fn start_making(&mut self, providers: guest::MakeProvider) {
        self.start(providers, Steps::default());
    }

    /// A guest that gets no further than this.
    pub(crate) fn start_guest_that_dies_at(&mut self, step: Step) {
        let around = self.around();
        let steps = Steps::watched(move |reached| {
            if reached == step {
                resume_unwind(Box::new("it dies"));
            }
        });
        self.start(Box::new(move |name| provider::by_name(name, &around)), steps);
    }

    fn start(&mut self, providers: guest::MakeProvider, steps: Steps) {
        let committed = Arc::clone(&self.committed);
        let (hook, dir) = (Arc::clone(&self.hook), self.dir.clone());
        let ports = Ports {
            clock: Arc::<RuntimeClock>::clone(&self.clock),
            wake: Box::new(Arc::clone(&self.wake)),
            providers,
            on_commit: Box::new(move || {
                assert_whole(&dir);
                let mut hook = hook.lock().unwrap();
                if hook.as_mut().is_some_and(|hook| hook()) {
                    *hook = None;
                }
                committed.notify_one();
            }),
            steps,
            desk: self.tools.clone(),
        };
        let cancel = CancellationToken::new();
        let work = guest::run(self.dir.clone(), ports, cancel.clone());
        #[expect(clippy::disallowed_methods, reason = "the harness joins or aborts it itself")]
        let task = tokio::spawn(work);
        self.guest = Some((task, cancel));
    }

    /// SIGTERM, awaited.
    pub(crate) async fn stop_guest(&mut self) -> Result<(), GuestError> {
        let (task, cancel) = self.guest.take().unwrap();
        cancel.cancel();
        timeout(Duration::from_secs(600), task).await.unwrap().unwrap()
    }

    /// SIGKILL, at whatever await the guest stands.
    pub(crate) async fn kill_guest(&mut self) {
        let (task, _) = self.guest.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    /// It died at its step.
    pub(crate) async fn guest_dies(&mut self) {
        let (task, _) = self.guest.take().unwrap();
        let ended = timeout(Duration::from_secs(600), task).await.unwrap();
        assert!(ended.unwrap_err().is_panic());
    }

    /// How the guest ended by itself.
    pub(crate) async fn guest_ends(&mut self) -> Result<(), GuestError> {
        let (task, _) = self.guest.take().unwrap();
        timeout(Duration::from_secs(600), task).await.unwrap().unwrap()
    }

    /// Does this at each of the guest's commits, until it answers that it is done.
    pub(crate) fn at_commit(&self, hook: impl FnMut() -> bool + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// Whether the guest says this of a row in the file right now.
    pub(crate) fn acked_in(dir: &SessionDir, id: &str, status: &str) -> bool {
        let sql = "SELECT message_id || ' ' || status FROM processing_ack";
        let acks = query(&dir.outbound_db(), sql, |row| row.get::<_, String>(0).unwrap());
        acks.contains(&format!("{id} {status}"))
    }

    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&InboundTx<'_>) -> Result<T, schemas::sqlite::StoreError>,
    ) -> T {
        let value = self.writer.write(work).unwrap();
        self.wake.notify_one();
        value
    }

    /// A row for the room, not yet written.
    pub(crate) fn row(&self, id: &str, room: &str, text: &str) -> NewInbound {
        let content = serde_json::json!({"sender": "Ann", "text": text}).to_string();
        let mut row = NewInbound::new(self.id(id), Kind::Chat, self.clock.now(), content);
        row.address = Some(Address {
            channel_type: "terminal".to_owned(),
            platform_id: room.to_owned(),
            thread_id: None,
        });
        row
    }

    pub(crate) fn says(&self, id: &str, text: &str) {
        let row = self.row(id, "desk", text);
        self.write(|tx| tx.append(&row));
    }

    pub(crate) fn set_status(&self, id: &str, status: InboundStatus) {
        let id = self.id(id);
        self.write(|tx| tx.set_status(&[id], status));
    }

    pub(crate) fn id(&self, id: &str) -> MessageId {
        MessageId::parse(id).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the file says so; the guest's commits are the only thing waited for.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..10_000 {
            if holds(self) {
                return;
            }
            let _rung = timeout(Duration::from_millis(50), self.committed.notified()).await.is_ok();
        }
        panic!("never: {what}; acks are {:?}", self.acks());
    }

    pub(crate) async fn acked(&self, id: &str, status: &str) {
        let what = format!("{id} {status}");
        self.until(&what, |desk| desk.acks().get(id).is_some_and(|ack| ack == status)).await;
    }

    pub(crate) async fn passes(&self, time: Duration) {
        drop(timeout(time, std::future::pending::<()>()).await);
    }
}

/// What must hold after each commit: a reply stands beside the end of what it belongs to, or
/// beside the word that its run has acted.
fn assert_whole(dir: &SessionDir) {
    let sql = "SELECT in_reply_to FROM messages_out LEFT JOIN processing_ack \
               ON message_id = in_reply_to WHERE in_reply_to IS NOT NULL AND coalesce(status, '') NOT IN \
               ('completed', 'cancelled', 'failed') AND NOT EXISTS (SELECT 1 FROM attempts WHERE \
               attempts.run_id = messages_out.run_id AND tools_started > 0)";
    let lonely = query(&dir.outbound_db(), sql, |row| row.get::<_, Option<String>>(0).unwrap());
    assert!(lonely.is_empty(), "replies without their completion: {lonely:?}");
}

pub(crate) fn query<T>(path: &Path, sql: &str, map: fn(&Row<'_>) -> T) -> Vec<T> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    // The guest may have created the file and not yet its tables.
    let Ok(mut select) = conn.prepare(sql) else { return Vec::new() };
    select.query_map([], |row| Ok(map(row))).unwrap().map(Result::unwrap).collect()
}
