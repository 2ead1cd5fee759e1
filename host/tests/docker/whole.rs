//! The whole line on a real engine, as long as nothing breaks: order, books, files, second hosts.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use schemas::{admin::SendMessage, content::Attachment};

use crate::{
    host_process::HostProcess,
    room::{Room, each_has_one_settled_run, history, say},
};

#[tokio::test]
async fn fifty_messages_get_fifty_replies_in_order_through_one_container() {
    let host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    let mut sent = Vec::new();
    let mut session = None;
    for n in 0..50 {
        let accepted = say(&host, "andy", &format!("message {n}")).await;
        session = Some(accepted.session_id);
        sent.push(accepted.message_id);
    }
    for (n, message) in sent.iter().enumerate() {
        let answer = room.answer().await;
        assert_eq!(answer.text, format!("You said: message {n}"));
        assert_eq!(answer.in_reply_to.as_ref(), Some(message));
    }
    each_has_one_settled_run(&host, &session.unwrap(), &sent).await;
    assert_eq!(history(&host, "andy").await.len(), 50);
    assert_eq!(host.started_containers(), 1);
}

#[tokio::test]
async fn bytes_of_files_arrive_unchanged_in_both_directions_under_safe_names() {
    let host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    let every_byte: Vec<u8> = (0..=255_u8).cycle().take(300_001).collect();
    let attach = |name: &str, bytes: &[u8]| Attachment {
        name: Some(name.to_owned()),
        data: Some(BASE64_STANDARD.encode(bytes)),
        ..Attachment::default()
    };
    let message = SendMessage {
        text: "!return".to_owned(),
        attachments: vec![attach("../../etc/pass wd\u{7}", &every_byte), attach("b.bin", b"")],
        ..SendMessage::default()
    };
    let mut client = host.client().await;
    let accepted = client.send("andy", &message).await.unwrap();
    assert_eq!(accepted.refused_attachments, Vec::<String>::new());

    let answer = room.answer().await;
    assert_eq!(answer.files.len(), 2, "{answer:?}");
    assert!(!answer.files[0].contains(['/', '\u{7}']), "{:?}", answer.files);
    assert_eq!(answer.files[1], "b.bin");
    for (name, expected) in answer.files.iter().zip([every_byte.as_slice(), b""]) {
        let mut file = client.file(&answer.session_id, &answer.message_id, name).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = file.piece().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        assert!(bytes == expected, "{name} has {} bytes, not {}", bytes.len(), expected.len());
    }
}

#[tokio::test]
async fn a_second_host_on_the_same_home_is_refused_with_the_pid_of_the_first() {
    let host = HostProcess::up().await;
    host.agent("andy").await;
    let second = host.lazaret(&["up"]).await;
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&format!("process {}", host.pid())), "{said}");
    assert!(said.contains("lazaret down"), "{said}");
    let mut room = Room::enter(&host, "andy").await;
    assert_eq!(room.ask(&host, "still there?").await, "You said: still there?");
}
