//! What the host asks of a run at work: today, to stop.
//!
//! Owns which of the host's controls were seen. One is meant for the run that was at work when it
//! was written; a run that was claimed later is none of its business.

use jiff::Timestamp;
use schemas::guest_side::{Control, ControlRow, InboundReader};

/// The last control that was seen.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    seen: i64,
}

impl Controls {
    /// Steps over everything that was meant for a guest that is no more.
    pub(crate) fn start(inbound: &InboundReader) -> Self {
        let mut controls = Self::default();
        controls.abort(inbound, Timestamp::MAX);
        controls
    }

    /// The control that stops a run which was claimed at a time, if there is one.
    pub(crate) fn abort(&mut self, inbound: &InboundReader, claimed: Timestamp) -> Option<i64> {
        let rows = match inbound.controls(self.seen) {
            Ok(rows) => rows,
            Err(error) => {
                tracing::debug!(%error, "cannot read what the host asks for now");
                return None;
            }
        };
        self.seen = rows.last().map_or(self.seen, |row| row.id);
        rows.iter().rev().find(|row| stops(row, claimed)).map(|row| row.id)
    }
}

fn stops(row: &ControlRow, claimed: Timestamp) -> bool {
    match row.kind {
        // A stored time has milliseconds and no more.
        Control::Abort => row.at.as_millisecond() >= claimed.as_millisecond(),
        // For providers that can; the echo has nothing to close, steer or reload.
        Control::Close | Control::Steer | Control::Reload => false,
    }
}
