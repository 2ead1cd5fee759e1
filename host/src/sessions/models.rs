//! The model socket of a session: there while it has a container that needs it.
//!
//! Owns when it is opened: before a container starts, and again for one that an earlier host left.
//! It is closed with the container (`container`), so that a sleeping session has none.

use tracing::error;

use super::runner::Runner;
use crate::{broker::Broker, error::Result};

impl Runner {
    /// Opens it, unless what answers in the container asks no models.
    pub(super) fn open_models(&mut self) -> Result<()> {
        self.models = None;
        if Broker::is_needed_by(&self.facts.agent.agent.provider) {
            let folder = self.facts.start_request(&self.context).socket_dir;
            self.models = Some(self.context.broker.open(&self.facts.record.id, &folder)?);
        }
        Ok(())
    }

    /// The same for a container that lives already: without one it goes on, and says in its own
    /// words what it cannot reach.
    pub(super) fn reopen_models(&mut self) {
        if let Err(failure) = self.open_models() {
            error!(
                error = failure.chain(),
                hint = failure.hint_text(),
                "no models for a container"
            );
        }
    }

    /// What its guest is told of routes.
    pub(super) fn models_of(&self) -> Vec<String> {
        if Broker::is_needed_by(&self.facts.agent.agent.provider) {
            self.context.broker.routes()
        } else {
            Vec::new()
        }
    }
}
