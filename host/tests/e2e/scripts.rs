//! A task's script may act, so nobody runs it again unasked; and what a run used is told.

use std::{path::PathBuf, time::Duration};

use guest::steps::Step;

use crate::world::World;

/// It leaves a line each time, and says that the model is to be asked.
const COUNTS: &str = r#"echo ran >> ran; echo "{\"wakeAgent\": true, \"data\": \"found\"}""#;

impl World {
    /// A line of this file for each time that a script ran.
    async fn runs_of_the_script(&self) -> usize {
        let ran = self.work_of_the_one().await.join("ran");
        std::fs::read_to_string(ran).unwrap_or_default().lines().count()
    }

    async fn work_of_the_one(&self) -> PathBuf {
        let session = self.sessions().await.remove(0).id;
        self.dir_of_session(session.as_str()).work()
    }

    /// What became of a task's one time.
    async fn came_of(&self, task: &str) -> String {
        let log = self.log_of(task).await.remove(0);
        log.split_once(' ').unwrap().1.to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_script_whose_guest_is_killed_is_not_run_again_and_the_room_is_asked() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "hello").await;
            world.next_reply("andy").await;
            let ran = world.work_of_the_one().await.join("ran");
            world.task("look --name look --at +1m --script 'echo ran >> ran; sleep 29'").await;
            world.passes(Duration::from_secs(60)).await;
            // No time passes in this world while the script is at work in the real one.
            while !ran.exists() {
                tokio::task::yield_now().await;
            }
            world.yard.kill_the_one().await;
            assert!(world.next_notice("andy").await.contains("/retry"));
            world.passes(Duration::from_secs(600)).await;
            let came = world.came_of("look").await;
            assert_eq!((world.runs_of_the_script().await, came.as_str()), (1, "interrupted"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_script_found_is_kept_over_failed_tries_and_deaths() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world
                .task(&format!("'!fail retry busy' --name busy --at +1m --script '{COUNTS}'"))
                .await;
            assert!(world.next_notice("andy").await.contains("busy"));
            assert_eq!(world.runs_of_the_script().await, 1, "five tries, one script");
            world.yard.guest_dies_at(Step::Answered, 1);
            world.task(&format!("Look: --name look --at +1m --script '{COUNTS}'")).await;
            assert_eq!(world.next_reply("andy").await, "You said: Look:\n\nfound");
            assert!(world.yard.guest_died());
            assert_eq!(world.runs_of_the_script().await, 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_run_used_stands_in_the_ledger_the_tasks_log_and_the_answer_to_cost() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.task("'!cost 0.25' --name paid --at +1m").await;
            world.next_reply("andy").await;
            let sent = world.says("andy", "one two three").await;
            assert_eq!(world.next_reply("andy").await, "You said: one two three");
            world.until_state("andy", "asleep").await;
            let used: Vec<_> = world.runs(sent.session_id.as_str()).await;
            let used: Vec<_> = used.iter().filter_map(|run| run.used).collect();
            assert!(used.iter().all(|used| used.input_tokens > 0 && used.output_tokens >= 2));
            assert_eq!(
                used.iter().map(|used| used.cost_usd).collect::<Vec<_>>(),
                [Some(0.0), Some(0.25)]
            );
            let log = world.command("tasks log paid").await.unwrap();
            assert_eq!(log.data.pointer("/0/cost_usd").unwrap(), 0.25);
            world.says("andy", "/cost").await;
            let said = world.next_notice("andy").await;
            assert!(said.ends_with("Cost: $0.2500."), "{said}");
        })
        .await;
}
