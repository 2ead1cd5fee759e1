//! PID 1 of a container, without a runtime: start one child, pass TERM on, reap, clean up.
//!
//! Owns the whole process tree: when its child has ended, nothing of it is left. Reaping beside
//! an async runtime loses exit codes, so this mode knows signals only by `sigwait`. The child is
//! started through [`exec`], because a child inherits the blocked signals of its parent.

use std::{
    convert::Infallible,
    ffi::OsString,
    fs, io,
    os::unix::process::CommandExt,
    process::{Command, id},
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SigSet, Signal, kill},
        stat::{Mode, umask},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
    unistd::Pid,
};

/// Runs the command as the only child until it ends. Answers the exit code: the child's own, or
/// 128 and the signal that ended it.
///
/// # Errors
/// When the child cannot be started, or signals cannot be waited for.
pub fn run(command: &[OsString]) -> io::Result<u8> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD]);
    signals.thread_block()?;
    // The host's group may read what the agent leaves.
    umask(Mode::from_bits_truncate(0o002));
    // Outside of a container (in a test) orphans must come to us as they come to PID 1.
    prctl::set_child_subreaper(true)?;
    let child = start(command)?;
    let code = wait_for(child, &signals)?;
    kill_the_rest();
    Ok(code)
}

/// Becomes the command, with every signal let through again.
///
/// # Errors
/// Always, when it returns: the command could not be started.
pub fn exec(command: &[OsString]) -> io::Result<Infallible> {
    let Some((program, args)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command"));
    };
    SigSet::empty().thread_set_mask()?;
    Err(Command::new(program).args(args).exec())
}

fn start(command: &[OsString]) -> io::Result<Pid> {
    let child =
        Command::new(std::env::current_exe()?).arg("exec").arg("--").args(command).spawn()?;
    // The handle is dropped on purpose: it is `reap` that waits, for this child as for all.
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}

fn wait_for(child: Pid, signals: &SigSet) -> io::Result<u8> {
    loop {
        if signals.wait()? != Signal::SIGCHLD {
            // TERM or INT: whoever asks us to end means the child.
            send(child, Signal::SIGTERM);
        } else if let Some(code) = reap(child) {
            return Ok(code);
        }
    }
}

/// Takes every child that has ended. Several may share one SIGCHLD.
fn reap(child: Pid) -> Option<u8> {
    let mut code = None;
    loop {
        let status = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return code,
            Err(Errno::EINTR) => continue,
            Err(_) => return code,
            Ok(status) => status,
        };
        if status.pid() == Some(child) {
            code = exit_code(status).or(code);
        }
    }
}

fn exit_code(status: WaitStatus) -> Option<u8> {
    if let WaitStatus::Exited(_, code) = status {
        // The kernel keeps eight bits.
        return u8::try_from(code & 0xff).ok();
    }
    if let WaitStatus::Signaled(_, signal, _) = status {
        return u8::try_from(128 + signal as i32).ok();
    }
    None
}

/// Ends what the child left behind. Only PID 1 may say *all*: for it that is the container.
fn kill_the_rest() {
    if id() == 1 {
        send(Pid::from_raw(-1), Signal::SIGKILL);
    }
    // An orphan's own children come to us when it ends, so this goes on until nobody is left.
    loop {
        children().into_iter().for_each(|orphan| send(orphan, Signal::SIGKILL));
        match waitid(Id::All, WaitPidFlag::WEXITED) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

fn children() -> Vec<Pid> {
    let path = format!("/proc/self/task/{}/children", id());
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

fn send(to: Pid, signal: Signal) {
    match kill(to, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => tracing::warn!(%error, %to, "cannot signal"),
    }
}
