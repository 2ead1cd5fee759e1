//! The folders of an agent that is deleted: kept aside, so that no word of it is lost and none is
//! found by a new agent of the same name.

use std::{
    io,
    path::{Path, PathBuf},
};

use schemas::{admin::Agent, ids::fresh_ulid};

use super::Desk;
use crate::{
    error::{ErrorKind, HostError, Result},
    text,
};

/// Where an agent's folders lie, and where they are kept.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    aside: PathBuf,
    /// Its own, and that of its sessions.
    from: [PathBuf; 2],
}

impl Folders {
    pub(super) fn of(agent: &Agent, desk: &Desk) -> Self {
        let home = &desk.context.home;
        let name = format!("{}-{}", agent.name, fresh_ulid(desk.context.clock.now()));
        Self {
            aside: home.join("removed").join(name),
            from: [
                home.join("agents").join(&agent.folder),
                home.join("sessions").join(agent.id.as_str()),
            ],
        }
    }

    /// Moves what is there; where to, if anything was.
    pub(super) async fn put_aside(self) -> Result<Option<PathBuf>> {
        let aside = self.aside.clone();
        let moved = blocking(move || {
            let mut any = false;
            for (from, to) in self.pairs() {
                if from.exists() {
                    std::fs::create_dir_all(&self.aside)?;
                    std::fs::rename(from, to)?;
                    any = true;
                }
            }
            Ok(any)
        })
        .await?;
        Ok(moved.then_some(aside))
    }

    /// Back to where they were.
    pub(super) async fn put_back(self) -> Result<()> {
        blocking(move || {
            for (from, to) in self.pairs() {
                if to.exists() {
                    std::fs::rename(to, from)?;
                }
            }
            Ok(())
        })
        .await
    }

    fn pairs(&self) -> impl Iterator<Item = (&Path, PathBuf)> {
        self.from
            .iter()
            .zip(["agent", "sessions"])
            .map(|(from, to)| (from.as_path(), self.aside.join(to)))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        HostError::new(ErrorKind::Storage, "cannot move the agent's folders")
            .because(error)
            .hint(text::CHECK_THE_HOME)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(error.into())),
        Err(error) => Err(failed(error.into())),
    }
}
