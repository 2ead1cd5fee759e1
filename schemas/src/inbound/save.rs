//! Copies of the mailbox and of its history, each of one moment.

use std::path::Path;

use super::InboundWriter;
use crate::{
    session_dir::INBOUND_DB,
    sqlite::{StoreError, copying::copy_into},
};

impl InboundWriter {
    /// Puts a copy of the file, of one moment, into a folder. `false` when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or the copy cannot be written.
    pub fn save(&self, to: &Path) -> Result<bool, StoreError> {
        save(&self.dir().inbound_db(), &to.join(INBOUND_DB))
    }

    /// The same for the rows that moved on. Whoever copies it after the mailbox has every row at
    /// least once.
    ///
    /// # Errors
    /// As [`InboundWriter::save`].
    pub fn save_history(&self, to: &Path) -> Result<bool, StoreError> {
        save(&self.dir().history_db(), &to.join("history.db"))
    }
}

fn save(from: &Path, to: &Path) -> Result<bool, StoreError> {
    if !from.exists() {
        return Ok(false);
    }
    copy_into(from, to).map(|()| true)
}
