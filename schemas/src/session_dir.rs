//! Where everything of one session lies. The only place that joins these paths.
//!
//! The same layout holds on the host (`<home>/sessions/<agent>/<session>`) and inside a container
//! (`/workspace`), so both sides build a [`SessionDir`] and ask it.

use std::path::{Component, Path, PathBuf};

use crate::{
    ids::{AgentId, InboxId, MessageId, RunId, SessionId},
    model_call::MODEL_SOCKET,
};

/// Where a session's folder appears inside its container.
pub const GUEST_ROOT: &str = "/workspace";

/// File names inside a session's folder that others (watchers, backups) must know.
pub const INBOUND_DB: &str = "inbound.db";
/// The guest's database, see [`INBOUND_DB`].
pub const OUTBOUND_DB: &str = "outbound.db";
/// The liveness file, see [`INBOUND_DB`].
pub const HEARTBEAT: &str = ".heartbeat";

/// Folders inside `in/` and `out/`.
pub(crate) const INBOX: &str = "inbox";
pub(crate) const OUTBOX: &str = "outbox";
pub(crate) const LIVE: &str = "live";

/// The folder of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDir {
    root: PathBuf,
}

impl SessionDir {
    /// The folder of a session under the host's home.
    #[must_use]
    pub fn on_host(home: &Path, agent: &AgentId, session: &SessionId) -> Self {
        Self { root: home.join("sessions").join(agent.as_str()).join(session.as_str()) }
    }

    /// A folder that is already a session's root: [`GUEST_ROOT`] in a container, a temporary
    /// folder in a test.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The session's folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the host writes; read-only in the container.
    #[must_use]
    pub fn in_dir(&self) -> PathBuf {
        self.root.join("in")
    }

    /// The host's database.
    #[must_use]
    pub fn inbound_db(&self) -> PathBuf {
        self.in_dir().join(INBOUND_DB)
    }

    /// Finished rows, moved out of the way of every read.
    #[must_use]
    pub fn history_db(&self) -> PathBuf {
        self.in_dir().join("history.db")
    }

    /// What the guest needs to know before its first row.
    #[must_use]
    pub fn session_json(&self) -> PathBuf {
        self.in_dir().join("session.json")
    }

    /// All attachment folders that came in.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.in_dir().join(INBOX)
    }

    /// The attachment folder of one inbound row.
    #[must_use]
    pub fn inbox_of(&self, inbox: &InboxId) -> PathBuf {
        self.inbox().join(inbox.as_str())
    }

    /// A file that an attachment's `localPath` names; `None` for a path that leads out of the
    /// inbox.
    #[must_use]
    pub fn inbox_file(&self, local_path: &str) -> Option<PathBuf> {
        let path = Path::new(local_path);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        (plain && path.starts_with("inbox")).then(|| self.in_dir().join(path))
    }

    /// What the guest writes; hostile input to the host.
    #[must_use]
    pub fn out_dir(&self) -> PathBuf {
        self.root.join("out")
    }

    /// The guest's database.
    #[must_use]
    pub fn outbound_db(&self) -> PathBuf {
        self.out_dir().join(OUTBOUND_DB)
    }

    /// All folders of files that go out.
    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.out_dir().join(OUTBOX)
    }

    /// The folder of the files of one outbound row; `None` for an id that is not one plain path
    /// component, as ours are.
    #[must_use]
    pub fn outbox_of(&self, id: &MessageId) -> Option<PathBuf> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        id.as_str().bytes().all(plain).then(|| self.outbox().join(id.as_str()))
    }

    /// The file whose mtime says that the guest lives.
    #[must_use]
    pub fn heartbeat(&self) -> PathBuf {
        self.out_dir().join(HEARTBEAT)
    }

    /// All live files.
    #[must_use]
    pub fn live_dir(&self) -> PathBuf {
        self.out_dir().join(LIVE)
    }

    /// The live events of one run.
    #[must_use]
    pub fn live(&self, run: &RunId) -> PathBuf {
        self.live_dir().join(format!("{run}.ndjson"))
    }

    /// The providers' own state: `$HOME` in the container. Never read by the host.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The working directory.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Where the host listens for the calls to models, as the guest sees it.
    #[must_use]
    pub fn model_socket(&self) -> PathBuf {
        self.root.join("sock").join(MODEL_SOCKET)
    }

    /// Never mounted: what only the host and its operator see.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What the container printed, bounded.
    #[must_use]
    pub fn container_log(&self) -> PathBuf {
        self.log_dir().join("container.log")
    }
}
