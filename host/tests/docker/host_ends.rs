//! How a host under test ends: by itself, when it is asked, as in a crash, or at one of its steps.

use std::{path::PathBuf, process::ExitStatus};

use host::steps::Step;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{host_process::HostProcess, waiting::eventually};

impl HostProcess {
    /// The next host that starts kills itself when it comes to a step for the n-th time.
    pub(crate) fn dies_at(&mut self, step: Step, nth: u32) {
        self.dies_at = Some((step, nth));
    }

    /// Containers get another guest from the next start on.
    pub(crate) fn with_guest(&mut self, guest: PathBuf) {
        self.guest = guest;
    }

    /// Whether the host has ended; then another can be started.
    pub(crate) fn has_died(&mut self) -> bool {
        let ended = self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
        if ended {
            self.child = None;
        }
        ended
    }

    /// Ends the host as a crash does.
    pub(crate) fn crash(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the host to end by a signal, and waits until it has.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.as_ref().expect("it runs").id();
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGTERM).unwrap();
        self.ended().await
    }

    /// Waits until the host has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        eventually("the host ends", async || child.try_wait().unwrap()).await
    }
}
