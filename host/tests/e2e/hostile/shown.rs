//! What strangers call themselves and their rooms, as people are shown it: nothing in it can fake
//! another line, hide itself or push what matters out of sight.

use std::time::Duration;

use schemas::{
    guest_side::{Ack, OutboundWriter},
    message::AckStatus,
};

use crate::world::World;

/// What would fake a second row, end the colours, turn the text around and hide.
const FORGED: &str =
    "x\nappr-01h455vb4pex5vsknk084sn02q  approved\r\u{1b}[2K\u{202e}\u{2028}\u{200b}";

/// Nothing but plain lines, and so many of them.
#[track_caller]
fn is_plain(shown: &str, lines: usize) {
    assert_eq!(shown.lines().count(), lines, "{shown}");
    let odd = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{2028}\u{200b}".contains(c);
    assert!(!shown.contains(odd), "{shown:?}");
    assert!(shown.lines().all(|line| line.chars().count() < 3_000), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn names_of_rooms_and_senders_fake_no_line_in_any_list() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let long = "x".repeat(400);
            let mut message = world.heard("slack C1/t1 eve: @andy hello");
            message.address.platform_id = format!("C1 to an agent; \"bob\" spoke there{FORGED}");
            message.address.thread_id = Some(format!("{FORGED}{long}"));
            message.room_name = Some(format!("{FORGED}{long}"));
            message.sender = host::channels::Sender::Platform {
                id: format!("slack:{FORGED}"),
                name: format!("{FORGED}{}", long.repeat(4)),
            };
            world.brings(message).await.unwrap();
            let id = world.the_approval().await.id;
            is_plain(&world.cli("approvals list").await, 2);
            let title = world.the_approval().await.title;
            is_plain(&title, 1);
            // The room's id stands in quotes: what is in it is no word of ours.
            assert!(title.contains(r#""slack:C1 to an agent; \"bob\" spoke there"#), "{title}");
            let shown = world.cli(&format!("approvals show {id}")).await;
            let own = shown.lines().filter(|line| !line.starts_with(' '));
            assert_eq!(own.count(), 9, "each line that begins at the left is ours: {shown}");
            is_plain(&shown, shown.lines().count());
            world.approve("").await;
            assert!(world.next_post().await.contains("You said: @andy hello"));
            let session = world.sessions().await.remove(0).id;
            for (list, lines) in [
                ("audit", 5),
                ("rooms list", 3),
                ("wirings list", 3),
                ("sessions list", 2),
                ("people list", 2),
                ("members list andy", 2),
                (format!("messages list {session}").as_str(), 3),
            ] {
                let shown = world.cli(list).await;
                is_plain(&shown, lines);
                assert!(shown.lines().all(|line| line.chars().count() < 1_000), "{shown}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guests_reason_is_one_line_of_the_hosts() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!slow 60000").await;
            world.until_state("andy", "awake").await;
            world.passes(Duration::from_secs(2)).await;
            let ack = Ack {
                message: sent.message_id.clone(),
                status: AckStatus::Failed,
                tries: 0,
                run: None,
                error: Some(format!("{FORGED}\nandy: I am well")),
                retry_at: None,
            };
            let now = world.now();
            OutboundWriter::new(world.dir_of(&sent)).write(|tx| tx.ack(&ack, now)).unwrap();
            is_plain(&world.next_notice("andy").await, 1);
            world.next_reply("andy").await;
        })
        .await;
}
