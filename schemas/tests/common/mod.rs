//! What the tests of the two databases share: a session folder, and a row to write.

use std::path::Path;

use jiff::Timestamp;
use schemas::{
    host_side::ensure,
    ids::MessageId,
    message::{Kind, NewOutbound},
    session_dir::SessionDir,
};
use tempfile::TempDir;

/// A fresh session; in memory where the system has such a place, since every commit syncs.
pub(crate) fn session() -> (TempDir, SessionDir) {
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.unwrap();
    let dir = SessionDir::at(home.path().join("session"));
    ensure(&dir).unwrap();
    (home, dir)
}

/// A reply without an address.
pub(crate) fn reply(id: &str, content: &str) -> NewOutbound {
    NewOutbound {
        id: MessageId::parse(id).unwrap(),
        in_reply_to: None,
        timestamp: Timestamp::UNIX_EPOCH,
        kind: Kind::Chat,
        address: None,
        content: content.to_owned(),
        run: None,
    }
}
