//! What holds for any input.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics is a test that fails")]

mod any;
#[path = "../common/mod.rs"]
mod common;
mod round_trips;
mod rules;

use schemas::{
    host_side::{OutboundCopy, OutboundReader, Reading},
    session_dir::SessionDir,
};

/// Cases of a property that makes files; the pure ones run more often.
const WITH_FILES: u32 = 48;

fn copy(dir: &SessionDir) -> OutboundCopy {
    let Reading::Copy(copy) = OutboundReader::new(dir.clone()).read(true).unwrap() else {
        panic!("not a copy");
    };
    copy
}
