//! A person who is to be forgotten: what of them goes, what stays without their name, and what is
//! said about the rest.

use std::fs;

use schemas::{
    content::{self, Attachment, ChatIn},
    policy::Role,
};

use crate::world::World;

const SECRET: &str = "my secret is blue";

/// A room where alice and bob talk to andy, both known; alice brought a file along.
async fn after_a_talk(conversation: impl AsyncFnOnce(&mut World, String)) {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.cli("rooms create slack C1 --group").await;
            world.cli("wirings create slack:C1 andy --mode shared").await;
            for name in ["alice", "bob"] {
                world.person(name, Some(Role::Member), Some("andy")).await;
            }
            world.brings(with_file(world)).await.unwrap();
            let reply = world.next_post().await;
            assert!(reply.contains(SECRET), "{reply}");
            world.says_at("slack C1 bob: @andy and mine is red").await;
            world.next_post().await;
            let session = world.until_state("andy", "asleep").await.id.to_string();
            conversation(world, session).await;
        })
        .await;
}

fn with_file(world: &World) -> host::channels::Inbound {
    let mut message = world.heard(&format!("slack C1 alice: {SECRET}"));
    message.mentioned = true;
    let file = Attachment {
        name: Some("a.txt".to_owned()),
        data: Some("aGk=".to_owned()),
        ..Attachment::default()
    };
    let mut chat: ChatIn = content::read(&message.content).unwrap();
    chat.attachments.push(file);
    message.content = content::write(&chat);
    message
}

#[tokio::test(start_paused = true)]
async fn what_a_person_said_and_is_goes_and_the_others_talk_on() {
    after_a_talk(async |world, session| {
        let inbox = world.dir_of_session(&session).inbox();
        assert_eq!(fs::read_dir(&inbox).unwrap().count(), 1);
        let told = world.cli("people erase alice").await;
        assert!(told.starts_with("erased alice:\n  1 messages, "), "{told}");
        assert!(told.contains("1 of them with files") && told.contains("not touched:"), "{told}");
        let said = world.cli(&format!("messages list {session}")).await;
        assert!(said.contains("mine is red") && said.contains("[erased]"), "{said}");
        let mailbox = fs::read(world.dir_of_session(&session).inbound_db()).unwrap();
        assert!(!holds(&mailbox, SECRET) && !holds(&mailbox, "slack:alice"));
        assert_eq!(fs::read_dir(&inbox).unwrap().count(), 0);
        let papers = format!("{:?} {}", world.audit(), world.cli("people list").await);
        assert!(!papers.contains("alice") && papers.contains("people erase pers-"), "{papers}");
        world.says_at("slack C1 bob: @andy and now?").await;
        assert_eq!(world.next_post().await, "slack C1: You said: @andy and now?");
        world.says_at("slack C1 alice: @andy do you know me?").await;
        world.no_post_for(std::time::Duration::from_secs(60)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn asking_what_would_go_changes_nothing_and_only_an_owner_may_ask() {
    after_a_talk(async |world, session| {
        let before = world.cli(&format!("messages list {session}")).await;
        let told = world.cli("people erase alice --dry-run").await;
        assert!(told.starts_with("nothing is erased yet; this of alice would go:"), "{told}");
        assert!(told.contains("1 names on platforms\n  1 roles"), "{told}");
        assert_eq!(world.cli(&format!("messages list {session}")).await, before);
        assert!(world.cli("people show alice").await.contains("slack:alice"));
        let admin = world.person("carol", Some(Role::Admin), None).await;
        let refused = world.refused(&admin, "people erase alice --dry-run").await;
        assert_eq!(refused, "you may not change people");
        world.person("olga", Some(Role::Owner), None).await;
        assert!(world.cli("people erase olga").await.contains("the only owner"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_looked_through_is_named_and_the_person_stays() {
    after_a_talk(async |world, session| {
        let mailbox = world.dir_of_session(&session).inbound_db();
        let whole = fs::read(&mailbox).unwrap();
        fs::write(&mailbox, "none any more\n".repeat(1_000)).unwrap();
        let told = world.cli("people erase alice").await;
        assert!(told.starts_with("alice is not erased yet"), "{told}");
        assert!(told.contains("could not look through sess-"), "{told}");
        assert!(world.cli("people show alice").await.contains("slack:alice"));
        fs::write(&mailbox, whole).unwrap();
        assert!(world.cli("people erase alice").await.starts_with("erased alice:"));
        assert!(world.cli("people show alice").await.starts_with("error: "));
    })
    .await;
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|found| found == words.as_bytes())
}
