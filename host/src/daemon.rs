//! The daemon's entry, not written yet: it refuses, so that the CLI around it can be tried.

use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    error::{ErrorKind, HostError, Result},
};

/// Runs the host until `shutdown` is cancelled.
///
/// # Errors
/// Always, as yet.
#[expect(clippy::unused_async, reason = "its signature is the daemon's")]
pub async fn run(config: Config, _shutdown: CancellationToken) -> Result<()> {
    let what = format!("the daemon for {} does not exist yet", config.home.display());
    Err(HostError::new(ErrorKind::Internal, what))
}
