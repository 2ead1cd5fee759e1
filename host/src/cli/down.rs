//! `lazaret down`: asks the host to end, and returns once its process has.

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use schemas::admin::Status;
use tokio::time::{Instant, sleep};

use super::Context;
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
};

/// Ends the host.
pub(super) async fn run(context: &Context) -> Result<()> {
    let mut client = context.connect().await?;
    let status: Status = client.get("/v1/status").await?;
    client.post::<()>("/v1/shutdown", &()).await?;
    // The connection would be waited for.
    drop(client);
    ended(status.pid).await?;
    context.out.result(&status, |status| format!("the host (pid {}) has ended", status.pid));
    Ok(())
}

async fn ended(pid: u32) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX));
    let deadline = Instant::now() + limits::DOWN_WAIT;
    while kill(pid, None) != Err(Errno::ESRCH) && !is_left_over(pid) {
        if Instant::now() >= deadline {
            let what = format!("the host (pid {pid}) is still ending");
            return Err(HostError::new(ErrorKind::Busy, what)
                .hint("its log says what it waits for; a second signal ends it at once"));
        }
        sleep(limits::PROCESS_POLL).await;
    }
    Ok(())
}

/// Whether the process has ended and only waits for a parent that does not ask.
fn is_left_over(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the state may hold anything, a parenthesis too.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}
