//! Keeps the last part of what a container printed, before the container goes. What it printed is
//! hostile: it is bounded and written as bytes, never read as anything.

use std::{
    collections::VecDeque,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use bollard::query_parameters::LogsOptions;
use bytes::Bytes;
use futures_util::TryStreamExt;
use nix::fcntl::OFlag;
use schemas::session_dir::SessionDir;

use super::connect::Connection;
use crate::limits;

/// Why nothing could be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    #[error("the engine does not give the output")]
    Engine(#[from] bollard::errors::Error),
    #[error("the output cannot be written")]
    Disk(#[from] io::Error),
}

/// Writes the end of the container's output to the session's `log/container.log`.
pub(super) async fn keep(
    connection: &Connection,
    container: &str,
    session_root: &Path,
) -> Result<(), KeepError> {
    let options = LogsOptions {
        stdout: true,
        stderr: true,
        tail: limits::KEPT_LOG_LINES.to_string(),
        ..Default::default()
    };
    let mut kept = Tail::default();
    let mut output = connection.docker.logs(container, Some(options));
    while let Some(piece) = output.try_next().await? {
        kept.push(piece.into_bytes());
    }
    Ok(write(&kept, &SessionDir::at(session_root))?)
}

/// The last [`limits::KEPT_LOG_BYTES`] of what is pushed.
#[derive(Default)]
struct Tail {
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
        while self.bytes > limits::KEPT_LOG_BYTES {
            let over = self.bytes - limits::KEPT_LOG_BYTES;
            let Some(mut oldest) = self.pieces.pop_front() else { return };
            let cut = oldest.split_to(over.min(oldest.len()));
            self.bytes -= cut.len();
            if !oldest.is_empty() {
                self.pieces.push_front(oldest);
            }
        }
    }
}

fn write(kept: &Tail, session: &SessionDir) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(session.log_dir())?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(session.container_log())?;
    kept.pieces.iter().try_for_each(|piece| io::Write::write_all(&mut file, piece))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_the_end_is_kept_to_the_byte() {
        let mut tail = Tail::default();
        tail.push(Bytes::from_static(b"first"));
        tail.push(Bytes::from(vec![b'x'; limits::KEPT_LOG_BYTES - 3]));
        assert_eq!(tail.bytes, limits::KEPT_LOG_BYTES);
        assert_eq!(tail.pieces[0], Bytes::from_static(b"rst"));
        tail.push(Bytes::from(vec![b'y'; limits::KEPT_LOG_BYTES * 2]));
        assert_eq!((tail.bytes, tail.pieces.len()), (limits::KEPT_LOG_BYTES, 1));
    }

    #[test]
    fn the_file_is_the_hosts_alone_and_a_later_one_replaces_it() {
        let home = tempfile::tempdir().unwrap();
        let session = SessionDir::at(home.path());
        let mut tail = Tail::default();
        tail.push(Bytes::from_static(b"a long first life\n"));
        write(&tail, &session).unwrap();
        let mut tail = Tail::default();
        tail.push(Bytes::from_static(b"short\n"));
        write(&tail, &session).unwrap();
        assert_eq!(fs::read(session.container_log()).unwrap(), b"short\n");
        assert_eq!(fs::metadata(session.container_log()).unwrap().mode() & 0o777, 0o600);
    }
}
