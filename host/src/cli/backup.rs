//! `lazaret backup <file or folder>`: everything that must not be lost, in one archive.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use schemas::time::{Clock, SystemClock};

use super::Context;
use crate::{
    daemon::open_home,
    error::{ErrorKind, HostError, Result},
    text::backup as text,
    upkeep::{
        backup::{self, Manifest, Source, Wanted},
        copies,
        files::{move_durably, storage},
        restore,
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = text::BACKUP_HELP)]
pub(super) struct Args {
    /// The archive to write, or a folder in which it gets a name of its time
    to: PathBuf,
    /// Leave the agents' working folders out
    #[arg(long)]
    without_work: bool,
}

pub(super) async fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let now = SystemClock.now();
    let to = if args.to.is_dir() { args.to.join(text::archive_name(now)) } else { args.to.clone() };
    if to.exists() {
        return Err(HostError::new(ErrorKind::Conflict, format!("{} is there", to.display())));
    }
    let fresh = to.with_added_extension("new");
    let written = write(args, context, &fresh).await;
    let done = written.and_then(|()| {
        let (_, manifest) = restore::look(&fresh)?;
        move_durably(&fresh, &to).map_err(|error| storage("cannot name", &to, error))?;
        Ok(manifest)
    });
    if done.is_err() {
        let _not_there = fs::remove_file(&fresh).is_err();
    }
    let manifest: Manifest = done?;
    context.out.result(&manifest, |manifest| text::backed_up(&to, manifest));
    Ok(if manifest.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// By the host, when one runs; else here, and none may start meanwhile.
async fn write(args: &Args, context: &Context, to: &Path) -> Result<()> {
    let failed = |error: io::Error| storage("cannot write", to, error);
    let mut out = create(to).map_err(failed)?;
    match context.connect().await {
        Ok(mut client) => {
            let work = !args.without_work;
            let mut download = client.download(&format!("/v1/backup?work={work}")).await?;
            while let Some(piece) = download.piece().await? {
                out.write_all(&piece).map_err(failed)?;
            }
        }
        Err(error) if error.kind == ErrorKind::HostDown => {
            if !context.config.home.join(copies::CENTRAL).exists() {
                return Err(error);
            }
            let lock = open_home(&context.config.home)?;
            let wanted = Wanted { home: context.config.home.clone(), work: !args.without_work };
            out = tokio::task::spawn_blocking(move || {
                let mut out = out;
                backup::write(&Source::Still, &wanted, &mut out, SystemClock.now())?;
                drop(lock);
                Ok::<_, HostError>(out)
            })
            .await
            .map_err(|error| {
                HostError::new(ErrorKind::Internal, "the backup broke off").because(error)
            })??;
        }
        Err(error) => return Err(error),
    }
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

/// It holds everything that was ever said: for its owner alone.
fn create(path: &Path) -> io::Result<BufWriter<File>> {
    let _an_older_try = fs::remove_file(path).is_ok();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(BufWriter::new(file))
}
