//! `lazaret down`: asks the host to end, and returns once its process has.

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
    let deadline = Instant::now() + limits::DOWN_WAIT;
    while runs(&std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default()) {
        if Instant::now() >= deadline {
            let what = format!("the host (pid {pid}) is still ending");
            return Err(HostError::new(ErrorKind::Busy, what)
                .hint("its log says what it waits for; a second signal ends it at once"));
        }
        sleep(limits::PROCESS_POLL).await;
    }
    Ok(())
}

/// Reads `/proc/<pid>/stat`. One that has ended and that nobody waited for is not running.
fn runs(stat: &str) -> bool {
    // The name in brackets may hold anything, brackets too.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_nobody_waited_for_has_ended() {
        assert!(runs("7 (lazaret) S 1 7 7 0"));
        assert!(runs("7 (a) Z) R 1 7 7 0"));
        assert!(!runs("7 (lazaret) Z 1 7 7 0"));
        assert!(!runs(""));
    }
}
