//! What is looked at, and when: nothing but what is due, and after a crash nothing but what was
//! under way.

use std::time::Duration;

use schemas::{admin::SendMessage, session_dir::SessionDir};

use crate::world::World;

const HOUR: Duration = Duration::from_secs(3_600);

/// Whoever opens a mailbox that holds this says so in the log.
fn spoil(dir: &SessionDir) {
    std::fs::write(dir.inbound_db(), b"this is no database, whoever looks").unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_only_what_was_under_way_and_what_is_due_is_looked_at() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            let mut asleep = Vec::new();
            for n in 0..20 {
                world.command(&format!("agents create sleeper-{n}")).await.unwrap();
                let name = format!("sleeper-{n}");
                asleep.push(world.says(&name, "hello").await);
                world.next_reply(&name).await;
                let often = format!("tasks create {name} look --every '0 12 * * *'");
                world.command(&often).await.unwrap();
            }
            world.passes(HOUR / 2).await;
            world.until_no_container().await;
            for one in &asleep {
                spoil(&world.dir_of(one));
            }
            world.command("tasks create andy look --at +1h").await.unwrap();
            world.says("andy", "work\n!slow 20000").await;
            world.crash_host().await;
            world.start_host().await;
            assert_eq!(world.next_reply("andy").await, "You said: work");
            world.passes(HOUR + HOUR / 60).await;
            assert_eq!(world.next_reply("andy").await, "You said: look");
            let states = world.sessions().await.into_iter().filter(|one| one.state != "asleep");
            assert_eq!(states.count(), 1, "only andy's session has a task");
            assert_eq!(world.errors(), Vec::<String>::new());
            // A silence is only worth something if a look would have been heard.
            let hello = SendMessage { text: "hello".to_owned(), ..SendMessage::default() };
            assert!(world.send("sleeper-0", hello).await.is_err());
            assert_eq!(world.errors().len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_about_to_wake_after_a_restart_never_says_that_it_sleeps() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "one\n!slow 30000").await;
            world.until_state("andy", "awake").await;
            world.crash_host().await;
            world.yard.kill_the_one().await;
            world.start_host().await;
            assert_ne!(world.sessions().await[0].state, "asleep");
            assert_eq!(world.next_reply("andy").await, "You said: one");
        })
        .await;
}
