//! What a host does so that nothing is lost over the years, and what comes back from it.

use std::{fs, time::Duration};

use host::requests::Request;
use schemas::{admin::SendMessage, content::Attachment};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_conversation_goes_on_from_a_backup_in_another_home() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let first = world.says("andy", "one").await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            let dir = world.dir_of(&first);
            fs::write(dir.work().join("notes"), "mine").unwrap();
            fs::write(dir.home().join("transcript"), "native").unwrap();
            // Its reply is still to come when the backup is made.
            world.says("andy", "two\n!slow 30000").await;
            world.passes(Duration::from_secs(2)).await;
            let (archive, old) = (world.backs_up().await, world.install().await);
            let manifest = world.moves_to(&archive).await;
            assert_eq!((manifest.sessions, manifest.broken.len()), (1, 0), "{manifest:?}");
            assert_ne!(world.install().await, old, "its containers are its own");
            assert_eq!(world.next_reply("andy").await, "You said: two");
            let third = world.says("andy", "three").await;
            assert_eq!(world.next_reply("andy").await, "You said: three");
            assert_eq!(third.session_id, first.session_id);
            assert!(third.seq > first.seq.map(|seq| seq + 2), "{third:?} after {first:?}");
            let dir = world.dir_of(&first);
            assert_eq!(fs::read_to_string(dir.work().join("notes")).unwrap(), "mine");
            assert_eq!(fs::read_to_string(dir.home().join("transcript")).unwrap(), "native");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn every_row_of_a_backup_has_its_files() {
    World::new()
        .agent("andy")
        .run(async |world| {
            for n in 0..3 {
                let attachments = vec![file(&format!("{n}.txt"))];
                let text = format!("see {n}");
                let message = SendMessage { text, attachments, ..SendMessage::default() };
                world.send("andy", message).await.unwrap();
                world.next_reply("andy").await;
            }
            let archive = world.backs_up().await;
            world.moves_to(&archive).await;
            let sent = world.says("andy", "and now").await;
            world.next_reply("andy").await;
            let inbox = world.dir_of(&sent).inbox();
            assert_eq!(fs::read_dir(inbox).unwrap().count(), 3);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_guest_leaves_in_its_folders_does_no_harm_to_a_backup() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let said = world.says("andy", "one").await;
            world.next_reply("andy").await;
            let dir = world.dir_of(&said);
            let work = dir.work();
            std::os::unix::fs::symlink("/etc", work.join("etc")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", dir.outbox().join("passwd"))
                .or_else(|_| std::os::unix::fs::symlink("/etc/passwd", work.join("passwd")))
                .unwrap();
            nix::unistd::mkfifo(&work.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
            fs::File::create(work.join("holes")).unwrap().set_len(1 << 40).unwrap();
            fs::write(work.join("two\nlines"), "x").unwrap();
            fs::write(work.join("honest"), "kept").unwrap();
            let archive = world.backs_up().await;
            assert!(archive.len() < 4 << 20, "{} bytes", archive.len());
            let manifest = world.moves_to(&archive).await;
            assert_eq!(manifest.left_out_in_all, 5, "{manifest:#?}");
            let names = fs::read_dir(world.dir_of(&said).work()).unwrap();
            assert_eq!(names.count(), 1, "the honest one alone");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_files_are_spoilt_is_named_and_the_others_are_backed_up() {
    World::new()
        .agent("andy")
        .agent("bea")
        .with_errors()
        .run(async |world| {
            let said = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.says("bea", "two").await;
            world.next_reply("bea").await;
            world.until_state("andy", "asleep").await;
            let inbound = world.dir_of(&said).inbound_db();
            fs::write(inbound, "none any more\n".repeat(1_000)).unwrap();
            let archive = world.backs_up().await;
            let manifest = world.moves_to(&archive).await;
            assert_eq!(manifest.broken.len(), 1, "{manifest:#?}");
            assert!(manifest.broken[0].contains("damaged"), "{manifest:#?}");
            world.says("bea", "three").await;
            assert_eq!(world.next_reply("bea").await, "You said: three");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn sessions_newer_than_the_central_database_go_on_and_none_is_deleted() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            let first = world.says("andy", "one").await;
            world.next_reply("andy").await;
            let copy = world.copies_central();
            world.says("andy", "two").await;
            world.next_reply("andy").await;
            let stranger = world.says("bea", "of a session that the copy does not know").await;
            world.next_reply("bea").await;
            world.until_state("andy", "asleep").await;
            world.until_state("bea", "asleep").await;
            world.says("andy", "three\n!slow 5000").await;
            world.passes(Duration::from_secs(1)).await;
            world.goes_back_to(&copy).await;
            assert_eq!(world.next_reply("andy").await, "You said: three");
            let again = world.says("andy", "four").await;
            assert_eq!(world.next_reply("andy").await, "You said: four");
            assert_eq!(again.session_id, first.session_id);
            let runs = world.runs(first.session_id.as_str()).await;
            assert!(runs.iter().all(|run| run.outcome.is_some()), "{runs:?}");
            let orphans = world.orphan_folders().await;
            assert_eq!(orphans.len(), 1, "{orphans:?}");
            assert!(orphans[0].ends_with(stranger.session_id.as_str()), "{orphans:?}");
            world.says("bea", "a fresh one").await;
            assert_eq!(world.next_reply("bea").await, "You said: a fresh one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_its_agent_keeps_goes_and_the_conversation_goes_on() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("agents set andy --keep 30d").await;
            let attachments = vec![file("old.txt")];
            let text = "of long ago\n!file report.txt 10".to_owned();
            let old = SendMessage { text, attachments, ..SendMessage::default() };
            let first = world.send("andy", old).await.unwrap();
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            world.passes(days(20)).await;
            world.says("andy", "of last month").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            let dir = world.dir_of(&first);
            let files = || [dir.inbox(), dir.outbox()].map(|at| fs::read_dir(at).unwrap().count());
            assert_eq!(files(), [1, 1]);
            world.passes(days(12)).await;
            let list = world.cli(&format!("messages list {}", first.session_id)).await;
            assert!(
                list.contains("of last month") && !list.contains("in    of long ago"),
                "{list}"
            );
            assert_eq!(files(), [0, 0]);
            let runs = world.runs(first.session_id.as_str()).await;
            assert_eq!(runs.len(), 1, "{runs:?}");
            // What the agent's own file still holds is not posted again.
            let last = world.says("andy", "and now").await;
            assert_eq!(world.next_reply("andy").await, "You said: and now");
            assert!(last.seq > first.seq.map(|seq| seq + 2), "numbers go on: {last:?}");
            world.expect_silence("andy", days(1)).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_lazaret_toml_keeps_holds_for_agents_that_say_nothing() {
    World::new()
        .agent("andy")
        .agent("bea")
        .agent("cleo")
        .keeps(30)
        .run(async |world| {
            world.cli("agents set bea --keep forever").await;
            world.cli("agents set cleo --keep 60d").await;
            let mut sessions = Vec::new();
            for agent in ["andy", "bea", "cleo"] {
                sessions.push(world.says(agent, "of last month").await.session_id);
                world.next_reply(agent).await;
                world.passes(days(1)).await;
                world.says(agent, "the newest stays").await;
                world.next_reply(agent).await;
            }
            world.passes(days(35)).await;
            let mut kept = Vec::new();
            for session in &sessions {
                let list = world.cli(&format!("messages list {session}")).await;
                // What the agent wrote lies in its own file.
                let said = |line: &str| line.contains("of last month") && !line.contains("You");
                kept.push(list.lines().any(said));
            }
            assert_eq!(kept, [false, true, true]);
            assert!(world.cli("agents show andy").await.contains("30 days, as lazaret.toml says"));
            assert!(world.cli("agents show bea").await.contains("forever"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_post_on_its_way_when_a_backup_was_made_is_looked_up_and_not_sent_twice() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let archive = world.backs_up_while_it_posts().await;
            world.platform.recovers();
            assert_eq!(world.next_reply("andy").await, "You said: one");
            world.moves_to(&archive).await;
            world.passes(Duration::from_secs(60)).await;
            assert_eq!((world.platform.took().len(), world.platform.asked()), (1, 1));
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_post_that_never_arrived_before_a_backup_is_sent_by_the_restored_home() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let archive = world.backs_up_while_it_posts().await;
            world.platform.lets_new_posts_through();
            world.moves_to(&archive).await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!((world.platform.took().len(), world.platform.asked()), (1, 1));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_word_about_it_everything_is_kept() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let first = world.says("andy", "for ever").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            world.passes(days(40)).await;
            let list = world.cli(&format!("messages list {}", first.session_id)).await;
            assert!(list.contains("for ever"), "{list}");
            assert_eq!(world.copies(), 3, "and three copies of the central database");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_fills_its_folders_is_stopped_and_goes_on_once_there_is_room() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.cli("agents set andy --disk 1M").await;
            let said = world.says("andy", "one").await;
            world.next_reply("andy").await;
            let large = world.dir_of(&said).work().join("large");
            fs::write(&large, vec![1; 900 << 10]).unwrap();
            world.passes(Duration::from_secs(70)).await;
            let list = world.cli("sessions list").await;
            assert!(list.contains("make room, or it ends"), "{list}");
            assert_eq!(world.ask(Request::Status).await.unwrap().waiting.large, 1);
            fs::write(&large, vec![1; 2 << 20]).unwrap();
            let notice = world.next_notice("andy").await;
            assert!(notice.contains("more than 1 MiB"), "{notice}");
            world.until_state("andy", "set aside").await;
            assert_eq!(world.yard.running(), 0);
            fs::remove_file(&large).unwrap();
            world.cli(&format!("sessions reset {}", said.session_id)).await;
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
        })
        .await;
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

fn file(name: &str) -> Attachment {
    serde_json::from_value(serde_json::json!({"name": name, "data": "aGVsbG8="})).unwrap()
}
