//! `lazaret restore`: a backup onto a new home, or a copy of the central database in its place.

use std::path::PathBuf;

use schemas::time::{Clock, SystemClock};

use super::Context;
use crate::{
    error::{ErrorKind, HostError, Result},
    text::{backup, upkeep as text},
    upkeep::{central, restore},
};

#[derive(Debug, clap::Args)]
#[command(after_help = backup::RESTORE_HELP)]
#[group(required = true, multiple = false)]
pub(super) struct Args {
    /// A backup; it is put into --home, where nothing may be yet
    archive: Option<PathBuf>,
    /// Put this copy of the central database in the place of the home's own
    #[arg(long, value_name = "COPY")]
    central: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let (home, now) = (context.config.home.clone(), SystemClock.now());
    if let Some(copy) = args.central {
        let done = central::replace(&home, &copy, now).await?;
        context.out.result(&done, |done| text::replaced(&done.aside, done.sessions));
    } else if let Some(archive) = args.archive {
        let work = tokio::task::spawn_blocking(move || restore::restore(&archive, &home, now));
        let done = work.await.map_err(|error| {
            HostError::new(ErrorKind::Internal, "the restore broke off").because(error)
        })??;
        context.out.result(&done, backup::restored);
    }
    Ok(())
}
