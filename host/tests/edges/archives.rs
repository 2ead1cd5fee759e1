//! Archives that somebody made who means harm: `restore` puts nothing in place, and nothing lands
//! outside.

use std::{fs, path::Path};

use host::upkeep::backup::{
    Head,
    archive::{FORMAT, HEAD},
};
use jiff::Timestamp;
use tar::{Builder, EntryType, Header};

use crate::live_host::{LiveHost, stderr};

/// An entry as no honest writer makes it: its name is put there byte for byte.
fn entry(tar: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str) {
    let mut header = Header::new_gnu();
    let old = header.as_old_mut();
    old.name.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    old.linkname.iter_mut().zip(link.bytes()).for_each(|(to, byte)| *to = byte);
    header.set_entry_type(kind);
    let text: &[u8] = if kind == EntryType::Regular { b"harm" } else { b"" };
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, text).unwrap();
}

/// A backup by its head, with these entries.
fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let head = Head {
        format: FORMAT,
        lazaret: "0.1.0".to_owned(),
        central: 1,
        contract: 1,
        made_at: Timestamp::UNIX_EPOCH,
        home: "/srv".to_owned(),
    };
    let head = serde_json::to_vec(&head).unwrap();
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(head.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, HEAD, head.as_slice()).unwrap();
    for (kind, name, link) in entries {
        entry(&mut tar, *kind, name, link);
    }
    tar.into_inner().unwrap()
}

async fn is_refused(entries: &[(EntryType, &str, &str)], outside: &Path) {
    let host = LiveHost::new();
    let file = host.home().with_file_name("evil.tar");
    fs::write(&file, archive(entries)).unwrap();
    let done = host.lazaret(&["restore", file.to_str().unwrap()]).await;
    let said = stderr(&done);
    assert!(!done.status.success(), "{entries:?}: {said}");
    assert!(said.contains("which no backup does"), "{entries:?}: {said}");
    assert_eq!(fs::read_dir(host.home()).unwrap().count(), 0, "{entries:?}");
    let beside = fs::read_dir(host.home().parent().unwrap()).unwrap().flatten();
    let names: Vec<_> = beside.map(|one| one.file_name()).collect();
    assert!(!format!("{names:?}").contains("escaped"), "{names:?}");
    assert!(!format!("{names:?}").contains("restoring"), "{names:?}");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0, "{entries:?}");
}

#[tokio::test]
async fn a_path_that_leads_out_of_the_home_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let absolute = outside.path().join("escaped").display().to_string();
    for name in ["../escaped", "../../escaped", "sessions/../../escaped", "./../escaped", &absolute]
    {
        is_refused(&[(EntryType::Regular, name, "")], outside.path()).await;
    }
}

#[tokio::test]
async fn a_link_and_a_file_through_it_are_refused() {
    let outside = tempfile::tempdir().unwrap();
    let to = outside.path().display().to_string();
    let through = (EntryType::Regular, "agents/way/escaped", "");
    for kind in [EntryType::Symlink, EntryType::Link] {
        is_refused(&[(kind, "agents/way", &to), through], outside.path()).await;
    }
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block] {
        is_refused(&[(kind, "agents/odd", "")], outside.path()).await;
    }
}

#[tokio::test]
async fn what_no_home_holds_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    for name in ["lock", "copies/central-20261120T203812Z-daily.db", "escaped", "agentsx/a"] {
        is_refused(&[(EntryType::Regular, name, "")], outside.path()).await;
    }
}
