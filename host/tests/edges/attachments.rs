//! Attachments that break a rule, through the real socket: the answer says which and why, and the
//! rest of the message arrives.

use base64::{Engine, engine::general_purpose::STANDARD};
use schemas::{
    admin::{Accepted, RoomEvent, RoomMessage, SendMessage},
    content::Attachment,
};

use crate::{
    live_host::{LiveHost, stderr},
    waiting::PATIENCE,
};

const MIB: usize = 1024 * 1024;

fn file(name: &str, size: usize) -> Attachment {
    encoded(name, STANDARD.encode(vec![b'x'; size]))
}

fn encoded(name: &str, data: String) -> Attachment {
    Attachment { name: Some(name.to_owned()), data: Some(data), ..Attachment::default() }
}

/// Sends files and the word `hello`; answers what was refused, and what the agent got.
async fn sends(host: &LiveHost, attachments: Vec<Attachment>) -> (Vec<String>, RoomMessage) {
    let mut client = host.client().await.unwrap();
    let since = host::client::Since { thread: None, after: None, last: None };
    let mut stream = client.stream("andy", &since).await.unwrap();
    let message = SendMessage { text: "hello".to_owned(), attachments, ..SendMessage::default() };
    let accepted: Accepted = client.send("andy", &message).await.unwrap();
    let reply = async {
        loop {
            if let Some(RoomEvent::Message(said)) = stream.next().await.unwrap() {
                break said;
            }
        }
    };
    let reply = tokio::time::timeout(PATIENCE, reply).await.expect("no reply");
    (accepted.refused_attachments, reply)
}

#[tokio::test]
async fn files_that_break_a_rule_are_refused_by_name_and_the_others_arrive() {
    let host = LiveHost::new().with_agent("andy").await;
    let files = vec![
        file("good.txt", 5),
        encoded("broken.bin", "aGVsbG8=?".to_owned()),
        file("../../etc/passwd", 3),
        file("huge.bin", 25 * MIB + 1),
        file("good.txt", 7),
    ];
    let (refused, reply) = sends(&host, files).await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].starts_with("broken.bin: invalid base64: "), "{refused:?}");
    assert_eq!(refused[1], "huge.bin: a file has at most 25 MiB");
    insta::assert_snapshot!(reply.text, @r"
    You said: hello
    attachment: good.txt (5 bytes)
    attachment: broken.bin (invalid base64: Invalid symbol 63, offset 8.)
    attachment: ../../etc/passwd (3 bytes)
    attachment: huge.bin (a file has at most 25 MiB)
    attachment: good.txt (7 bytes)
    ");
    let inbox = std::fs::read_dir(host.session_dir("andy").await.inbox()).unwrap();
    let folder = inbox.map(|folder| folder.unwrap().path()).next().expect("one folder");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["good (2).txt", "good.txt", "passwd"]);
}

#[tokio::test]
async fn a_message_takes_a_hundred_mib_of_files_and_names_the_one_that_is_too_much() {
    let host = LiveHost::new().with_agent("andy").await;
    let mut files: Vec<Attachment> = (1..=4).map(|n| file(&format!("{n}.bin"), 24 * MIB)).collect();
    files.extend([file("last.bin", 5 * MIB), file("small.bin", 1)]);
    let (refused, reply) = sends(&host, files).await;
    assert_eq!(refused, ["last.bin: the files of a message have at most 100 MiB together"]);
    assert!(reply.text.contains("attachment: 4.bin (25165824 bytes)"), "{}", reply.text);
    assert!(reply.text.contains("attachment: small.bin (1 bytes)"), "{}", reply.text);
}

#[tokio::test]
async fn the_hundred_and_first_attachment_is_refused() {
    let host = LiveHost::new().with_agent("andy").await;
    let files = (1..=102).map(|n| file(&format!("{n}.txt"), n)).collect();
    let (refused, reply) = sends(&host, files).await;
    let why = "a message has at most 100 attachments";
    assert_eq!(refused, [format!("101.txt: {why}"), format!("102.txt: {why}")]);
    assert!(reply.text.contains("attachment: 100.txt (100 bytes)"), "{}", reply.text);
}

#[tokio::test]
async fn a_file_too_large_to_send_is_named_before_it_is_read() {
    let host = LiveHost::new().with_agent("andy").await;
    let large = host.home().with_file_name("large");
    std::fs::File::create(&large).unwrap().set_len(25 * MIB as u64 + 1).unwrap();
    let refused = host.lazaret(&["send", "andy", "x", "--file", large.to_str().unwrap()]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("large") && stderr(&refused).contains("25 MiB"));
}
