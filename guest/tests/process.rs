//! The binary itself on real time: woken by inotify, ended by TERM, probed from inside.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rusqlite::{Connection, OpenFlags};
use schemas::{
    host_side::InboundWriter,
    ids::{AgentId, MessageId, SessionId},
    message::{Kind, NewInbound},
    session_dir::SessionDir,
    session_file::SessionFile,
};

#[test]
fn a_guest_under_init_answers_and_ends_when_asked() {
    let root = tempfile::tempdir().unwrap();
    let dir = session(root.path(), "echo");
    let mut guest = spawn("init", &dir);
    say(&dir, "m1", "hello");
    assert_eq!(answer(&dir, 1)["text"], "You said: hello");
    say(&dir, "m2", "!probe");
    let probe: serde_json::Value =
        serde_json::from_str(answer(&dir, 2)["text"].as_str().unwrap()).unwrap();
    assert_eq!(probe["uid"], nix::unistd::getuid().as_raw());
    // Nothing keeps a process out here: the wall is the read-only mount.
    assert_eq!(probe["inbound_write"], "allowed");
    kill(Pid::from_raw(i32::try_from(guest.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(guest.wait().unwrap().code(), Some(0));
}

#[test]
fn a_session_it_cannot_serve_is_an_exit_code() {
    let root = tempfile::tempdir().unwrap();
    let dir = SessionDir::at(root.path());
    assert_eq!(spawn("run", &dir).wait().unwrap().code(), Some(78), "no session.json");
    let dir = session(root.path(), "echo");
    let text = fs::read_to_string(dir.session_json()).unwrap();
    fs::write(dir.session_json(), text.replace("\"contract\": 1", "\"contract\": 99")).unwrap();
    assert_eq!(spawn("init", &dir).wait().unwrap().code(), Some(76), "a newer contract");
}

#[test]
fn a_runtime_reaches_the_tools_through_a_program_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let dir = session(root.path(), "echo");
    let place = root.path().join("tmp");
    fs::create_dir(&place).unwrap();
    let mut guest = command("run", &dir).env("TMPDIR", &place).spawn().unwrap();
    let folder = eventually(|| Some(fs::read_dir(&place).unwrap().next()?.unwrap().path()));
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let socket = folder.join("tools");
    eventually(|| socket.exists().then_some(()));
    let mut pipe = Command::new(env!("CARGO_BIN_EXE_lazaret-guest"))
        .args(["tools".as_ref(), "--socket".as_ref(), socket.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(pipe.stdout.take().unwrap()).lines();
    let mut input = pipe.stdin.take().unwrap();
    let mut id = 0;
    let mut asks = |request: &str| -> serde_json::Value {
        id += 1;
        writeln!(input, "{{\"jsonrpc\":\"2.0\",\"id\":{id},{request}}}").unwrap();
        serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
    };
    let hello = asks(
        r#""method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},
           "clientInfo":{"name":"test","version":"1"}}"#
            .replace('\n', "")
            .as_str(),
    );
    assert_eq!(hello["result"]["serverInfo"]["name"], "lazaret");
    say(&dir, "m1", "!slow 60000");
    let call = r#""method":"tools/call","params":{"name":"send_message","arguments":"#;
    let told = eventually(|| {
        let told = asks(&format!(r#"{call}{{"text":"through the pipe"}}}}"#));
        (told["result"]["isError"] == false).then_some(told)
    });
    assert!(told["result"]["content"][0]["text"].as_str().unwrap().starts_with("Sent as"));
    assert_eq!(answer(&dir, 1)["text"], "through the pipe");
    // What no schema allows is answered, and the connection goes on.
    assert_eq!(asks(&format!(r#"{call}"words"}}"#))["result"]["isError"], true);
    assert_eq!(asks(r#""method":"tools/list""#)["result"]["tools"].as_array().unwrap().len(), 19);
    kill(Pid::from_raw(i32::try_from(guest.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(guest.wait().unwrap().code(), Some(0));
    assert_eq!(pipe.wait().unwrap().code(), Some(0), "it ends with its guest");
    assert!(!folder.exists());
}

fn session(root: &std::path::Path, provider: &str) -> SessionDir {
    let dir = SessionDir::at(root);
    [dir.in_dir(), dir.out_dir()].iter().for_each(|path| fs::create_dir_all(path).unwrap());
    SessionFile {
        agent_name: "andy".to_owned(),
        ..SessionFile::new(
            SessionId::mint(Timestamp::UNIX_EPOCH),
            AgentId::mint(Timestamp::UNIX_EPOCH),
            provider,
        )
    }
    .save(&dir)
    .unwrap();
    dir
}

fn spawn(mode: &str, dir: &SessionDir) -> Child {
    command(mode, dir).spawn().unwrap()
}

fn command(mode: &str, dir: &SessionDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret-guest"));
    command.args([mode, "--dir"]).arg(dir.root());
    command
}

fn say(dir: &SessionDir, id: &str, text: &str) {
    let id = MessageId::parse(id).unwrap();
    let row = NewInbound::new(id, Kind::Chat, Timestamp::now(), text.to_owned());
    InboundWriter::new(dir.clone()).write(|tx| tx.append(&row)).unwrap();
}

/// Waits for the n-th row that goes out.
fn answer(dir: &SessionDir, n: usize) -> serde_json::Value {
    eventually(|| Some(serde_json::from_str(contents(dir).get(n - 1)?).unwrap()))
}

fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never came");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn contents(dir: &SessionDir) -> Vec<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(conn) = Connection::open_with_flags(dir.outbound_db(), flags) else {
        return Vec::new();
    };
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut select = conn.prepare("SELECT content FROM messages_out ORDER BY seq")?;
        select.query_map([], |row| row.get(0))?.collect()
    };
    read().unwrap_or_default()
}
