//! What is done at a time: by people's wish, by an agent's own, and what comes of it.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use crate::world::{World, address};

const HOUR: Duration = Duration::from_secs(3_600);

impl World {
    /// Makes a task of andy's in its own room, and listens there.
    pub(crate) async fn task(&mut self, words: &str) {
        self.listen(&address("andy", None));
        self.command(&format!("tasks create andy {words}")).await.unwrap();
    }

    /// What came of a task's times, oldest first: `08:00 completed`.
    pub(crate) async fn log_of(&self, task: &str) -> Vec<String> {
        let log = self.command(&format!("tasks log {task}")).await.unwrap().data;
        let line = |one: &Value| {
            let word = |name| one.get(name).and_then(Value::as_str);
            let at = word("scheduled").unwrap().get(11..16).unwrap();
            format!("{at} {}", word("outcome").unwrap_or("open"))
        };
        log.as_array().unwrap().iter().rev().map(line).collect()
    }

    async fn field_of(&self, task: &str, field: &str) -> Value {
        let shown = self.command(&format!("tasks show {task}")).await.unwrap().data;
        shown.get(field).cloned().unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn every_morning_a_task_is_done_and_answered_in_its_room() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T06:30:00Z");
            world
                .task("'Good morning' --name morning --every '0 8 * * *' --zone Europe/Berlin")
                .await;
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: Good morning");
            world.passes(24 * HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: Good morning");
            assert_eq!(world.log_of("morning").await, ["07:00 completed", "07:00 completed"]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_host_that_was_down_missed_is_let_go_by_or_made_up_for_as_the_task_says() {
    for (missed, log) in [
        ("skip", ["09:00 skipped", "10:00 skipped", "11:00 skipped"]),
        ("once", ["09:00 skipped", "10:00 skipped", "11:00 completed"]),
        ("all", ["09:00 completed", "10:00 completed", "11:00 completed"]),
    ] {
        World::new()
            .agent("andy")
            .run(async |world| {
                world.it_is("2026-11-20T08:30:00Z");
                world.task(&format!("look --name look --every @hourly --missed {missed}")).await;
                world.stop_host().await;
                world.passes(3 * HOUR).await;
                world.start_host().await;
                world.passes(HOUR / 6).await;
                for _ in log.iter().filter(|line| line.ends_with("completed")) {
                    assert_eq!(world.next_reply("andy").await, "You said: look");
                }
                assert_eq!(world.log_of("look").await, log, "{missed}");
                assert_eq!(world.field_of("look", "next_at").await, "2026-11-20T12:00:00Z");
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_morning_is_a_morning_on_both_sides_of_a_change_of_the_clock() {
    for (before, times) in [
        // 02:30 does not exist on the second day, and exists twice on the second of the others.
        ("2027-03-26T20:00:00Z", ["01:30", "01:30", "00:30"]),
        ("2027-10-29T20:00:00Z", ["00:30", "00:30", "01:30"]),
    ] {
        World::new()
            .agent("andy")
            .run(async |world| {
                world.it_is(before);
                world.task("up --name up --every '30 2 * * *' --zone Europe/Berlin").await;
                for _ in times {
                    world.passes(24 * HOUR).await;
                    assert_eq!(world.next_reply("andy").await, "You said: up");
                }
                let wanted = times.map(|at| format!("{at} completed"));
                assert_eq!(world.log_of("up").await, wanted, "{before}");
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_nothing_twice_and_one_set_forward_is_noticed() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:50:00Z");
            world.task("look --name look --every '0 * * * *'").await;
            world.passes(HOUR / 4).await;
            assert_eq!(world.next_reply("andy").await, "You said: look");
            world.clock_steps(-SignedDuration::from_mins(30));
            world.passes(HOUR).await;
            assert_eq!(world.log_of("look").await, ["09:00 completed"]);
            world.clock_steps(SignedDuration::from_mins(30));
            world.passes(Duration::from_secs(40)).await;
            assert_eq!(world.next_reply("andy").await, "You said: look");
            assert_eq!(world.log_of("look").await, ["09:00 completed", "10:00 completed"]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_paused_resumed_run_now_edited_and_cancelled_as_one_series() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            world.task("one --name look --every @hourly").await;
            let id = world.field_of("look", "id").await;
            world.command("tasks pause look").await.unwrap();
            world.passes(2 * HOUR).await;
            assert_eq!(world.log_of("look").await, Vec::<String>::new());
            world.command("tasks run look").await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: one");
            world.command("tasks resume look").await.unwrap();
            world.command("tasks set look --prompt two --every '15 * * * *'").await.unwrap();
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
            assert_eq!(world.log_of("look").await, ["10:30 completed", "11:15 completed"]);
            assert_eq!(world.field_of("look", "id").await, id);
            world.command("tasks cancel look").await.unwrap();
            world.passes(3 * HOUR).await;
            let id = id.as_str().unwrap();
            assert_eq!(world.log_of(id).await.len(), 2);
            let refused = world.cli(&format!("tasks resume {id}")).await;
            assert!(refused.contains("is over: cancelled"), "{refused}");
        })
        .await;
}

/// Found by the simulation: it stayed active for ever, without a time.
#[tokio::test(start_paused = true)]
async fn a_single_time_that_is_at_work_when_its_task_is_paused_is_done_with_its_end() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.task("'look\n!slow 60000' --name look --at +1m").await;
            let id = world.field_of("look", "id").await.as_str().unwrap().to_owned();
            world.passes(Duration::from_secs(90)).await;
            world.command("tasks pause look").await.unwrap();
            assert_eq!(world.next_reply("andy").await, "You said: look");
            world.passes(Duration::from_secs(1)).await;
            assert_eq!(world.field_of(&id, "status").await, "done");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_eight_times_in_a_row_is_paused_and_people_are_told() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            world.task("'!fail final no way' --name look --every @hourly").await;
            world.passes(10 * HOUR).await;
            assert_eq!(
                world.log_of("look").await,
                ["09", "10", "11", "12", "13", "14", "15", "16"]
                    .map(|hour| format!("{hour}:00 failed"))
            );
            let mut said = world.next_notice("andy").await;
            while !said.contains("is paused") {
                said = world.next_notice("andy").await;
            }
            assert!(said.contains("failed 8 times in a row") && said.contains("no way"), "{said}");
            world.command("tasks set look --prompt fine").await.unwrap();
            world.command("tasks resume look").await.unwrap();
            assert_eq!(world.field_of("look", "failures").await, 0);
            world.passes(HOUR).await;
            assert_eq!(world.next_reply("andy").await, "You said: fine");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_single_time_that_went_wrong_is_told_and_can_be_tried_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.task("'!fail final no way' --name once --at +10m").await;
            world.passes(HOUR).await;
            let mut said = world.next_notice("andy").await;
            while !said.contains("was not done") {
                said = world.next_notice("andy").await;
            }
            assert!(said.contains("no way") && said.contains("lazaret tasks run task-"), "{said}");
            let listed = world.command("tasks list").await.unwrap();
            assert!(listed.text.contains("failed"), "{}", listed.text);
            let id = listed.data.pointer("/0/id").unwrap().as_str().unwrap().to_owned();
            world.command(&format!("tasks run {id}")).await.unwrap();
            world.passes(HOUR).await;
            assert_eq!(world.field_of(&id, "status").await, "failed");
            assert_eq!(
                world
                    .command(&format!("tasks log {id}"))
                    .await
                    .unwrap()
                    .data
                    .as_array()
                    .unwrap()
                    .len(),
                2
            );
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_script_spares_the_models_call_or_tells_it_what_it_found() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            let script = r#"if [ -e new ]; then echo "{\"wakeAgent\": true, \"data\": \"$(cat new)\"}"; else echo "{\"wakeAgent\": false}"; fi"#;
            world.task(&format!("Look: --name look --every '*/5 * * * *' --script '{script}'")).await;
            world.passes(HOUR / 12).await;
            world.expect_silence("andy", Duration::from_secs(120)).await;
            assert_eq!(world.log_of("look").await, ["08:35 completed"]);
            let session = world.sessions().await.remove(0).id;
            std::fs::write(world.dir_of_session(session.as_str()).work().join("new"), "mail").unwrap();
            world.passes(HOUR / 12).await;
            assert_eq!(world.next_reply("andy").await, "You said: Look:\n\nmail");
            world.command("tasks set look --script 'echo not json; exit 1'").await.unwrap();
            world.passes(HOUR / 12).await;
            let log = world.command("tasks log look -n 1").await.unwrap().data;
            let why = log.pointer("/0/reason").unwrap().as_str().unwrap();
            assert!(why.contains("the script failed: exit status: 1"), "{why}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn two_tasks_of_one_second_are_two_runs() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            world.task("one --name one --at 09:00").await;
            world.task("two --name two --at 09:00").await;
            world.passes(HOUR).await;
            let mut said = [world.next_reply("andy").await, world.next_reply("andy").await];
            said.sort();
            assert_eq!(said, ["You said: one", "You said: two"]);
            let session = world.sessions().await.remove(0).id;
            assert_eq!(world.runs(session.as_str()).await.len(), 2);
            assert_eq!(world.cli("tasks list").await, "NAME  AGENT  ROOM  WHEN  STATUS  NEXT  ID");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_script_at_work_is_stopped_with_all_that_it_started() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            let started = world.dir_of(&sent).work().join("started");
            world.task("look --name look --at +1m --script 'touch started; sleep 29'").await;
            world.passes(Duration::from_secs(60)).await;
            // No time passes in this world while the script is at work in the real one.
            while !started.exists() {
                tokio::task::yield_now().await;
            }
            let began = std::time::Instant::now();
            world.says("andy", "/stop").await;
            while world.log_of("look").await.iter().any(|line| line.ends_with("open")) {
                tokio::task::yield_now().await;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it was not waited for");
            assert_eq!(world.field_of("look", "status").await, "cancelled");
        })
        .await;
}
