//! A backup on its way to who asked for it, in pieces.

use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::{error, info};

use super::{Source, Wanted, write};
use crate::{admin::Desk, limits::upkeep as limits, text::backup as text};

/// A piece, or why there is no more.
pub type Piece = io::Result<Bytes>;

/// Makes a backup of a host that runs, and sends it while it is made. Ends when the receiver is
/// gone.
pub async fn send(desk: Desk, work: bool, to: mpsc::Sender<Piece>) {
    let wanted = Wanted { home: desk.context.home.clone(), work };
    let (source, now) = (Source::Live(desk.daemon.clone()), desk.context.clock.now());
    let busy = desk.context.upkeep.backing_up();
    let pieces = Pieces(to.clone());
    let done = tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(limits::BACKUP_PIECE, pieces);
        let manifest = write(&source, &wanted, &mut out, now);
        manifest.and_then(|manifest| out.flush().map(|()| manifest).map_err(text::broke_off))
    })
    .await;
    drop(busy);
    match done {
        Ok(Ok(manifest)) => info!(files = manifest.files, bytes = manifest.bytes, "backed up"),
        Ok(Err(failure)) => {
            error!(error = %failure.chain(), "cannot back up");
            drop(to.send(Err(io::Error::other(failure.chain()))).await);
        }
        Err(panicked) => {
            error!(error = %panicked, "a backup broke off");
            drop(to.send(Err(io::Error::other("the backup broke off"))).await);
        }
    }
}

struct Pieces(mpsc::Sender<Piece>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the backup");
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
