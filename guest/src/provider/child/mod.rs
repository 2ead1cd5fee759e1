//! A runtime's process: lines in, lines out, complaints beside them, and an end that leaves nobody.
//!
//! Owns the process with everything that it started: a group of its own, an environment that names
//! each variable, bounds on what it says. Knows nothing of what the lines mean. Dropping a
//! [`Child`] kills all of it; [`Child::close`] asks first.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::{ChildStdout, Command},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{Class, Fault};
use crate::{config, limits};

mod kin;
pub mod lines;

/// What is to be started, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// A path, or a name that is looked up in the `PATH` of [`base_env`].
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Where it works.
    pub dir: PathBuf,
    /// All of its environment: nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
}

/// What every runtime finds in its environment; its own variables come after it.
#[must_use]
pub fn base_env(home: &Path) -> Vec<(OsString, OsString)> {
    vec![
        ("HOME".into(), home.into()),
        ("PATH".into(), config::path()),
        ("LANG".into(), "C.UTF-8".into()),
        ("TERM".into(), "dumb".into()),
        ("TMPDIR".into(), "/tmp".into()),
    ]
}

/// A runtime's process.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    /// Its number, and that of its group, for as long as nobody has reaped it.
    pid: Pid,
    /// What everything that it starts carries in its environment.
    mark: String,
    out: lines::Lines<ChildStdout>,
    input: Option<mpsc::Sender<String>>,
    words: Arc<Mutex<Vec<u8>>>,
    /// Those who write its input and read its complaints; they end with it.
    beside: JoinSet<()>,
    over: bool,
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// [`Class::Missing`] when it is not there, or cannot be started.
    pub fn start(what: &Program) -> Result<Self, Fault> {
        let missing = |why: &dyn std::fmt::Display| {
            let program = what.program.display();
            Fault::new(Class::Missing, format!("cannot start {program}: {why}"))
        };
        let mark = random_uuid().map_err(|error| missing(&error))?;
        let mut process = Command::new(&what.program)
            .args(&what.args)
            .current_dir(&what.dir)
            .env_clear()
            .envs(what.env.iter().map(|(name, value)| (name, value)))
            .env(kin::MARK, &mark)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| missing(&error))?;
        let pid = process.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(pid), (Some(stdin), Some(stdout), Some(stderr))) = (pid, pipes) else {
            return Err(missing(&"it has no pipes"));
        };
        let (input, lines) = mpsc::channel(limits::CHILD_QUEUE);
        let words = Arc::default();
        let mut beside = JoinSet::new();
        beside.spawn(write_all(stdin, lines));
        beside.spawn(keep_the_end(stderr, Arc::clone(&words)));
        let out = lines::Lines::new(stdout, limits::CHILD_LINE);
        let input = Some(input);
        Ok(Self { process, pid, mark, out, input, words, beside, over: false })
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Whether it runs; what has ended and was not asked yet is found out here.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.over && status(self.pid).is_none()
    }

    /// Says a line to it, without waiting; the end of the line is added. Whether it can still hear
    /// shows in [`line`](Self::line).
    ///
    /// # Errors
    /// [`Class::Garbled`] when it has not read for so long that no more may wait.
    pub fn tell(&self, line: String) -> Result<(), Fault> {
        let Some(input) = &self.input else { return Ok(()) };
        match input.try_send(line) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(Fault::new(Class::Garbled, "it does not read what it is told"))
            }
        }
    }

    /// The next line that it says, without its end. Giving up waiting loses nothing.
    ///
    /// # Errors
    /// [`Class::Exited`] when there is none any more, with its status and last complaints;
    /// [`Class::Garbled`] when one is longer than may be.
    pub async fn line(&mut self) -> Result<String, Fault> {
        match self.out.next().await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(self.gone().await),
            Err(lines::TooLong) => {
                let long = format!("it said a line of more than {} bytes", limits::CHILD_LINE);
                Err(Fault::new(Class::Garbled, long))
            }
        }
    }

    /// The end of what it complained about.
    #[must_use]
    pub fn complaints(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&words).trim().to_owned()
    }

    /// Ends it in good order: its input ends, then it is asked, then it and all that it started are
    /// killed. Each step waits a bounded while.
    pub async fn close(mut self) {
        self.input = None;
        self.ended_within(limits::CHILD_EOF_GRACE).await;
        if status(self.pid).is_none() {
            let _gone_already = killpg(self.pid, Signal::SIGTERM);
            self.ended_within(limits::CHILD_TERM_GRACE).await;
        }
        self.end();
        drop(timeout(limits::CHILD_STATUS_GRACE, self.process.wait()).await);
    }

    /// What it says meanwhile is read, so that a full pipe holds nothing up.
    async fn ended_within(&mut self, grace: std::time::Duration) {
        let by = Instant::now() + grace;
        while status(self.pid).is_none() && Instant::now() < by {
            if let Ok(false) = timeout(limits::CHILD_GLANCE, self.out.skip()).await {
                sleep(limits::CHILD_GLANCE).await;
            }
        }
    }

    /// Why there is no line any more.
    async fn gone(&mut self) -> Fault {
        let by = Instant::now() + limits::CHILD_STATUS_GRACE;
        let how = loop {
            match status(self.pid) {
                Some(how) => break how,
                None if self.over || Instant::now() >= by => {
                    break "it closed its output".to_owned();
                }
                None => sleep(limits::CHILD_GLANCE).await,
            }
        };
        self.end();
        // Now that nobody can complain any more, the last of it is here soon.
        self.input = None;
        let all_read = async { while self.beside.join_next().await.is_some() {} };
        drop(timeout(limits::CHILD_STATUS_GRACE, all_read).await);
        let words = self.complaints();
        Fault::new(Class::Exited, if words.is_empty() { how } else { format!("{how}: {words}") })
    }

    /// Kills it and all that it started. It is reaped by the runtime, later: until then its number
    /// is nobody else's.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            kin::end(self.pid, &self.mark);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// A random UUID, made by the kernel.
///
/// # Errors
/// When there is no `/proc`.
pub fn random_uuid() -> std::io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/uuid").map(|uuid| uuid.trim().to_owned())
}

/// How it ended, if it has; it stays to be reaped.
fn status(pid: Pid) -> Option<String> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    match waitid(Id::Pid(pid), flags) {
        Ok(WaitStatus::StillAlive) => None,
        Ok(WaitStatus::Exited(_, code)) => Some(format!("it exited with {code}")),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(format!("it was ended by {signal}")),
        Ok(_) | Err(_) => Some("it is gone".to_owned()),
    }
}

/// Writes lines until nobody can say more; then the pipe ends.
pub async fn write_all(mut to: impl AsyncWrite + Unpin, mut lines: mpsc::Receiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if to.write_all(line.as_bytes()).await.is_err() {
            // Whoever read it is gone, which shows in what it says.
            return;
        }
    }
}

async fn keep_the_end(mut from: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>) {
    let mut piece = vec![0; 4 << 10];
    while let Ok(n) = from.read(&mut piece).await
        && n > 0
    {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(piece.get(..n).unwrap_or_default());
        let long = kept.len().saturating_sub(limits::CHILD_WORDS);
        kept.drain(..long);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shell(script: &str) -> Child {
        let args = vec!["-c".into(), script.into()];
        let dir = std::env::temp_dir();
        let env = base_env(&dir);
        Child::start(&Program { program: "/bin/sh".into(), args, dir, env }).unwrap()
    }

    /// It may be a zombie for as long as nobody reaps it.
    fn is_over(pid: &str) -> bool {
        (0..1_000).any(|_| {
            std::thread::yield_now();
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.map_or(true, |stat| stat.contains(") Z") || stat.contains(") X"))
        })
    }

    #[tokio::test]
    async fn lines_go_both_ways_and_only_what_is_listed_is_in_its_environment() {
        let mut child = shell("read line; echo \"heard $line\"; env | cut -d= -f1 | sort");
        child.tell("hello".to_owned()).unwrap();
        assert_eq!(child.line().await.unwrap(), "heard hello");
        let mut names = Vec::new();
        while let Ok(name) = child.line().await {
            names.push(name);
        }
        names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(&name.as_str()));
        assert_eq!(names, ["HOME", "LANG", kin::MARK, "PATH", "TERM", "TMPDIR"]);
    }

    #[tokio::test]
    async fn its_end_tells_the_status_and_the_last_of_many_complaints() {
        let mut child = shell("yes too bad | head -n 100000 >&2; echo the reason >&2; exit 3");
        let fault = child.line().await.unwrap_err();
        assert_eq!(fault.class, Class::Exited);
        assert!(fault.detail.starts_with("it exited with 3: "), "{}", fault.detail);
        assert!(fault.detail.ends_with("the reason"), "{}", fault.detail);
        assert!(fault.detail.len() < limits::CHILD_WORDS + 100);
        assert!(!child.is_alive());
    }

    #[tokio::test]
    async fn a_line_of_3_mb_is_read_and_one_beyond_the_bound_is_not() {
        let mut child = shell("head -c 3000000 /dev/zero | tr '\\0' a; echo; cat /dev/zero");
        assert_eq!(child.line().await.unwrap().len(), 3_000_000);
        assert_eq!(child.line().await.unwrap_err().class, Class::Garbled);
    }

    #[tokio::test]
    async fn what_is_not_there_is_missing_and_who_does_not_read_is_told_a_bounded_number_of_things()
    {
        let (dir, program) = (std::env::temp_dir(), "/no/such/program".into());
        let what = Program { program, args: Vec::new(), env: base_env(&dir), dir };
        assert_eq!(Child::start(&what).unwrap_err().class, Class::Missing);
        let child = shell("exec sleep 1000");
        let told = |_| child.tell("x".repeat(100_000)).is_ok();
        assert!((0..limits::CHILD_QUEUE).all(told));
        assert_eq!(child.tell(String::new()).unwrap_err().class, Class::Garbled);
    }

    #[tokio::test]
    async fn nobody_is_left_when_it_is_dropped_whatever_they_threw_off() {
        let mut child = shell(
            "sleep 1001 & echo $!; setsid sleep 1002 & echo $!; \
             (setsid sh -c 'sleep 1003 & echo $!'); env -i sleep 1004 & echo $!; wait",
        );
        let mut pids = vec![child.pid().to_string()];
        for _ in 0..4 {
            pids.push(child.line().await.unwrap());
        }
        drop(child);
        for pid in pids {
            assert!(is_over(&pid), "{pid} goes on");
        }
    }

    #[tokio::test]
    async fn it_ends_in_good_order_when_it_can() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("said");
        let child = shell(&format!("cat > /dev/null; echo bye > {}", file.display()));
        child.close().await;
        assert_eq!(std::fs::read_to_string(file).unwrap(), "bye\n");
        let child = shell("trap 'exit 0' TERM; sleep 1000 & wait");
        let (pid, begun) = (child.pid().to_string(), Instant::now());
        child.close().await;
        assert!(is_over(&pid) && begun.elapsed() < Duration::from_secs(30));
    }
}
