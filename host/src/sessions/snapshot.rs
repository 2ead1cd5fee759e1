//! A session's part of a backup: both databases at one moment.
//!
//! Owns that it is one moment: while its task copies, it takes nothing in and delivers nothing.

use std::{path::PathBuf, sync::PoisonError};

use super::{intake::blocking, runner::Runner};
use crate::{requests::Answer, upkeep::backup};

impl Runner {
    /// Copies both databases into a folder; answers what could not be copied, and why.
    pub(super) async fn snapshot(&mut self, to: PathBuf, answer: Answer<Vec<String>>) {
        let (writer, reader) = (self.writer.clone(), self.reader.clone());
        let copy = blocking(move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            backup::moment(&writer, &mut reader, &to)
        });
        let copied = self.past_leases(copy).await;
        drop(answer.send(copied));
    }
}
