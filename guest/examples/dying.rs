//! `lazaret-guest` that dies at a step: the host's tests put it into real containers.
//!
//! Which step is said by a file that only the host can write, `in/die-at`; the guest notes in
//! `out/died` that it has died, and dies once. The program that people install has none of this.

use std::{fs, process::ExitCode};

use guest::steps::{Step, Steps};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use schemas::session_dir::SessionDir;

fn main() -> ExitCode {
    guest::cli::main(|dir| {
        let dir = dir.clone();
        Steps::watched(move |step| die_if_told(&dir, step))
    })
}

fn die_if_told(dir: &SessionDir, step: Step) {
    let told = fs::read_to_string(dir.in_dir().join("die-at")).unwrap_or_default();
    let died = dir.out_dir().join("died");
    if Step::named(told.trim()) == Some(step) && fs::File::create_new(died).is_ok() {
        // A signal that nobody can hold back: nothing of this process comes after it.
        kill(Pid::this(), Signal::SIGKILL).ok();
        loop {
            std::thread::park();
        }
    }
}
