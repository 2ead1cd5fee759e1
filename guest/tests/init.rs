//! The `init` mode as a real process: exit codes, signals, and what is left behind.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{
    fs,
    io::Read,
    process::{Child, Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

#[test]
fn the_childs_exit_code_is_passed_on_every_time() {
    for n in 0..50 {
        // Orphans that end at the same moment must not take the code with them.
        let code = n % 7 + 1;
        let ended = run(&format!("(true &) ; (true &) ; exit {code}"));
        assert_eq!(ended.status.code(), Some(code));
    }
}

#[test]
fn two_hundred_orphans_are_reaped() {
    // The shell is init's only child again once every orphan was taken.
    let ended = run("i=0; while [ $i -lt 200 ]; do (sh -c 'exit 3' &); i=$((i+1)); done; \
                     while [ $(wc -w < /proc/$PPID/task/$PPID/children) -gt 1 ]; do sleep 0.02; \
                     done; exit 5");
    assert_eq!(ended.status.code(), Some(5));
}

#[test]
fn a_child_that_a_signal_ended_is_128_and_the_signal() {
    assert_eq!(run("kill -KILL $$").status.code(), Some(137));
}

#[test]
fn term_and_int_reach_the_child_as_term() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut init = start("trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done");
        wait_until_ready(&mut init);
        kill(pid(&init), signal).unwrap();
        assert_eq!(init.wait().unwrap().code(), Some(7));
    }
}

#[test]
fn what_the_child_leaves_behind_is_killed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    // An orphan with a child of its own, both deaf to TERM.
    let deaf = format!(
        "trap '' TERM; echo $$ >> {path}; sh -c 'trap \"\" TERM; echo $$ >> {path}; \
         while :; do sleep 0.05; done'; :"
    );
    let ended = run(&format!(
        "setsid sh -c '{}' & \
                              while [ $(wc -l < {path}) -lt 2 ]; do sleep 0.02; done; exit 4",
        deaf.replace('\'', r"'\''")
    ));
    assert_eq!(ended.status.code(), Some(4));
    for line in fs::read_to_string(file.path()).unwrap().lines() {
        let pid = Pid::from_raw(line.parse().unwrap());
        assert!(kill(pid, None).is_err(), "{pid} lives on");
    }
}

#[test]
fn a_command_that_is_not_there_is_127() {
    let ended = init().arg("/nonexistent/program").output().unwrap();
    assert_eq!(ended.status.code(), Some(127));
}

#[test]
fn the_version_names_the_contract() {
    let ended = Command::new(GUEST).arg("--version").output().unwrap();
    let expected = format!(
        "lazaret-guest {} contract {}\n",
        env!("CARGO_PKG_VERSION"),
        schemas::CONTRACT_VERSION
    );
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), expected);
}

const GUEST: &str = env!("CARGO_BIN_EXE_lazaret-guest");

fn init() -> Command {
    let mut command = Command::new(GUEST);
    command.args(["init", "--"]);
    command
}

fn run(script: &str) -> Output {
    init().args(["sh", "-c", script]).output().unwrap()
}

fn start(script: &str) -> Child {
    init().args(["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap()
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

fn wait_until_ready(child: &mut Child) {
    let mut word = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ready\n");
}
