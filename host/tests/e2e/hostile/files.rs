//! What a guest leaves in place of the files that go with its replies, in this process.

use std::fs;

use schemas::{
    guest_side::OutboundWriter,
    ids::MessageId,
    message::{Kind, NewOutbound},
    session_dir::SessionDir,
};

use super::{
    attacks::{FILES, FORGED_ROW},
    folder::{SECRET, untouched},
};
use crate::world::World;

/// A row of the guest's own hand.
pub(super) fn writes(dir: &SessionDir, id: &str, kind: Kind, content: &str) {
    let row = NewOutbound {
        id: MessageId::parse(id).unwrap(),
        in_reply_to: None,
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        kind,
        address: None,
        content: content.to_owned(),
        run: None,
    };
    OutboundWriter::new(dir.clone()).write(|tx| tx.append(&row, 1000)).unwrap();
}

/// The reply goes out without its file, and its agent hears why.
async fn goes_without(world: &mut World, dir: &SessionDir, session: &str, names: &str, why: &str) {
    let content = format!(r#"{{"text":"take this","files":[{names}]}}"#);
    writes(dir, FORGED_ROW, Kind::Chat, &content);
    let message = world.next_message("andy", None).await;
    assert_eq!((message.text.as_str(), message.files.len()), ("take this", 0), "{names}");
    world.says("andy", "well?").await;
    let told = world.came_into(session).join("\n");
    assert!(told.contains("was not sent") && told.contains(why), "{names}: {told}");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_file_of_its_own_goes_with_a_reply() {
    for attack in FILES {
        World::new()
            .agent("andy")
            .run(async |world| {
                let sent = world.says("andy", "hello").await;
                world.next_reply("andy").await;
                world.yard.freeze_the_one();
                let (outside, dir) = (world.outside(SECRET), world.dir_of(&sent));
                (attack.leave)(&dir, &outside);
                let names = match attack.name {
                    "file-absolute" => format!("{outside:?}, \"../../../outside/precious\""),
                    _ => "\"a.txt\"".to_owned(),
                };
                let session = sent.session_id.to_string();
                goes_without(world, &dir, &session, &names, attack.notice).await;
                untouched(world, &outside);
                world.yard.kill_the_one().await;
                // What it is told rides along.
                let answer = world.next_reply("andy").await;
                let told = answer.starts_with("You said: well?\ncontext: ");
                assert!(told, "{}: {answer}", attack.name);
            })
            .await;
    }
}

/// A million would cost a minute and show nothing more: nobody lists the folder.
const MANY: usize = 20_000;

#[tokio::test(start_paused = true)]
async fn an_outbox_of_many_files_is_never_listed_and_is_put_away_as_one() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            let dir = world.dir_of(&sent);
            fs::create_dir_all(dir.outbox()).unwrap();
            for n in 0..MANY {
                fs::write(dir.outbox().join(n.to_string()), "").unwrap();
            }
            world.says("andy", "and now?").await;
            assert_eq!(world.next_reply("andy").await, "You said: and now?");
            world.yard.freeze_the_one();
            fs::write(dir.outbound_db(), vec![0; 8_192]).unwrap();
            world.until_state("andy", "set aside").await;
            world.cli(&format!("sessions reset {}", sent.session_id)).await;
            assert!(!dir.outbox().exists());
            world.says("andy", "better?").await;
            assert_eq!(world.next_reply("andy").await, "You said: better?");
        })
        .await;
}
