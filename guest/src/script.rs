//! A task's script: runs before the model, and may spare it.
//!
//! Owns the child: its own process group, ended whole whatever becomes of it, with bounds on time
//! and output. It is waited for on a thread of its own, so that the heartbeat and a stop go on; its
//! last line says whether the model is asked, and what it is told beside the prompt.

use std::{
    io::{ErrorKind, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use schemas::{
    content,
    message::{InboundRow, Kind},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::{select, time::interval_at};

use crate::{
    error::GuestError,
    inbox::put_all,
    limits,
    reply::{self, BrokenOff, Claim, Failure, NO_REPLY, Reply, Retry, Settlement},
    rows,
    runner::Runner,
};

/// The last line of a script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    wake_agent: bool,
    #[serde(default)]
    data: Option<Value>,
}

/// Ends the script when nobody waits for it any more.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Runner {
    /// The claim with what its script found; `None` when the run is over by that.
    ///
    /// # Errors
    /// When the outcome cannot be written.
    pub(crate) async fn scripted(&mut self, mut claim: Claim) -> Result<Option<Claim>, GuestError> {
        let Some(script) = claim.triggers.first().and_then(script_of) else {
            return Ok(Some(claim));
        };
        let gone = Arc::new(AtomicBool::new(false));
        let _waits = Waits(gone.clone());
        let dir = self.mailbox.dir.work();
        let mut work =
            tokio::task::spawn_blocking(move || run(&script, &dir, limits::SCRIPT_TIME, &gone));
        let mut stop = self.controls.abort(&self.mailbox.inbound, claim.at);
        let start = tokio::time::Instant::now() + limits::HEARTBEAT;
        let mut beat = interval_at(start, limits::HEARTBEAT);
        let said = loop {
            select! {
                // As in a turn: the guest ends, stops and lives whatever the script does.
                biased;
                () = self.cancel.cancelled() => {
                    self.release()?;
                    return Ok(None);
                }
                () = std::future::ready(()), if stop.is_some() => {
                    let stopped = reply::broken_off(&claim, Vec::new(), BrokenOff::Stopped);
                    return self.over(&claim, &stopped, stop).await;
                }
                _ = beat.tick() => self.mailbox.beat(),
                () = self.wake.changed() => {
                    stop = self.controls.abort(&self.mailbox.inbound, claim.at);
                }
                said = &mut work => break said.unwrap_or_else(|_| Err("it broke off".to_owned())),
            }
        };
        match said {
            Ok(Said { wake_agent: true, data }) => {
                if let (Some(data), Some(row)) = (data, claim.triggers.first_mut()) {
                    row.content = with(&row.content, &data);
                }
                Ok(Some(claim))
            }
            Ok(Said { wake_agent: false, .. }) => self.unasked(&claim, None).await,
            Err(why) => {
                let error = format!("the script failed: {why}");
                let failure = Failure { code: "script".to_owned(), error, retry: Retry::Never };
                self.unasked(&claim, Some(failure)).await
            }
        }
    }

    /// Settles a run in which no provider was asked.
    async fn unasked(
        &mut self,
        claim: &Claim,
        failure: Option<Failure>,
    ) -> Result<Option<Claim>, GuestError> {
        let silence = claim.triggers.iter().map(|row| Reply::words(row.id.clone(), NO_REPLY));
        let settlement = reply::settle(claim, &[], silence.collect(), failure.as_ref());
        self.over(claim, &settlement, None).await
    }

    async fn over(
        &mut self,
        claim: &Claim,
        settlement: &Settlement,
        control: Option<i64>,
    ) -> Result<Option<Claim>, GuestError> {
        let now = self.mailbox.now();
        self.mailbox
            .patiently(&self.cancel, |mailbox| {
                mailbox.commit(|tx| {
                    put_all(tx, &settlement.acks, now)?;
                    tx.put_run(&rows::run(claim, Some((now, settlement))))?;
                    control.map_or(Ok(()), |control| tx.ack_control(control, now))
                })
            })
            .await?;
        Ok(None)
    }
}

fn script_of(row: &InboundRow) -> Option<String> {
    if row.kind != Kind::Task {
        return None;
    }
    let content: Map<String, Value> = content::read(&row.content).ok()?;
    content.get("script")?.as_str().filter(|script| !script.is_empty()).map(str::to_owned)
}

/// A task's content with what its script found at the end of its prompt.
fn with(content: &str, data: &Value) -> String {
    let Ok(mut fields) = content::read::<Map<String, Value>>(content) else {
        return content.to_owned();
    };
    let prompt = fields.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let found = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
    let prompt = format!("{prompt}\n\n{found}");
    fields.insert("prompt".to_owned(), prompt.into());
    content::write(&fields)
}

/// Runs a script to its end, or to its bounds; blocks.
fn run(script: &str, dir: &Path, time: Duration, gone: &AtomicBool) -> Result<Said, String> {
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(script)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start /bin/sh: {error}"))?;
    let group = i32::try_from(child.id()).map(Pid::from_raw);
    let ended = until_it_ends(&mut child, Instant::now() + time, gone);
    if let Ok(group) = group {
        // What it left in the background ends with it; mostly there is nothing.
        let _nobody_left = killpg(group, Signal::SIGKILL);
    }
    drop(child.wait());
    let (out, error) = ended?;
    let lines = String::from_utf8_lossy(&out);
    let last = lines.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if let Some(error) = error {
        return Err(error);
    }
    serde_json::from_str(last).map_err(|why| {
        let shown: String = last.chars().take(limits::NAME_CHARS).collect();
        format!("its last line, {shown:?}, is not {{\"wakeAgent\": true or false}}: {why}")
    })
}

/// What it wrote, and why that does not count when it does not.
type Ended = Result<(Vec<u8>, Option<String>), String>;

fn until_it_ends(child: &mut Child, by: Instant, gone: &AtomicBool) -> Ended {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    for pipe in [stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)] {
        pipe.map_or(Ok(()), no_waiting).map_err(|error| error.to_string())?;
    }
    let (mut out, mut words) = (Vec::new(), Vec::new());
    loop {
        let status = child.try_wait().map_err(|error| error.to_string())?;
        take(&mut stdout, &mut out);
        take(&mut stderr, &mut words);
        if out.len() > limits::SCRIPT_OUTPUT {
            return Err(format!("it wrote more than {} bytes", limits::SCRIPT_OUTPUT));
        }
        // Only the end of a long complaint is told.
        let long = words.len().saturating_sub(limits::SCRIPT_WORDS);
        words.drain(..long);
        if let Some(status) = status {
            let said = String::from_utf8_lossy(&words);
            let failed = (!status.success()).then(|| format!("{status} {}", said.trim()));
            return Ok((out, failed.map(|why| why.trim().to_owned())));
        }
        if gone.load(Ordering::Relaxed) {
            return Err("nobody waits for it any more".to_owned());
        }
        if Instant::now() >= by {
            return Err("it took too long".to_owned());
        }
        wait(&[stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)]);
    }
}

fn no_waiting(pipe: BorrowedFd<'_>) -> nix::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop)
}

/// Until there is something to read, or a moment.
fn wait(pipes: &[Option<BorrowedFd<'_>>]) {
    let mut open: Vec<PollFd<'_>> =
        pipes.iter().flatten().map(|pipe| PollFd::new(*pipe, PollFlags::POLLIN)).collect();
    // An error here is a signal that came: one more look does no harm.
    let _interrupted = poll(&mut open, PollTimeout::from(limits::SCRIPT_GLANCE_MS));
}

/// Reads what is there, a bounded piece at a time; a pipe at its end is let go.
fn take<R: Read>(pipe: &mut Option<R>, into: &mut Vec<u8>) {
    let Some(open) = pipe else { return };
    let mut piece = [0; 64 * 1024];
    loop {
        match open.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => {
                into.extend_from_slice(piece.get(..n).unwrap_or_default());
                if into.len() > limits::SCRIPT_OUTPUT {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    *pipe = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(script: &str, time: Duration) -> Result<Said, String> {
        let dir = tempfile::tempdir().unwrap();
        run(script, dir.path(), time, &AtomicBool::new(false))
    }

    #[track_caller]
    fn fails(script: &str, why: &str) {
        let failed = ran(script, Duration::from_secs(20)).unwrap_err();
        assert!(failed.contains(why), "{failed}");
    }

    #[test]
    fn the_last_line_says_whether_the_model_is_asked() {
        let said = |script| ran(script, Duration::from_secs(20)).unwrap();
        let spared = said(r#"echo looking; echo '{"wakeAgent": false}'; echo"#);
        assert_eq!(spared, Said { wake_agent: false, data: None });
        let woken = said(r#"echo '{"wakeAgent": true, "data": {"new": 3}}'"#);
        assert_eq!(woken.data, Some(serde_json::json!({ "new": 3 })));
    }

    #[test]
    fn anything_else_is_a_failure_with_its_reason() {
        fails("echo hello", "is not {\"wakeAgent\"");
        fails("true", "is not {\"wakeAgent\"");
        fails(r#"echo '{"wakeAgent": "yes"}'"#, "is not {\"wakeAgent\"");
        fails(r#"echo '{"wakeAgent": true}'; echo no disk >&2; exit 3"#, "no disk");
        fails("no_such_program", "no_such_program");
        fails("yes", "more than");
        fails("kill -9 $$", "signal");
    }

    #[test]
    fn one_that_takes_too_long_ends_with_all_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("sleep 1000 & echo $! > {}/pid; wait", dir.path().display());
        let failed = ran(&script, Duration::from_millis(500)).unwrap_err();
        assert_eq!(failed, "it took too long");
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        assert!(is_over(pid.trim()), "{pid} goes on");
    }

    #[test]
    fn what_it_left_in_the_background_holds_up_nothing_and_ends() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script =
            format!("sleep 1000 & echo $! > {}; echo '{{\"wakeAgent\": false}}'", pid.display());
        assert!(ran(&script, Duration::from_secs(20)).is_ok());
        let pid = std::fs::read_to_string(pid).unwrap();
        assert!(is_over(pid.trim()), "{pid} goes on");
    }

    /// It may be a zombie for as long as nobody reaps it.
    fn is_over(pid: &str) -> bool {
        for _ in 0..1_000 {
            match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
                Ok(stat) if !stat.contains(") Z ") => std::thread::yield_now(),
                Ok(_) | Err(_) => return true,
            }
        }
        false
    }
}
