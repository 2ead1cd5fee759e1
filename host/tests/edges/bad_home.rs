//! Homes and databases that cannot be used: `lazaret up` says which and what to do, and one bad
//! session is that session's trouble alone.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use rusqlite::Connection;

use crate::live_host::{LiveHost, finished, stderr, stdout};

const UP: &[&str] = &["up", "--no-isolation"];

/// `lazaret up` does not come up: exit code 1, and these words in what it says.
#[track_caller]
fn refused(output: &std::process::Output, words: &[&str]) {
    // Above it stands the warning of plain processes.
    let said = stderr(output);
    let end = said.find("error: ").expect(&said);
    let shown = &said[end..];
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing in {shown}");
    }
    assert!(shown.contains("\nhint: "), "no hint in {shown}");
}

#[tokio::test]
async fn a_home_that_is_a_file_is_refused() {
    let host = LiveHost::new();
    fs::remove_dir(host.home()).unwrap();
    fs::write(host.home(), "precious").unwrap();
    let home = host.home().display().to_string();
    refused(&host.lazaret(UP).await, &[&home, "Not a directory", "--home"]);
    assert_eq!(fs::read_to_string(host.home()).unwrap(), "precious");
}

#[tokio::test]
async fn a_home_on_a_read_only_disk_is_refused() {
    let host = LiveHost::on_disk_of(4096);
    host.disk.as_ref().unwrap().protect(&host.home());
    let home = host.home().display().to_string();
    refused(&host.lazaret_inside(UP).await, &[&home, "Read-only file system", "writable"]);
}

#[tokio::test]
async fn a_home_on_a_full_disk_is_refused_and_comes_up_once_there_is_space() {
    let mut host = LiveHost::on_disk_of(4096);
    host.disk.as_ref().unwrap().fill();
    refused(&host.lazaret_inside(UP).await, &["No space left on device", "free space"]);
    host.disk.as_ref().unwrap().free();
    host.start(UP).await;
}

#[tokio::test]
async fn a_home_that_may_not_be_written_or_entered_is_refused() {
    for mode in [0o500, 0o000] {
        let host = LiveHost::new();
        set_mode(&host.home(), mode);
        let home = host.home().display().to_string();
        let output = finished(without_privileges(&host, UP)).await;
        refused(&output, &[&home, "Permission denied", "owner, mode"]);
        set_mode(&host.home(), 0o700);
    }
}

/// The program without the right to pass over modes, which root has and others never had.
fn without_privileges(host: &LiveHost, args: &[&str]) -> Command {
    let program = host.inside(args);
    if !nix::unistd::geteuid().is_root() {
        return program;
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-dac_override,-dac_read_search", "--"]);
    command.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

#[tokio::test]
async fn a_central_database_that_is_damaged_or_newer_is_refused_by_name() {
    let mut host = LiveHost::new();
    host.start(UP).await;
    assert!(host.terminate().await.success());
    let central = host.home().join("central.db");
    let name = central.display().to_string();
    make_newer(&central);
    let words = [&name, "version 99", "knows 4", "newer lazaret"];
    refused(&host.lazaret(UP).await, &words);
    fs::write(&central, "this was a database once, and is none any more\n".repeat(100)).unwrap();
    refused(&host.lazaret(UP).await, &[&name, "damaged", "backup"]);
}

#[tokio::test]
async fn a_second_host_on_the_home_is_refused_with_the_pid_of_the_first() {
    let mut host = LiveHost::new();
    let pid = host.start(UP).await.pid.to_string();
    refused(&host.lazaret(UP).await, &["already", &pid, "lazaret down"]);
    assert!(host.status().await.is_some(), "the first lives on");
}

#[tokio::test]
async fn a_damaged_or_newer_session_is_refused_to_its_sender_and_the_others_go_on() {
    let mut host = LiveHost::new().with_agent("andy").await.with_agent("bea").await;
    for agent in ["andy", "bea"] {
        assert!(host.lazaret(&["send", agent, "one", "--wait"]).await.status.success());
    }
    let inbound = host.session_dir("andy").await.inbound_db();
    assert!(host.terminate().await.success());
    let whole = fs::read(&inbound).unwrap();
    for word in ["version 99", "damaged"] {
        if word == "damaged" {
            fs::write(&inbound, "none any more\n".repeat(1000)).unwrap();
        } else {
            make_newer(&inbound);
        }
        host.start(UP).await;
        let refused = host.lazaret(&["send", "andy", "lost"]).await;
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(word) && said.contains(inbound.to_str().unwrap()), "{said}");
        assert!(said.contains("\nhint: "), "{said}");
        let answer = host.lazaret(&["send", "bea", "two", "--wait"]).await;
        assert_eq!(stdout(&answer), "You said: two\n", "{}", stderr(&answer));
        let line = host.logs("the session cannot be loaded").await;
        assert!(line["span"]["session"].is_string(), "{line}");
        fs::write(&inbound, &whole).unwrap();
        // Mended, it is itself again, without a new start.
        let answer = host.lazaret(&["send", "andy", "three", "--wait"]).await;
        assert_eq!(stdout(&answer), "You said: three\n", "{}", stderr(&answer));
        assert!(host.terminate().await.success());
    }
}

#[tokio::test]
async fn a_session_that_is_spoilt_while_it_is_awake_is_refused_and_the_host_lives() {
    let host = LiveHost::new().with_agent("andy").await.with_agent("bea").await;
    assert!(host.lazaret(&["send", "andy", "one", "--wait"]).await.status.success());
    let inbound = host.session_dir("andy").await.inbound_db();
    fs::write(&inbound, "none any more\n".repeat(1000)).unwrap();
    let refused = host.lazaret(&["send", "andy", "lost"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("damaged"), "{}", stderr(&refused));
    let answer = host.lazaret(&["send", "bea", "two", "--wait"]).await;
    assert_eq!(stdout(&answer), "You said: two\n", "{}", stderr(&answer));
}

fn make_newer(database: &Path) {
    let conn = Connection::open_with_flags(database, rusqlite::OpenFlags::default()).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
