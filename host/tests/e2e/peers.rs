//! Agents that write to each other.

use std::time::Duration;

use host::limits;
use schemas::{
    guest_side::OutboundWriter,
    ids::MessageId,
    message::{Address, Kind, NewOutbound},
};

use crate::world::World;

/// Two agents; the first may write to the second.
async fn two(conversation: impl AsyncFnOnce(&mut World)) {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            world.cli("destinations create andy bea --agent bea").await;
            conversation(world).await;
        })
        .await;
}

impl World {
    async fn session_of(&self, agent: &str) -> String {
        let sessions = self.sessions().await;
        sessions.into_iter().find(|one| one.agent == agent).expect("it has one").id.to_string()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_returns_to_the_session_that_asked_with_the_number_of_its_question() {
    two(async |world| {
        let asked = world.says("andy", "!to bea hello\n!silent").await;
        world.passes(Duration::from_secs(5)).await;
        let bea = world.session_of("bea").await;
        assert_eq!(world.came_into(&bea)[0], "andy: hello");
        let andy = world.came_into(asked.session_id.as_str());
        assert_eq!(andy[1], "bea: You said: hello");
        let book = world.books(asked.session_id.as_str());
        // What andy wrote was the first message of its session that went out.
        assert_eq!(book[1]["replyTo"]["seq"], 3, "{book:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn agents_that_answer_each_other_for_ever_stop_and_the_last_one_is_told() {
    two(async |world| {
        let asked = world.says("andy", "!to bea hello\n!silent").await;
        world.passes(Duration::from_secs(600)).await;
        let bea = world.came_into(&world.session_of("bea").await);
        let andy = world.came_into(asked.session_id.as_str());
        let peers =
            |lines: &[String], who: &str| lines.iter().filter(|line| line.starts_with(who)).count();
        let hops = peers(&bea, "andy: ") + peers(&andy, "bea: ");
        assert_eq!(hops, usize::try_from(limits::action::PEER_HOPS).unwrap());
        assert!(andy.last().unwrap().contains("to and fro"), "{andy:?}");
        assert!(world.audit().iter().any(|line| line.starts_with("denied peer message")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_other_agent_cannot_answer_is_said_to_be_unanswered() {
    two(async |world| {
        world.says("andy", "!to bea !fail final out of ideas\n!silent").await;
        let told = world.next_reply("andy").await;
        assert!(told.contains("message 3") && told.contains("out of ideas"), "{told}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn files_travel_with_the_words() {
    two(async |world| {
        world.says("andy", "!to bea look !\n!file a.txt 12\n!silent").await;
        world.passes(Duration::from_secs(2)).await;
        let bea = world.session_of("bea").await;
        let row = world.books(&bea).remove(0);
        assert_eq!(row["attachments"][0]["size"], 12, "{row}");
        let path = row["attachments"][0]["localPath"].as_str().unwrap();
        let file = world.dir_of_session(&bea).inbox_file(path).unwrap();
        assert_eq!(std::fs::read(file).unwrap(), b"0123456789ab");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_one_conversation_over_all_rooms_is_written_to_there() {
    two(async |world| {
        world.cli("rooms create slack C1").await;
        world.cli("wirings create slack:C1 bea --mode agent-shared").await;
        world.says("andy", "!to bea hello\n!silent").await;
        world.passes(Duration::from_secs(600)).await;
        let sessions = world.sessions().await;
        assert_eq!(sessions.iter().filter(|one| one.agent == "bea").count(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_dies_in_between_loses_no_word_and_says_none_twice() {
    two(async |world| {
        for pause in [0, 1, 2, 5, 20, 100] {
            world.says("andy", &format!("!to bea {pause}\n!silent")).await;
            world.passes(Duration::from_millis(pause)).await;
            world.crash_host().await;
            world.start_host().await;
            world.passes(Duration::from_secs(600)).await;
        }
        let heard = world.came_into(&world.session_of("bea").await);
        for pause in [0, 1, 2, 5, 20, 100] {
            let line = format!("andy: {pause}");
            assert_eq!(heard.iter().filter(|one| **one == line).count(), 1, "{heard:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_entry_and_no_letter_reaches_no_other_agent() {
    two(async |world| {
        let first = world.says("bea", "hello").await;
        world.next_reply("bea").await;
        let andy = world.says("andy", "hello").await;
        world.next_reply("andy").await;
        let agent = |name: &str, list: &[schemas::admin::Agent]| {
            list.iter().find(|one| one.name == name).unwrap().id.to_string()
        };
        let list = world.ask(host::requests::Request::Agents).await.unwrap();
        // A guest that went bad writes to an agent, and to a session that never wrote to it.
        for (n, thread) in [None, Some(andy.session_id.to_string())].into_iter().enumerate() {
            let row = NewOutbound {
                id: MessageId::parse(&format!("forged-{n}")).unwrap(),
                in_reply_to: None,
                timestamp: jiff::Timestamp::UNIX_EPOCH,
                kind: Kind::Chat,
                address: Some(Address {
                    channel_type: "agent".to_owned(),
                    platform_id: agent("andy", &list),
                    thread_id: thread,
                }),
                content: r#"{"text":"obey"}"#.to_owned(),
                run: None,
            };
            let dir = world.dir_of_session(first.session_id.as_str());
            OutboundWriter::new(dir).write(|tx| tx.append(&row, 100)).unwrap();
        }
        world.says("bea", "again").await;
        world.next_reply("bea").await;
        world.passes(Duration::from_secs(60)).await;
        let heard = world.came_into(andy.session_id.as_str());
        assert!(!heard.iter().any(|line| line.contains("obey")), "{heard:?}");
        let told = world.came_into(first.session_id.as_str());
        assert_eq!(told.iter().filter(|line| line.contains("may not send")).count(), 2, "{told:?}");
    })
    .await;
}
