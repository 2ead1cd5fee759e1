//! Secrets as an operator keeps them: by the program, on a home of its own.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use crate::live_host::{LiveHost, stderr, stdout};

const UP: &[&str] = &["up", "--no-isolation"];
const VALUE: &str = "sk-nobody-sees-this";

/// The program with something piped in.
async fn piped(host: &LiveHost, args: &[&str], said: &'static str) -> Output {
    let mut command = host.inside(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    ended.await.unwrap()
}

async fn keeps(host: &LiveHost, name: &str) {
    let kept = piped(host, &["secrets", "set", name], "sk-nobody-sees-this\n").await;
    assert!(kept.status.success(), "{}", stderr(&kept));
    assert!(!(stdout(&kept) + &stderr(&kept)).contains(VALUE));
}

/// The key's file, outside of the home.
fn key(host: &LiveHost) -> std::path::PathBuf {
    let folder = host.home().parent().unwrap().join(".config/lazaret");
    let mut keys = fs::read_dir(folder).unwrap();
    let key = keys.next().unwrap().unwrap().path();
    assert!(keys.next().is_none());
    key
}

/// Whether a file anywhere below the host's folder holds the value in clear.
fn shown_anywhere(host: &LiveHost) -> Option<String> {
    let mut folders = vec![host.home().parent().unwrap().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                if bytes.windows(VALUE.len()).any(|part| part == VALUE.as_bytes()) {
                    return Some(entry.path().display().to_string());
                }
            }
        }
    }
    None
}

#[tokio::test]
async fn a_secret_is_kept_listed_and_forgotten_and_its_value_is_nowhere_in_clear() {
    let mut host = LiveHost::new();
    host.start(UP).await;
    keeps(&host, "anthropic").await;
    keeps(&host, "anthropic").await;
    let listed = stdout(&host.lazaret(&["secrets", "list", "--json"]).await);
    assert!(listed.contains("anthropic") && listed.contains("set_at"), "{listed}");
    let audit = stdout(&host.lazaret(&["audit", "secrets"]).await);
    assert_eq!(audit.matches("secrets set anthropic").count(), 2, "{audit}");
    assert_eq!(fs::metadata(key(&host)).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(host.terminate().await.success());
    host.start(UP).await;
    assert!(stdout(&host.lazaret(&["secrets", "list"]).await).contains("anthropic"));
    assert_eq!(shown_anywhere(&host), None);
    assert!(host.lazaret(&["secrets", "remove", "anthropic"]).await.status.success());
    let gone = host.lazaret(&["secrets", "remove", "anthropic"]).await;
    assert!(stderr(&gone).contains("no secret \"anthropic\""), "{}", stderr(&gone));
}

#[tokio::test]
async fn a_value_is_no_argument_and_one_that_is_no_key_is_not_kept() {
    let mut host = LiveHost::new();
    host.start(UP).await;
    let said = host.lazaret(&["secrets", "set", "anthropic", VALUE]).await;
    assert_eq!(said.status.code(), Some(2));
    for bad in ["", "\n", "two words", "two\nlines\n"] {
        let refused = piped(&host, &["secrets", "set", "anthropic"], bad).await;
        assert_eq!(refused.status.code(), Some(2), "{bad:?}");
        assert!(stderr(&refused).contains("one line of printable"), "{}", stderr(&refused));
    }
    let refused = piped(&host, &["secrets", "set", "../x"], "sk\n").await;
    assert!(stderr(&refused).contains("is no name for a secret"), "{}", stderr(&refused));
    assert!(!host.home().join("secrets.sealed").exists());
}

#[tokio::test]
async fn secrets_that_cannot_be_opened_are_named_by_doctor_and_the_host_starts() {
    let mut host = LiveHost::new();
    host.start(UP).await;
    keeps(&host, "anthropic").await;
    assert!(host.terminate().await.success());
    let (key, file) = (key(&host), host.home().join("secrets.sealed"));
    let doctor = async |words: &str| {
        let said = stdout(&host.lazaret(&["doctor"]).await);
        assert!(said.contains(words), "{words:?} is not in {said}");
    };
    doctor("1 are kept").await;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    doctor("chmod 600").await;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&key, key.with_extension("away")).unwrap();
    doctor("put it back at").await;
    fs::rename(key.with_extension("away"), &key).unwrap();
    fs::write(&file, "lazaret-secrets 1 nonsense").unwrap();
    doctor("from a backup").await;
    let mut host = host;
    host.start(UP).await;
    host.logs("the secrets cannot be opened").await;
    let refused = piped(&host, &["secrets", "set", "openai"], "sk-2\n").await;
    assert!(stderr(&refused).contains("damaged"), "{}", stderr(&refused));
    assert_eq!(fs::read(&file).unwrap(), b"lazaret-secrets 1 nonsense");
    fs::remove_file(&file).unwrap();
    keeps(&host, "openai").await;
}

#[tokio::test]
async fn a_backup_holds_the_secrets_and_not_their_key() {
    let mut host = LiveHost::new();
    host.start(UP).await;
    keeps(&host, "anthropic").await;
    let to = host.home().with_file_name("b.tar");
    let made = host.lazaret(&["backup", to.to_str().unwrap()]).await;
    assert!(made.status.success(), "{}", stderr(&made));
    assert!(host.terminate().await.success());
    let archive = fs::read(&to).unwrap();
    let secret_key = fs::read(key(&host)).unwrap();
    assert!(!archive.windows(40).any(|part| secret_key.starts_with(part)));
    fs::remove_dir_all(host.home()).unwrap();
    let restored = host.lazaret(&["restore", to.to_str().unwrap()]).await;
    assert!(restored.status.success(), "{}", stderr(&restored));
    // Another installation, which finds the key that its secrets were sealed with.
    host.start(UP).await;
    assert!(stdout(&host.lazaret(&["secrets", "list"]).await).contains("anthropic"));
    keeps(&host, "openai").await;
    let _one = key(&host);
}
