//! The guest of the benchmark's bare path: the same commits and wakes, and nothing else.
//!
//! It is woken by inotify on `inbound.db`, claims what is due (commit), reads the rows again and
//! replies (commit). No turn, no provider, no heartbeat, no runs, no belt, no patience.

use std::{collections::HashMap, error::Error, process::ExitCode};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use schemas::{
    guest_side::{Ack, DueQuery, InboundReader, OutboundWriter},
    ids::MessageId,
    message::{AckStatus, InboundRow, Kind, NewOutbound},
    session_dir::{GUEST_ROOT, SessionDir},
    time::{Clock, SystemClock},
};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let dir = SessionDir::at(GUEST_ROOT);
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
    inotify.add_watch(&dir.inbound_db(), AddWatchFlags::IN_CLOSE_WRITE)?;
    let mut guest = Bare {
        inbound: InboundReader::new(dir.clone()),
        outbound: OutboundWriter::new(dir),
        acked: HashMap::new(),
    };
    guest.outbound.write(|tx| tx.release_claims(SystemClock.now()))?;
    loop {
        while guest.answer()? {}
        inotify.read_events()?;
    }
}

struct Bare {
    inbound: InboundReader,
    outbound: OutboundWriter,
    acked: HashMap<MessageId, i64>,
}

impl Bare {
    /// Answers one batch; `false` when nothing is due.
    fn answer(&mut self) -> Result<bool, Box<dyn Error>> {
        let now = SystemClock.now();
        let query = DueQuery { now, acked: &self.acked, limit: 10, on_wake_up_to: i64::MAX };
        let batch = self.inbound.due(&query)?;
        if batch.triggers.is_empty() {
            return Ok(false);
        }
        self.outbound.write(|tx| {
            batch.triggers.iter().try_for_each(|row| tx.ack(&ack(row, AckStatus::Processing), now))
        })?;
        let ids: Vec<MessageId> = batch.triggers.iter().map(|row| row.id.clone()).collect();
        let rows = self.inbound.again(&ids)?;
        self.outbound.write(|tx| {
            for row in &rows {
                tx.append(&reply(row), batch.highest_seq)?;
                tx.ack(&ack(row, AckStatus::Completed), now)?;
            }
            Ok(())
        })?;
        self.acked.extend(rows.into_iter().map(|row| (row.id, row.tries)));
        Ok(true)
    }
}

fn ack(row: &InboundRow, status: AckStatus) -> Ack {
    Ack {
        message: row.id.clone(),
        status,
        tries: row.tries,
        run: None,
        error: None,
        retry_at: None,
    }
}

fn reply(row: &InboundRow) -> NewOutbound {
    let now = SystemClock.now();
    NewOutbound {
        id: MessageId::mint(now),
        in_reply_to: Some(row.id.clone()),
        timestamp: now,
        kind: Kind::Chat,
        address: row.address.clone(),
        content: row.content.clone(),
        run: None,
    }
}
