//! What a guest writes into honest files: rows, acks, actions and words that are not its to write.

use std::time::Duration;

use schemas::{
    guest_side::{Ack, OutboundWriter},
    ids::MessageId,
    message::{AckStatus, Address, Kind, NewOutbound},
};

use super::{attacks::smuggled, files::writes};
use crate::world::World;

const MINUTE: Duration = Duration::from_secs(60);

/// Rows that are no messages, and what their agent hears of each.
const BAD_ROWS: [(&str, &str); 7] = [
    ("('even', 1004, 't', 'chat', '{}')", "even"),
    ("('', 1005, 't', 'chat', '{}')", "not a message id"),
    ("('a' || char(0), 1007, 't', 'chat', '{}')", "id holds a NUL"),
    ("(CAST(zeroblob(1000000) AS TEXT), 1009, 't', 'chat', '{}')", "id is over-long"),
    ("('utf', 1011, 't', 'chat', CAST(x'7bff7d' AS TEXT))", "content is not UTF-8"),
    ("('big', 1013, 't', 'chat', CAST(zeroblob(60000000) AS TEXT))", "content is over-long"),
    ("('kind', 1015, 't', 'rumour', '{}')", "kind is an unknown word"),
];

#[tokio::test(start_paused = true)]
async fn a_row_that_is_no_message_is_refused_for_itself_and_its_agent_hears_why() {
    for (row, why) in BAD_ROWS {
        World::new()
            .agent("andy")
            .run(async |world| {
                let sent = world.says("andy", "hello").await;
                world.next_reply("andy").await;
                world.yard.freeze_the_one();
                smuggled(&world.dir_of(&sent), &format!("{row}, ('ok', 1017, 't', 'chat', 'hi')"));
                assert_eq!(world.next_reply("andy").await, "hi", "{why}");
                world.says("andy", "well?").await;
                let told = world.came_into(sent.session_id.as_str()).concat();
                assert!(told.contains(why), "{why}: {told}");
                world.yard.kill_the_one().await;
                assert!(world.next_reply("andy").await.starts_with("You said: well?"), "{why}");
            })
            .await;
    }
}

/// A reply of andy's own making, and what the room sees next.
async fn replies(world: &mut World, row: NewOutbound) -> Vec<String> {
    let sent = world.says("andy", "hello").await;
    world.next_reply("andy").await;
    world.yard.freeze_the_one();
    let writer = OutboundWriter::new(world.dir_of(&sent));
    writer.write(|tx| tx.append(&row, 1000)).unwrap();
    writes(&world.dir_of(&sent), "after", Kind::Chat, "after");
    let mut said = Vec::new();
    while said.last().is_none_or(|last| last != "after") {
        said.push(world.next_reply("andy").await);
    }
    said
}

fn row(id: &str, content: &str) -> NewOutbound {
    NewOutbound {
        id: MessageId::parse(id).unwrap(),
        in_reply_to: None,
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        kind: Kind::Chat,
        address: None,
        content: content.to_owned(),
        run: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_it_was_not_given_and_another_sessions_thread_are_refused() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            world.says("betty", "hello").await;
            world.next_reply("betty").await;
            world.yard.kill_the_one().await;
            let bettys = world.sessions().await.remove(0).id;
            for (channel, room) in [("terminal", "betty"), ("agent", "betty"), ("slack", "C1")] {
                let address = Address {
                    channel_type: channel.to_owned(),
                    platform_id: room.to_owned(),
                    thread_id: Some(bettys.to_string()),
                };
                let forged = NewOutbound {
                    address: Some(address),
                    in_reply_to: Some(MessageId::parse(bettys.as_str()).unwrap()),
                    ..row("forged", "I am you")
                };
                assert_eq!(replies(world, forged).await, ["after"], "{channel}");
                world.yard.kill_the_one().await;
                world.passes(MINUTE).await;
                let session =
                    world.sessions().await.into_iter().find(|s| s.agent == "andy").unwrap();
                assert!(world.came_into(session.id.as_str()).concat().contains("may not send"));
                world.cli(&format!("sessions archive {}", session.id)).await;
            }
            assert_eq!(world.came_into(bettys.as_str()).len(), 1, "nothing came to betty");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn acks_for_rows_that_a_guest_never_had_settle_nothing() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            let mine = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.yard.freezes_at_birth(true);
            let hers = world.says("betty", "are you there?").await;
            let now = world.now();
            let writer = OutboundWriter::new(world.dir_of(&mine));
            for id in [hers.message_id.as_str(), "never-was", "../../x"] {
                let ack = Ack {
                    message: MessageId::parse(id).unwrap(),
                    status: AckStatus::Completed,
                    tries: 7,
                    run: None,
                    error: None,
                    retry_at: None,
                };
                writer.write(|tx| tx.ack(&ack, now)).unwrap();
            }
            world.passes(Duration::from_secs(5)).await;
            world.yard.freezes_at_birth(false);
            // Hers hangs, is ended, and is answered by the next: nobody else settled it.
            assert_eq!(world.next_reply("betty").await, "You said: are you there?");
            world.says("andy", "and you?").await;
            assert_eq!(world.next_reply("andy").await, "You said: and you?");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_actions_is_refused_and_ends() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.yard.freeze_the_one();
            let dir = world.dir_of(&sent);
            OutboundWriter::new(dir.clone())
                .write(|tx| {
                    for n in 0..500 {
                        let ask = r#"{"action":"create_agent","name":"helper"}"#;
                        let row = NewOutbound { kind: Kind::System, ..row(&format!("a{n}"), ask) };
                        tx.append(&row, 1000)?;
                    }
                    Ok(())
                })
                .unwrap();
            world.passes(MINUTE).await;
            let told = world.came_into(sent.session_id.as_str()).join("\n");
            assert_eq!(told.matches("action_response").count(), 500, "each is answered");
            assert!(told.matches("too many requests").count() >= 400, "most are refused");
            assert!(world.approvals().await.len() <= 20);
            world.yard.kill_the_one().await;
            while tokio::time::timeout(MINUTE, world.next_reply("andy")).await.is_ok() {}
            world.says("andy", "and now?").await;
            assert!(world.next_reply("andy").await.contains("and now?"));
            while tokio::time::timeout(MINUTE, world.next_reply("andy")).await.is_ok() {}
        })
        .await;
}
