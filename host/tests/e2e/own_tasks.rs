//! What agents schedule themselves, what people are asked about it, and where a task is done.

use std::time::Duration;

use host::limits::task as limits;
use schemas::policy::{CliScope, Role};

use crate::world::{World, address};

const HOUR: Duration = Duration::from_secs(3_600);

impl World {
    /// Andy asks for something, and tells what it was answered.
    async fn wishes(&mut self, action: &str) -> String {
        self.says("andy", &format!("!action {{\"requestId\":\"r\",{action}}}\n!silent")).await;
        self.next_reply("andy").await
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_schedules_in_its_own_conversation_without_asking_anybody() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            let told = world
                .wishes(
                    r#""action":"schedule_task","prompt":"look","name":"look","every":"@hourly""#,
                )
                .await;
            assert!(told.contains("was done") && told.contains("2026-11-20T09:00:00Z"), "{told}");
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: look");
            let told = world.wishes(r#""action":"list_tasks""#).await;
            assert!(told.contains(r#""name":"look""#), "{told}");
            for (wish, said) in [
                (r#""action":"update_task","task":"look","prompt":"see","at":"+10m""#, "see"),
                (r#""action":"pause_task","task":"look""#, "paused"),
                (r#""action":"resume_task","task":"look""#, "active"),
            ] {
                let told = world.wishes(wish).await;
                assert!(told.contains(said), "{told}");
            }
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: see");
            let told = world.wishes(r#""action":"cancel_task","task":"look""#).await;
            assert!(told.contains("of this conversation (ask for list_tasks)"), "{told}");
            assert!(world.approvals().await.is_empty());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_often_or_no_time_is_refused_with_what_would_be_right() {
    World::new()
        .agent("andy")
        .run(async |world| {
            for (how, why) in [
                (r#""every":"*/5 * * * *""#, "more often than every 15 minutes"),
                (r#""every":"soon""#, "no cron expression"),
                (r#""at":"yesterday""#, "is no time"),
                (r#""at":"+1h","zone":"Mars/Base""#, "no time zone"),
                (r#""often":true"#, "give --at or --every"),
            ] {
                let told =
                    world.wishes(&format!(r#""action":"schedule_task","prompt":"x",{how}"#)).await;
                assert!(told.contains(why), "{told}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_has_no_more_than_so_many_tasks_by_its_own_wish() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let wish = r#"!action {"action":"schedule_task","prompt":"x","every":"@daily"}"#;
            let mut left = limits::BY_ONE_AGENT;
            while left > 0 {
                let some = left.min(25);
                let text = vec![wish; some].join("\n");
                world.says("andy", &format!("{text}\n!silent")).await;
                world.passes(Duration::from_secs(300)).await;
                left -= some;
            }
            while tokio::time::timeout(HOUR / 60, world.next_reply("andy")).await.is_ok() {}
            let told =
                world.wishes(r#""action":"schedule_task","prompt":"x","every":"@daily""#).await;
            assert!(told.contains("may have 50 tasks"), "{told}");
            let listed = world.command("tasks list").await.unwrap().data;
            assert_eq!(listed.as_array().unwrap().len(), limits::BY_ONE_AGENT);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_one_room_had_it_schedule_another_neither_sees_nor_ends() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.command("rooms create slack C1 --group").await.unwrap();
            world.command("rooms set slack:C1 --unknown-sender public").await.unwrap();
            world.command("wirings create slack:C1 andy --mode shared").await.unwrap();
            world
                .wishes(
                    r#""action":"schedule_task","prompt":"secret","name":"mine","every":"@daily""#,
                )
                .await;
            for wish in [r#""action":"list_tasks""#, r#""action":"cancel_task","task":"mine""#] {
                world.says_at(&format!("slack C1 mallory: !action {{{wish}}}\n!silent")).await;
                let told = world.next_post().await;
                assert!(!told.contains("secret") && !told.contains("task-"), "{told}");
            }
            let status = world.command("tasks show mine").await.unwrap().data;
            assert_eq!(status.get("status").unwrap(), "active");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_elsewhere_waits_for_a_persons_yes_and_is_done_there() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.command("rooms create slack C1 --group").await.unwrap();
            world.command("wirings create slack:C1 andy").await.unwrap();
            let wish = r#""action":"schedule_task","prompt":"hello all","at":"+1h","room":"slack:C1","thread":"t1""#;
            let told = world.wishes(wish).await;
            assert!(told.contains("waits for a person"), "{told}");
            world.approve("").await;
            let told = world.next_reply("andy").await;
            assert!(told.contains("was done"), "{told}");
            world.passes(2 * HOUR).await;
            assert_eq!(world.next_post().await, "slack C1/t1: You said: hello all");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_scope_looks_at_its_tasks_by_the_operators_words() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.command("tasks create andy water --name plants --every @daily").await.unwrap();
            let list = "tasks list --agent andy";
            assert!(world.agent_asks("andy", CliScope::Disabled, list).await.is_err());
            let done = world.agent_asks("andy", CliScope::Own, list).await.unwrap();
            assert!(format!("{done:?}").contains("plants"), "{done:?}");
            let held =
                world.agent_asks("andy", CliScope::Own, "tasks cancel plants").await.unwrap();
            assert!(format!("{held:?}").starts_with("Held"), "{held:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn only_an_admin_of_an_agent_has_it_do_things_at_a_time() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let create = "tasks create andy water --every @daily";
            let member = world.person("mia", Some(Role::Member), Some("andy")).await;
            let refused = world.refused(&member, create).await;
            assert_eq!(refused, "you may not change this agent's tasks");
            let admin = world.person("ada", Some(Role::Admin), Some("andy")).await;
            assert!(world.command_of(&admin, create).await.is_ok());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_room_lost_its_wiring_is_paused_and_people_are_told() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.listen(&address("andy", None));
            world.command("tasks create andy look --name look --every @hourly").await.unwrap();
            let said = world.cli("wirings delete terminal:andy/andy --dry-run").await;
            assert!(said.contains("tasks that stop at their next time: look"), "{said}");
            world.command("wirings delete terminal:andy/andy").await.unwrap();
            world.passes(2 * HOUR).await;
            let shown = world.cli("tasks show look").await;
            assert!(shown.contains("andy does not listen in terminal:andy any more"), "{shown}");
            let uses = world.cli("rooms delete terminal:andy").await;
            assert!(uses.contains("1 task (look)"), "{uses}");
            world.command("wirings create terminal:andy andy").await.unwrap();
            world.command("tasks resume look").await.unwrap();
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: look");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_follows_its_conversation_into_a_fresh_session() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.wishes(r#""action":"schedule_task","prompt":"look","every":"@hourly""#).await;
            let first = world.sessions().await.remove(0).id;
            world.command(&format!("sessions archive {first}")).await.unwrap();
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: look");
            let second = world.sessions().await.remove(0).id;
            assert_ne!(first, second);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waited_in_a_conversation_that_was_put_away_is_told() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "hello\n!slow 300000").await;
            world.command("tasks create andy look --name look --at +1m").await.unwrap();
            world.passes(HOUR / 30).await;
            let session = world.sessions().await.remove(0).id;
            world.command(&format!("sessions archive {session}")).await.unwrap();
            let mut said = world.next_notice("andy").await;
            while !said.contains("task look") {
                said = world.next_notice("andy").await;
            }
            assert!(said.contains("the conversation was put away"), "{said}");
            world.until_no_container().await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_goes_takes_its_tasks_along_and_says_so() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.command("tasks create andy look --every @hourly").await.unwrap();
            let said = world.cli("agents delete andy --dry-run").await;
            assert!(said.contains("1 × task"), "{said}");
            world.command("agents delete andy").await.unwrap();
            world.passes(3 * HOUR).await;
            assert_eq!(
                world.cli("tasks list --all").await,
                "NAME  AGENT  ROOM  WHEN  STATUS  NEXT  ID"
            );
        })
        .await;
}
