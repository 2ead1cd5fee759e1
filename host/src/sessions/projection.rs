//! What a guest is told of the central database's words: who it is, where text without an origin
//! goes, its address book.
//!
//! Owns bringing a change to a session that lives. It is staged like everything else that is
//! written to a session, so that a commit that fails is tried again; the guest is woken by it, and
//! only then is whoever made the change answered. A host that died in between finds the session
//! unclean and projects it anew when it is adopted.

use schemas::{
    host_side::InboundTx,
    message::{Address, Destination},
    session_dir::SessionDir,
    session_file::SessionFile,
    sqlite::StoreError,
};
use tracing::info;

use super::runner::Runner;
use crate::error::Result;

/// All of it as it stands now; the last one counts.
#[derive(Debug)]
pub(super) struct Projection {
    file: SessionFile,
    default: Option<Address>,
    destinations: Vec<Destination>,
}

impl Projection {
    /// The file beside the database: replaced by a rename.
    pub(super) fn save(&self, dir: &SessionDir) -> std::io::Result<()> {
        self.file.save(dir)
    }

    /// The rows.
    pub(super) fn fold(&self, tx: &InboundTx<'_>) -> std::result::Result<(), StoreError> {
        tx.set_routing(self.default.as_ref())?;
        tx.replace_destinations(&self.destinations)
    }
}

impl Runner {
    /// What the guest should see now.
    pub(super) fn projection(&self) -> Projection {
        Projection {
            file: self.session_file(),
            default: self.reach.default.clone(),
            destinations: self.reach.destinations.clone(),
        }
    }

    /// Something changed in the central database: reads it, and shows it to the guest.
    pub(super) async fn refresh(&mut self) -> Result<()> {
        let record = self.context.store.session(self.facts.record.id.clone()).await?;
        self.facts = self.context.facts(record).await?;
        self.reach = self.facts.reach();
        self.staged.projection = Some(self.projection());
        self.commit(Vec::new()).await.map_err(|failure| failure.for_people())?;
        info!(destinations = self.reach.destinations.len(), "rules projected");
        Ok(())
    }
}
