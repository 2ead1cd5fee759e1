//! Doctor, backups and copies, as an operator uses them: by the program, on a home of its own.

use std::{collections::BTreeMap, fs, path::Path, process::Output, time::SystemTime};

use host::upkeep::copies::{self, Kind};
use jiff::Timestamp;
use rusqlite::Connection;
use schemas::{
    central::MIGRATIONS,
    sqlite::copying::{quick_check, version_of},
};
use serde_json::Value;

use crate::live_host::{LiveHost, stderr, stdout};

const UP: &[&str] = &["up", "--no-isolation"];

/// What `doctor` finds. It ends with 1 when a problem is among it, and with 0 otherwise: whether an
/// engine answers is this machine's business.
async fn doctor(host: &LiveHost) -> Vec<Value> {
    let said = host.lazaret(&["doctor", "--json"]).await;
    let findings: Vec<Value> =
        serde_json::from_str(&stdout(&said)).unwrap_or_else(|_| panic!("{}", stderr(&said)));
    let problem = findings.iter().any(|one| one["level"] == "problem");
    assert_eq!(said.status.code(), Some(i32::from(problem)), "{findings:#?}");
    findings
}

/// The one finding that holds these words.
#[track_caller]
fn finding<'f>(findings: &'f [Value], words: &str) -> &'f Value {
    let found = findings.iter().find(|one| one["found"].as_str().unwrap().contains(words));
    found.unwrap_or_else(|| panic!("{words:?} is not among {findings:#?}"))
}

async fn says(host: &LiveHost, agent: &str, text: &str) {
    let answer = host.lazaret(&["send", agent, text, "--wait"]).await;
    assert_eq!(stdout(&answer), format!("You said: {text}\n"), "{}", stderr(&answer));
}

/// Every file below a folder, with what would tell that it was touched.
fn everything(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let found = entry.metadata().unwrap();
            if found.is_dir() {
                folders.push(entry.path());
            }
            let at = (found.len(), found.modified().unwrap());
            all.insert(entry.path().display().to_string(), at);
        }
    }
    all
}

#[tokio::test]
async fn doctor_looks_at_a_home_with_and_without_its_host_and_changes_nothing() {
    let mut host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "one").await;
    let findings = doctor(&host).await;
    assert_eq!(finding(&findings, "runs as process")["level"], "ok");
    assert_eq!(finding(&findings, "central.db is in order")["level"], "ok");
    assert_eq!(finding(&findings, "answers, and only to this user")["level"], "ok");
    assert_eq!(finding(&findings, "contract")["topic"], "guest");
    assert!(host.terminate().await.success());
    fs::create_dir_all(host.home().join("sessions/agent-x/sess-y")).unwrap();
    let before = everything(&host.home());
    let findings = doctor(&host).await;
    assert_eq!(before, everything(&host.home()), "something was touched");
    assert_eq!(finding(&findings, "none runs")["level"], "ok");
    assert_eq!(finding(&findings, "its version is 4")["level"], "ok");
    assert_eq!(finding(&findings, "agent-x/sess-y")["level"], "warning");
}

#[tokio::test]
async fn doctor_judges_a_sessions_file_by_its_first_bytes() {
    let mut host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "one").await;
    let inbound = host.session_dir("andy").await.inbound_db();
    assert!(host.terminate().await.success());
    fs::write(&inbound, "none any more\n".repeat(1_000)).unwrap();
    let findings = doctor(&host).await;
    let spoilt = finding(&findings, "is not a database");
    assert_eq!(spoilt["level"], "problem");
    assert!(spoilt["mend"].as_str().unwrap().contains("restore"), "{spoilt}");
}

#[tokio::test]
async fn the_command_that_doctor_names_mends_a_damaged_central_database() {
    let mut host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "one").await;
    copies::make(&host.home(), Kind::Daily, Timestamp::now()).unwrap();
    says(&host, "andy", "two").await;
    assert!(host.terminate().await.success());
    fs::write(host.home().join("central.db"), "none any more\n".repeat(1_000)).unwrap();
    let refused = host.lazaret(UP).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("lazaret doctor names the last good copy"));
    let findings = doctor(&host).await;
    let damaged = finding(&findings, "damaged");
    assert_eq!(damaged["level"], "problem", "{damaged}");
    let mend = damaged["mend"].as_str().unwrap().to_owned();
    let words: Vec<&str> = mend.split(' ').skip(3).collect();
    let mended = host.lazaret(&words).await;
    assert!(mended.status.success(), "{mend}: {}", stderr(&mended));
    host.start(UP).await;
    says(&host, "andy", "three").await;
    assert!(doctor(&host).await.iter().any(|one| one["found"] == "1 are known"));
}

#[tokio::test]
async fn a_backup_made_while_messages_flow_goes_on_in_another_home() {
    let host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "one").await;
    let flowing: Vec<_> = (0..10)
        .map(|n| host.begin(&["send", "andy", &format!("m{n}\n!slow 50"), "--wait"]))
        .collect();
    let archive = host.home().with_file_name("backup.tar");
    let done = host.lazaret(&["backup", archive.to_str().unwrap()]).await;
    assert!(done.status.success(), "{}", stderr(&done));
    for one in flowing {
        assert!(one.await.unwrap().status.success());
    }
    let mut other = LiveHost::new();
    let restored = other.lazaret(&["restore", archive.to_str().unwrap()]).await;
    assert!(restored.status.success(), "{}", stderr(&restored));
    other.start(UP).await;
    says(&other, "andy", "and on").await;
    let (rows, runs) = (messages(&other).await, messages(&host).await);
    assert!(rows.len() >= 4 && rows[0] == runs[0] && rows[1] == runs[1], "{rows:#?}");
    let open = rows.iter().filter(|row| row["status"] == "pending").count();
    assert_eq!(open, 0, "what waited is answered: {rows:#?}");
}

/// What was said in andy's one session.
async fn messages(host: &LiveHost) -> Vec<Value> {
    let sessions = host.lazaret(&["sessions", "list", "--json"]).await;
    let sessions: Vec<Value> = serde_json::from_str(&stdout(&sessions)).unwrap();
    let id = sessions.first().and_then(|one| one["id"].as_str()).unwrap();
    let said = host.lazaret(&["messages", "list", id, "--json"]).await;
    serde_json::from_str(&stdout(&said)).unwrap()
}

#[tokio::test]
async fn a_backup_without_a_host_is_as_good() {
    let mut host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "one").await;
    assert!(host.terminate().await.success());
    let folder = host.home().with_file_name("backups");
    fs::create_dir(&folder).unwrap();
    let done = host.lazaret(&["backup", folder.to_str().unwrap()]).await;
    assert!(done.status.success(), "{}", stderr(&done));
    let archive = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mut other = LiveHost::new();
    assert!(other.lazaret(&["restore", archive.to_str().unwrap()]).await.status.success());
    other.start(UP).await;
    says(&other, "andy", "two").await;
    assert_eq!(messages(&other).await.len(), 4);
}

#[tokio::test]
async fn a_backup_is_put_back_whole_or_not_at_all() {
    let mut host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "a word to be found in the archive").await;
    let archive = host.home().with_file_name("backup.tar");
    assert!(host.lazaret(&["backup", archive.to_str().unwrap()]).await.status.success());
    assert!(host.terminate().await.success());
    refused(&host.lazaret(&["restore", archive.to_str().unwrap()]).await, "is not empty");
    let whole = fs::read(&archive).unwrap();
    let other = LiveHost::new();
    let word = b"a word to be found in the archive";
    let at = whole.windows(word.len()).position(|bytes| bytes == word).unwrap();
    let mut changed = whole.clone();
    changed[at] = b'A';
    for (bytes, words) in [
        (changed.as_slice(), "is damaged: sessions/"),
        (&whole[..whole.len() / 2], "cut short"),
        (&b"no archive at all"[..], "no backup"),
    ] {
        fs::write(&archive, bytes).unwrap();
        refused(&other.lazaret(&["restore", archive.to_str().unwrap()]).await, words);
        assert_eq!(fs::read_dir(other.home()).unwrap().count(), 0, "{words}");
        let beside = fs::read_dir(other.home().parent().unwrap()).unwrap();
        let left = beside.filter(|one| format!("{one:?}").contains("restoring")).count();
        assert_eq!(left, 0, "{words}");
    }
}

#[track_caller]
fn refused(output: &Output, words: &str) {
    assert_ne!(output.status.code(), Some(0), "{}", stdout(output));
    assert!(stderr(output).contains(words), "{}", stderr(output));
}

/// A home as version 2 left it, with the agent andy.
#[expect(clippy::disallowed_methods, reason = "an older program opens it as it likes")]
fn of_version_2(home: &Path) {
    let conn = Connection::open(home.join("central.db")).unwrap();
    for sql in MIGRATIONS.iter().take(2) {
        conn.execute_batch(sql).unwrap();
    }
    conn.execute_batch(
        "INSERT INTO agents (id, name, folder, provider, memory_bytes, milli_cpus, pids, \
         gid_index, created_at) VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'andy', 'andy', \
         'echo', 2147483648, 2000, 512, 1, '2026-01-02T03:04:05.678Z'); \
         INSERT INTO rooms (id, channel_type, platform_id, name, created_at) VALUES \
         ('room-01h455vb4pex5vsknk084sn02q', 'terminal', 'andy', 'andy', \
         '2026-01-02T03:04:05.678Z'); \
         INSERT INTO wirings (id, room_id, agent_id, session_mode, is_primary, created_at) \
         VALUES ('wire-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', \
         'agent-01h455vb4pex5vsknk084sn02q', 'shared', 1, '2026-01-02T03:04:05.678Z');",
    )
    .unwrap();
    conn.pragma_update(None, "user_version", 2).unwrap();
}

#[tokio::test]
async fn the_copy_made_before_a_migration_is_whole_and_a_restore_from_it_works() {
    let mut host = LiveHost::new();
    of_version_2(&host.home());
    host.start(UP).await;
    says(&host, "andy", "one").await;
    assert!(host.terminate().await.success());
    let copies = copies::list(&host.home());
    assert_eq!(copies.len(), 1, "{copies:?}");
    let copy = copies[0].path.to_str().unwrap().to_owned();
    assert!(copy.ends_with("-migration.db"), "{copy}");
    assert_eq!(version_of(&copies[0].path).unwrap(), 2, "as it was before");
    assert!(quick_check(&copies[0].path, 5).unwrap().is_empty());
    fs::write(host.home().join("central.db"), "none any more\n".repeat(1_000)).unwrap();
    assert_eq!(host.lazaret(UP).await.status.code(), Some(1));
    let restored = host.lazaret(&["restore", "--central", &copy]).await;
    assert!(restored.status.success(), "{}", stderr(&restored));
    host.start(UP).await;
    says(&host, "andy", "two").await;
}

#[tokio::test]
async fn doctor_names_runs_without_an_end_that_nobody_is_at_work_on() {
    let mut host = LiveHost::new().with_agent("andy").await;
    says(&host, "andy", "one").await;
    assert!(host.terminate().await.success());
    let central = host.home().join("central.db");
    let conn = Connection::open_with_flags(central, rusqlite::OpenFlags::default()).unwrap();
    conn.execute_batch("UPDATE runs SET outcome = NULL; UPDATE sessions SET clean = 0").unwrap();
    let findings = doctor(&host).await;
    assert!(
        !format!("{findings:?}").contains("without an end"),
        "the next host looks: {findings:?}"
    );
    conn.execute_batch("UPDATE sessions SET clean = 1").unwrap();
    drop(conn);
    let findings = doctor(&host).await;
    let dead = finding(&findings, "runs without an end");
    assert_eq!(dead["level"], "warning", "{findings:#?}");
    assert!(dead["mend"].as_str().unwrap().starts_with("lazaret sessions restart sess-"), "{dead}");
}

#[tokio::test]
async fn status_says_when_little_space_is_left() {
    let mut host = LiveHost::on_disk_of(20 * 1024);
    host.start(UP).await;
    let said = stdout(&host.lazaret(&["status"]).await);
    assert!(said.contains("MiB are free; messages are refused once the disk is full"), "{said}");
}
