//! Files, both ways.

use std::io::Read;

use host::requests::Request;
use schemas::{admin::SendMessage, content::Attachment};

use crate::world::World;

fn with_file(text: &str, name: &str, base64: &str) -> SendMessage {
    SendMessage {
        text: text.to_owned(),
        attachments: vec![Attachment {
            name: Some(name.to_owned()),
            data: Some(base64.to_owned()),
            ..Attachment::default()
        }],
        ..SendMessage::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_goes_in_and_comes_back_unchanged() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world
                .send("andy", with_file("!return", "../note.txt", "aGVsbG8gd29ybGQ="))
                .await
                .unwrap();
            let said = world.next_message("andy", None).await;
            assert_eq!(said.files.len(), 1);
            let name = said.files[0].clone();
            assert!(!name.contains('/'), "{name}");
            let (mut file, size) = world
                .ask(|answer| Request::File(said.session_id, said.message_id, name, answer))
                .await
                .unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), size), ("hello world", 11));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_repeated_message_leaves_no_second_copy_of_its_files() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let message =
                SendMessage { client_id: Some("k".to_owned()), ..with_file("x", "a", "aGk=") };
            let first = world.send("andy", message.clone()).await.unwrap();
            world.send("andy", message).await.unwrap();
            world.next_reply("andy").await;
            let folders = std::fs::read_dir(world.dir_of(&first).inbox()).unwrap().count();
            assert_eq!(folders, 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_sent_is_told_to_the_agent_not_skipped() {
    World::new()
        .agent("andy")
        .run(async |world| {
            // The platform fails until the file is gone.
            world.platform.fails([host::channels::ChannelError::Retry("500".to_owned())]);
            let sent = world.says("andy", "!file report.txt 100").await;
            world.passes(std::time::Duration::from_secs(2)).await;
            std::fs::remove_dir_all(world.dir_of(&sent).outbox()).unwrap();
            assert_eq!(world.next_message("andy", None).await.files, Vec::<String>::new());
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two\ncontext: 1 message");
        })
        .await;
}
