//! Files that travel: attachments into the inbox, replies' files out of the outbox, and the
//! folders that both lie in.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod common;

use std::{
    collections::HashSet,
    fs::{self, File},
    io::Read,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{reply, session};
use jiff::Timestamp;
use nix::{sys::stat::Mode, unistd::mkfifo};
use schemas::{
    content::{self, ChatIn},
    host_side::{
        Extracted, InboundWriter, OutboxReader, RefusedKind, digest, ensure, extract, safe_name,
        sweep_orphans,
    },
    ids::{InboxId, MessageId},
    limits::{MAX_ATTACHMENTS, MAX_FILE_BYTES},
    message::{Kind, NewInbound},
    session_dir::SessionDir,
};
use serde_json::{Value, json};

fn inbox() -> InboxId {
    InboxId::mint(Timestamp::UNIX_EPOCH)
}

fn attached(files: &[(&str, &[u8])]) -> String {
    let files: Vec<Value> = files
        .iter()
        .map(|(name, bytes)| json!({"name": name, "data": STANDARD.encode(bytes)}))
        .collect();
    json!({"text": "see", "attachments": files}).to_string()
}

/// Where each attachment lies, or why it does not.
fn places(extracted: &Extracted) -> Vec<Result<String, String>> {
    let chat: ChatIn = content::read(&extracted.content).unwrap();
    let place = |a: content::Attachment| a.local_path.ok_or_else(|| a.error.unwrap_or_default());
    chat.attachments.into_iter().map(place).collect()
}

fn names(extracted: &Extracted) -> Vec<String> {
    let name = |place: Result<String, String>| {
        Path::new(&place.unwrap()).file_name().unwrap().to_str().unwrap().to_owned()
    };
    places(extracted).into_iter().map(name).collect()
}

#[test]
fn an_attachment_becomes_a_file_and_loses_its_bytes() {
    let (_home, dir) = session();
    let inbox = inbox();
    let done = extract(&attached(&[("photo.png", b"pixels")]), &dir, &inbox).unwrap();
    assert_eq!(places(&done), [Ok(format!("inbox/{inbox}/photo.png"))]);
    assert_eq!((done.files, done.refused.len()), (1, 0));
    let file = dir.inbox_of(&inbox).join("photo.png");
    assert_eq!(fs::read(&file).unwrap(), b"pixels");
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o644);
    assert_eq!(dir.inbox_of(&inbox).metadata().unwrap().mode() & 0o777, 0o755);
    let content: Value = serde_json::from_str(&done.content).unwrap();
    assert_eq!(content["attachments"][0]["data"], Value::Null);
    assert_eq!(content["attachments"][0]["size"], 6);
}

#[test]
fn content_in_which_nothing_changes_stays_byte_for_byte() {
    let (_home, dir) = session();
    for content in [
        "hello {world",
        "null",
        "17",
        "[{\"attachments\": []}]",
        "{ \"text\" : \"two  spaces\", \"a\":1e3 }",
        "{\"attachments\": null}",
        "{\"attachments\": [ null, 3, {\"name\": \"x\", \"data\": 17}, {\"url\": \"u\"} ]}",
        &"[".repeat(10_000),
    ] {
        let done = extract(content, &dir, &inbox()).unwrap();
        assert_eq!(done, Extracted { content: content.to_owned(), files: 0, refused: vec![] });
    }
    assert_eq!(fs::read_dir(dir.inbox()).unwrap().count(), 0);
}

#[test]
fn unknown_fields_of_message_and_attachment_survive_the_extraction() {
    let (_home, dir) = session();
    let content = r#"{"mood":{"is":["good"]},"attachments":[{"data":"aGk=","exif":{"f":2.8}}]}"#;
    let done: Value =
        serde_json::from_str(&extract(content, &dir, &inbox()).unwrap().content).unwrap();
    assert_eq!(done["mood"], json!({"is": ["good"]}));
    assert_eq!(done["attachments"][0]["exif"], json!({"f": 2.8}));
}

#[test]
fn an_unsafe_file_name_cannot_leave_the_inbox() {
    let (_home, dir) = session();
    let long = "x".repeat(4096);
    let unsafe_names = [
        "../../../../etc/cron.d/x",
        "/etc/passwd",
        "..",
        "a\0b",
        "..\\..\\boot.ini",
        "\u{2025}/\u{FF0F}x",
        long.as_str(),
        "-rf",
        ".bashrc",
        "",
    ];
    let files: Vec<(&str, &[u8])> = unsafe_names.iter().map(|name| (*name, &b"x"[..])).collect();
    let inbox = inbox();
    let done = extract(&attached(&files), &dir, &inbox).unwrap();
    assert_eq!(done.files, unsafe_names.len());
    for name in names(&done) {
        assert!(dir.inbox_of(&inbox).join(name).is_file());
    }
    assert_eq!(fs::read_dir(dir.inbox_of(&inbox)).unwrap().count(), unsafe_names.len());
    assert_eq!(fs::read_dir(dir.inbox()).unwrap().count(), 1);
}

#[test]
fn equal_names_do_not_overwrite_each_other() {
    let (_home, dir) = session();
    let inbox = inbox();
    let files: [(&str, &[u8]); 4] =
        [("a.txt", b"1"), ("a.txt", b"2"), ("A.TXT", b"3"), ("a (2).txt", b"4")];
    let done = extract(&attached(&files), &dir, &inbox).unwrap();
    assert_eq!(names(&done), ["a.txt", "a (2).txt", "A (3).TXT", "a (2) (2).txt"]);
    let second = dir.inbox_of(&inbox).join("a (2).txt");
    assert_eq!(fs::read(second).unwrap(), b"2");
}

#[test]
fn invalid_base64_is_an_error_for_that_attachment_alone() {
    let (_home, dir) = session();
    let content = json!({"attachments": [
        {"name": "good", "data": "aGk="},
        {"name": "cut", "data": "aGk"},
        {"name": "junk", "data": "aGk=!!"},
        {"name": "odd", "data": "a"},
    ]});
    let done = extract(&content.to_string(), &dir, &inbox()).unwrap();
    let places = places(&done);
    assert!(places[0].is_ok() && places[1].is_ok());
    assert!(places[2].as_ref().is_err_and(|why| why.contains("invalid base64")));
    assert!(places[3].is_err());
    assert_eq!((done.files, done.refused.len()), (2, 2));
    assert!(!done.content.contains("data"));
}

#[test]
fn a_file_above_the_limit_is_refused_and_the_others_arrive() {
    let (_home, dir) = session();
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    let (full, over) = (vec![0; most], vec![0; most + 1]);
    let files: [(&str, &[u8]); 3] = [("over", &over), ("full", &full), ("small", b"x")];
    let done = extract(&attached(&files), &dir, &inbox()).unwrap();
    assert_eq!(done.files, 2);
    assert!(done.refused[0].contains("over: a file has at most"), "{:?}", done.refused);
}

#[test]
fn the_files_of_a_message_have_a_limit_together_in_bytes_and_in_number() {
    let (_home, dir) = session();
    let full = vec![0; usize::try_from(MAX_FILE_BYTES).unwrap()];
    let files: Vec<(&str, &[u8])> = (0..5).map(|_| ("f", &full[..])).collect();
    let done = extract(&attached(&files), &dir, &inbox()).unwrap();
    assert_eq!((done.files, done.refused.len()), (4, 1));
    let many: Vec<(&str, &[u8])> = (0..=MAX_ATTACHMENTS).map(|_| ("", &b""[..])).collect();
    let done = extract(&attached(&many), &dir, &inbox()).unwrap();
    assert_eq!((done.files, done.refused.len()), (MAX_ATTACHMENTS, 1));
}

#[test]
fn a_place_that_the_sender_claims_is_removed() {
    let (_home, dir) = session();
    let content = r#"{"attachments":[{"name":"x","localPath":"../session.json"}]}"#;
    let done = extract(content, &dir, &inbox()).unwrap();
    assert!(!done.content.contains("localPath"));
    assert_eq!(done.files, 0);
}

#[test]
fn a_link_in_the_inbox_is_never_followed_and_nothing_half_written_stays() {
    let (_home, dir) = session();
    let inbox = inbox();
    let elsewhere = dir.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, dir.inbox_of(&inbox)).unwrap();
    extract(&attached(&[("a", b"1")]), &dir, &inbox).unwrap_err();
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
}

#[test]
fn the_folder_of_another_message_is_neither_written_nor_cleared() {
    let (_home, dir) = session();
    let inbox = inbox();
    extract(&attached(&[("a", b"1")]), &dir, &inbox).unwrap();
    let error = extract(&attached(&[("a", b"2")]), &dir, &inbox).unwrap_err();
    assert_eq!(error.source.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(dir.inbox_of(&inbox).join("a")).unwrap(), b"1");
}

#[test]
fn files_without_a_row_are_swept_and_those_with_one_stay() {
    let (_home, dir) = session();
    let (kept, orphan) = (inbox(), inbox());
    for inbox in [&kept, &orphan] {
        extract(&attached(&[("a", b"1")]), &dir, inbox).unwrap();
    }
    fs::create_dir(dir.inbox().join("not ours")).unwrap();
    let id = MessageId::parse("m").unwrap();
    let mut row = NewInbound::new(id, Kind::Chat, Timestamp::UNIX_EPOCH, "{}".to_owned());
    row.inbox = Some(kept.clone());
    let host = InboundWriter::new(dir.clone());
    host.write(|tx| tx.append(&row)).unwrap();
    let known = host.inboxes().unwrap();
    assert_eq!(known, HashSet::from([kept.clone()]));
    assert_eq!(sweep_orphans(&dir, &known).unwrap(), 1);
    assert!(dir.inbox_of(&kept).is_dir() && !dir.inbox_of(&orphan).exists());
    assert!(dir.inbox().join("not ours").is_dir());
}

#[test]
fn a_digest_is_the_sha256_of_what_was_sent() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest(""), empty);
    assert_ne!(digest("a"), digest("b"));
}

#[test]
fn names_are_cleaned_to_one_harmless_component() {
    for (name, expected) in [
        ("report.pdf", "report.pdf"),
        ("Grüße aus 東京.txt", "Grüße aus 東京.txt"),
        ("../../x", "x"),
        ("a/b/", "b"),
        ("C:\\Users\\me\\x.doc", "x.doc"),
        ("\u{202E}gnp.exe", "gnp.exe"),
        ("a\r\nb\u{7f}\u{85}.txt", "ab.txt"),
        ("...hidden", "hidden"),
        ("--help", "help"),
        ("name. . .", "name"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("LPT²", "_LPT²"),
        ("console", "console"),
        ("a:b*c?.txt", "a_b_c_.txt"),
        ("..", "attachment-3.png"),
        ("\0", "attachment-3.png"),
        (" ", "attachment-3.png"),
    ] {
        assert_eq!(safe_name(Some(name), 3, Some("image/png")), expected, "{name:?}");
    }
    assert_eq!(safe_name(None, 1, None), "attachment-1.bin");
    assert_eq!(safe_name(None, 2, Some("Text/Plain; charset=utf-8")), "attachment-2.txt");
    let long = format!("{}.tar.gz", "é".repeat(300));
    let cut = safe_name(Some(&long), 1, None);
    assert!(cut.len() <= 255 && cut.ends_with("é.gz"), "{cut}");
}

/// A file of a reply, with the reader of the outbox.
fn sent(dir: &SessionDir, name: &str, bytes: &[u8]) -> (OutboxReader, MessageId) {
    let message = reply("out-1", "{}").id;
    let folder = dir.outbox().join(message.as_str());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
    (OutboxReader::new(dir.clone()), message)
}

#[test]
fn a_file_of_a_reply_is_opened_with_its_size() {
    let (_home, dir) = session();
    let (reader, message) = sent(&dir, "chart.svg", b"<svg/>");
    let mut opened = reader.open(&message, "chart.svg").unwrap();
    let mut text = String::new();
    opened.file.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), opened.size), ("<svg/>", 6));
}

#[test]
fn a_missing_file_of_a_reply_is_told_as_missing() {
    let (_home, dir) = session();
    let (reader, message) = sent(&dir, "a", b"");
    assert!(reader.open(&message, "b").unwrap_err().is_missing());
    assert!(reader.open(&MessageId::parse("other").unwrap(), "a").unwrap_err().is_missing());
}

#[test]
fn a_name_or_id_that_is_a_path_is_never_opened() {
    let (_home, dir) = session();
    let (reader, message) = sent(&dir, "a", b"");
    for name in ["", ".", "..", "../out-1/a", "/etc/passwd", "a\0", &"x".repeat(256)] {
        assert_eq!(reader.open(&message, name).unwrap_err().kind, RefusedKind::OutsideFolder);
    }
    for id in ["..", ".", "out-1/..", "/etc"] {
        let refused = reader.open(&MessageId::parse(id).unwrap(), "passwd").unwrap_err();
        assert_eq!(refused.kind, RefusedKind::OutsideFolder, "{id}");
    }
}

#[test]
fn nothing_but_a_file_of_its_own_is_sent() {
    let (_home, dir) = session();
    let (reader, message) = sent(&dir, "real", b"x");
    let folder = dir.outbox().join(message.as_str());
    symlink("real", folder.join("symlink")).unwrap();
    symlink("/nowhere", folder.join("broken")).unwrap();
    mkfifo(&folder.join("fifo"), Mode::S_IRWXU).unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    drop(UnixListener::bind(folder.join("socket")).unwrap());
    File::create(folder.join("large")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    for (name, kind) in [
        ("symlink", RefusedKind::OutsideFolder),
        ("broken", RefusedKind::OutsideFolder),
        ("fifo", RefusedKind::NotRegular),
        ("folder", RefusedKind::NotRegular),
        ("socket", RefusedKind::NotRegular),
        ("large", RefusedKind::TooLarge),
    ] {
        assert_eq!(reader.open(&message, name).unwrap_err().kind, kind, "{name}");
    }
    fs::hard_link(folder.join("real"), folder.join("twin")).unwrap();
    assert_eq!(reader.open(&message, "real").unwrap_err().kind, RefusedKind::Linked);
}

#[test]
fn an_outbox_that_is_itself_a_link_leads_nowhere() {
    let (_home, dir) = session();
    let (reader, message) = sent(&dir, "a", b"x");
    let elsewhere = dir.root().join("elsewhere");
    fs::rename(dir.outbox(), &elsewhere).unwrap();
    symlink(&elsewhere, dir.outbox()).unwrap();
    assert_eq!(reader.open(&message, "a").unwrap_err().kind, RefusedKind::OutsideFolder);
    fs::remove_file(dir.outbox()).unwrap();
    fs::create_dir(dir.outbox()).unwrap();
    symlink(elsewhere.join(message.as_str()), dir.outbox().join(message.as_str())).unwrap();
    assert_eq!(reader.open(&message, "a").unwrap_err().kind, RefusedKind::OutsideFolder);
}

#[test]
fn a_session_folder_is_made_once_and_repaired_on_demand() {
    let (_home, dir) = session();
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    for open in [dir.in_dir(), dir.inbox()] {
        assert_eq!(mode(&open), 0o755);
    }
    for closed in [dir.out_dir(), dir.home(), dir.work(), dir.log_dir()] {
        assert_eq!(mode(&closed), 0o700);
    }
    fs::write(dir.work().join("kept"), "x").unwrap();
    fs::remove_dir(dir.inbox()).unwrap();
    fs::set_permissions(dir.in_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    ensure(&dir).unwrap();
    ensure(&dir).unwrap();
    assert!(dir.inbox().is_dir() && dir.work().join("kept").is_file());
    // Whoever made it otherwise since, the engine, knows whose it is.
    assert_eq!(mode(&dir.in_dir()), 0o700);
}

/// The guest's user is not the host's: a folder that the host made there could not be written.
#[test]
fn what_lies_inside_out_is_the_guests_and_neither_made_nor_followed() {
    let (_home, dir) = session();
    assert_eq!(fs::read_dir(dir.out_dir()).unwrap().count(), 0);
    let elsewhere = dir.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, dir.outbox()).unwrap();
    ensure(&dir).unwrap();
    assert!(dir.outbox().is_symlink());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_link_in_place_of_a_folder_is_refused() {
    let (_home, dir) = session();
    let elsewhere = dir.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir(dir.out_dir()).unwrap();
    symlink(&elsewhere, dir.out_dir()).unwrap();
    ensure(&dir).unwrap_err();
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}
