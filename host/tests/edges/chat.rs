//! `lazaret chat` with its lines from a pipe.

use std::process::Stdio;

use schemas::{
    content::{self, ChatIn},
    message::Outcome,
};
use tokio::io::AsyncWriteExt;

use crate::{fake_daemon::World, waiting::PATIENCE};

#[tokio::test]
async fn a_chat_shows_what_was_missed_then_the_reply_and_ends_after_it() {
    World::run(async |world| {
        world.said_unheard(1, "yesterday's b.txt");
        std::fs::write(world.folder.join("note"), "hello").unwrap();
        let mut chat = world.lazaret(&["chat", "andy"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut keyboard = chat.stdin.take().unwrap();
        keyboard.write_all(b"/file note\n/file none\nhello\n").await.unwrap();
        drop(keyboard);
        world.hears().await;
        world.says(3, "hi").await;
        world.finishes(Outcome::Completed, None).await;
        let output =
            tokio::time::timeout(PATIENCE, chat.wait_with_output()).await.unwrap().unwrap();
        assert!(output.status.success());
        let shown = String::from_utf8(output.stdout).unwrap();
        for line in [
            "andy: yesterday's b.txt\n(file b.txt)\n",
            "(note goes with the next message)\n",
            "(error: cannot read none: No such file or directory (os error 2))\n",
            "andy: hi\n",
        ] {
            assert!(shown.contains(line), "{line:?} is not in {shown:?}");
        }
        let received = world.received.lock().unwrap();
        let chats: Vec<ChatIn> =
            received.iter().map(|draft| content::read(&draft.content).unwrap()).collect();
        let attached = chats.iter().flat_map(|chat| &chat.attachments);
        assert_eq!(attached.filter_map(|file| file.name.as_deref()).collect::<Vec<_>>(), ["note"]);
        assert!(!world.folder.join("b.txt").exists(), "an old file was fetched again");
    })
    .await;
}

#[tokio::test]
async fn a_chat_without_a_host_does_not_begin() {
    World::run(async |world| {
        let output =
            world.lazaret(&["--home", "elsewhere", "chat", "andy"]).output().await.unwrap();
        assert_eq!(output.status.code(), Some(3));
    })
    .await;
}
