//! The child that a task's script is: its own process group, ended whole whatever becomes of it,
//! with bounds on time and output. It is waited for on a thread of its own.

use std::{
    io::{ErrorKind, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::Said;
use crate::limits;

/// Runs a script to its end, or to its bounds; blocks.
pub(super) fn run(
    script: &str,
    dir: &Path,
    time: Duration,
    gone: &AtomicBool,
) -> Result<Said, String> {
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
