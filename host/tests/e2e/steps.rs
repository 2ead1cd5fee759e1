//! A host, or a guest, that dies at each of its own steps: what was said is answered once, what was
//! asked for is done once, and the books are right.

use std::{collections::BTreeMap, time::Duration};

use guest::steps::Step as GuestStep;
use host::{error::Result, steps::Step};
use schemas::{
    admin::{Accepted, RoomEvent, SendMessage},
    content::Attachment,
    message::Outcome,
};

use crate::world::World;

const CREATE: &str =
    r#"!action {"requestId":"new","action":"create_agent","name":"helper","prompt":"Help."}"#;

/// A story that comes to every step, told to a host that dies in the middle of it.
struct Story {
    heard: BTreeMap<i64, String>,
    sent: Vec<Accepted>,
}

impl World {
    /// Does something until a host lives through it.
    pub(crate) async fn insists<T>(&mut self, act: impl AsyncFn(&mut Self) -> Result<T>) -> T {
        loop {
            match act(self).await {
                Ok(done) => return done,
                Err(_) if self.host_died() => self.revive_host().await,
                Err(failure) => panic!("{}", failure.chain()),
            }
        }
    }

    /// Waits until something holds; a host that dies meanwhile is followed by another.
    pub(crate) async fn until(&mut self, what: &str, holds: impl AsyncFn(&mut Self) -> bool) {
        for _ in 0..20_000 {
            self.revive_host().await;
            if holds(self).await {
                return;
            }
            self.passes(Duration::from_secs(5)).await;
        }
        panic!("never came: {what}");
    }
}

impl Story {
    async fn says(&mut self, world: &mut World, text: &str) -> Accepted {
        let file = Attachment {
            name: Some("in.txt".to_owned()),
            data: Some("aGVsbG8=".to_owned()),
            ..Attachment::default()
        };
        let message = SendMessage {
            text: text.to_owned(),
            client_id: Some(format!("key-{}", self.sent.len())),
            attachments: vec![file],
            ..SendMessage::default()
        };
        let accepted = world.insists(async |world| world.send("andy", message.clone()).await).await;
        self.sent.push(accepted.clone());
        accepted
    }

    fn listens(&mut self, world: &mut World) {
        for event in world.overheard("andy") {
            if let RoomEvent::Message(said) = event {
                let again = self.heard.insert(said.seq, said.text.clone());
                assert!(again.is_none_or(|text| text == said.text), "another under its number");
            }
        }
    }

    /// Waits for something that andy says.
    async fn hears(&mut self, world: &mut World, start: &str) -> String {
        for _ in 0..20_000 {
            world.revive_host().await;
            self.listens(world);
            if let Some(text) = self.heard.values().find(|text| text.starts_with(start)) {
                return text.clone();
            }
            world.passes(Duration::from_millis(100)).await;
        }
        panic!("never heard: {start}; heard: {:#?}", self.heard);
    }

    /// The same where a tool acts, and somebody has it tried again when that broke off.
    async fn has_it_done(&mut self, world: &mut World, start: &str) {
        while !self.heard.values().any(|text| text.starts_with(start)) {
            world.revive_host().await;
            if let Ok(failed) = world.command("messages list --failed").await
                && let Some(id) = failed.data.pointer("/0/id")
            {
                // The host may die over it; what is still in the list is asked for again.
                drop(world.command(&format!("messages retry {}", id.as_str().unwrap())).await);
            }
            world.passes(Duration::from_millis(100)).await;
            self.listens(world);
        }
    }

    async fn is_told(&mut self, world: &mut World) {
        self.says(world, "one\n!slow 1500\n!file out.txt 20").await;
        self.hears(world, "You said: one").await;
        self.says(world, "two\n!admin agents list").await;
        self.hears(world, "You said: Your request r").await;

        self.says(world, "three\n!ask Which?|a|b").await;
        self.hears(world, "Which?").await;
        let asked = world.insists(async |world| world.command("questions list").await).await;
        let id = asked.data.pointer("/0/id").unwrap().as_str().unwrap().to_owned();
        let answer = format!("questions answer {id} a");
        world
            .insists(async |world| match world.command(&answer).await {
                // It was answered, and the host died before it said so.
                Err(late) if late.chain().contains("answered before") => Ok(()),
                answered => answered.map(drop),
            })
            .await;

        self.says(world, &format!("four\n{CREATE}")).await;
        self.hears(world, "You said: Your request new waits").await;
        let waits = world.insists(async |world| world.command("approvals list").await).await;
        let id = waits.data.pointer("/0/id").unwrap().as_str().unwrap().to_owned();
        let approve = format!("approvals approve {id}");
        world
            .insists(async |world| match world.command(&approve).await {
                Err(late) if late.chain().contains("approved") => Ok(()),
                answered => answered.map(drop),
            })
            .await;
        self.hears(world, "You said: Your request new was done").await;
        world
            .insists(async |world| {
                match world.command("tasks create andy five --name five --at +1m").await {
                    Err(late) if late.chain().contains("has a task") => Ok(()),
                    made => made.map(drop),
                }
            })
            .await;
        self.hears(world, "You said: five").await;
        let command = SendMessage {
            text: "/queue".to_owned(),
            client_id: Some("queue".to_owned()),
            ..SendMessage::default()
        };
        world.insists(async |world| world.send("andy", command.clone()).await).await;
        self.says(world, "six\n!call send_message {\"text\":\"posted\"}\n!append notes line").await;
        self.has_it_done(world, "You said: six").await;
        world
            .until("every session sleeps", async |world| {
                let Ok(sessions) = world.ask(host::requests::Request::Sessions).await else {
                    return false;
                };
                sessions.iter().all(|one| one.state == "asleep") && world.yard.running() == 0
            })
            .await;
    }

    async fn ends_well(&mut self, world: &mut World) {
        let session = self.sent.first().unwrap().session_id.to_string();
        for word in ["one", "two", "three", "four", "five", "six"] {
            let answers = self.heard.values().filter(|text| text.contains(&format!(": {word}")));
            assert_eq!(answers.count(), 1, "answers to {word}: {:#?}", self.heard);
        }
        let came = world.books(&session);
        for (what, times) in [("action_response", 3), ("question_response", 1)] {
            let rows =
                came.iter().filter(|row| row.get("type").is_some_and(|kind| kind == what)).count();
            assert_eq!(rows, times, "{what}: {came:#?}");
        }
        for row in came.iter().filter_map(|row| row.pointer("/attachments/0")) {
            let path =
                row.get("localPath").and_then(|path| path.as_str()).expect("the file was kept");
            let file = world.dir_of_session(&session).inbox_file(path).unwrap();
            assert_eq!(std::fs::read(file).unwrap(), b"hello");
        }
        let inboxes = std::fs::read_dir(world.dir_of_session(&session).inbox()).unwrap().count();
        assert_eq!(inboxes, self.sent.len(), "no files without a row");
        let runs = world.runs(&session).await;
        let (done, broken): (Vec<_>, Vec<_>) =
            runs.iter().partition(|run| run.outcome == Some(Outcome::Completed));
        let asked = broken.iter().all(|run| run.outcome == Some(Outcome::Interrupted));
        assert!(asked && broken.len() <= 1, "only a tool's turn is asked about: {runs:#?}");
        let mut settled: Vec<_> = done.iter().flat_map(|run| &run.message_ids).collect();
        let all = settled.len();
        settled.sort();
        settled.dedup();
        assert_eq!((all, settled.len()), (10, 10), "five messages, four of the host's, a task");
        let notes = world.dir_of_session(&session).work().join("notes");
        assert_eq!(std::fs::read_to_string(notes).unwrap(), "line\n", "the tool acted once");
        let agents = world.command("agents list").await.unwrap().data;
        assert_eq!(agents.as_array().unwrap().len(), 2, "the agent was made once");
    }
}

async fn lives_through(arm: impl AsyncFnOnce(&mut World), died: impl FnOnce(&World) -> bool) {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            arm(world).await;
            let mut story = Story { heard: BTreeMap::new(), sent: Vec::new() };
            story.is_told(world).await;
            assert!(died(world), "the story never came to the step");
            story.ends_well(world).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_dies_at_any_of_its_steps_loses_nothing_and_does_nothing_twice() {
    for step in Step::ALL {
        for nth in [1, 2] {
            let _told = Told(format!("{step:?} {nth}"));
            let arm = async |world: &mut World| {
                if step == Step::Begun {
                    world.next_host_dies_at(step, nth);
                    world.crash_host().await;
                    world.start_host().await;
                } else {
                    world.host_dies_at(step, nth);
                }
            };
            lives_through(arm, |world| nth > 1 || world.lives() > 1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_dies_at_any_of_its_steps_loses_nothing_and_does_nothing_twice() {
    for step in GuestStep::ALL {
        let _told = Told(format!("{step:?}"));
        let arm = async |world: &mut World| world.yard.guest_dies_at(step, 1);
        lives_through(arm, |world| world.yard.guest_died()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_host_gave_up_and_did_not_live_to_fold_is_not_tried_by_the_next() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.host_dies_at(Step::RunsSettled, 1);
            let sent = world.says("andy", "!exit 3").await;
            world.until("it was given up", async |world| world.lives() > 1).await;
            let started = world.yard.started();
            let id = sent.session_id.to_string();
            world.passes(Duration::from_secs(3_600)).await;
            let runs = world.runs(&id).await;
            assert_eq!((runs.len(), world.yard.started()), (1, started), "{runs:?}");
            let failed = world.command("messages list --failed").await.unwrap().data;
            assert_eq!(failed.as_array().unwrap().len(), 1);
        })
        .await;
}

/// Says where it was when a test fails.
struct Told(String);

impl Drop for Told {
    #[expect(clippy::print_stderr, reason = "a failure is told where failures are told")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was to die at {}", self.0);
        }
    }
}
