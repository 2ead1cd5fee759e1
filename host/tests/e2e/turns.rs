//! Turns that act, break off or hang: nothing is done twice, and nobody hears nothing.

use std::{fs, time::Duration};

use schemas::{
    admin::{Accepted, RoomEvent},
    message::Outcome,
};

use crate::world::World;

/// How a turn ended, as its room heard it.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Answered,
    Asked,
}

impl World {
    /// What an agent's tool left behind.
    fn left_behind(&self, sent: &Accepted, file: &str) -> String {
        fs::read_to_string(self.dir_of(sent).work().join(file)).unwrap_or_default()
    }

    /// A warm guest is to append a line; answers when that is durable.
    pub(crate) async fn wants_a_line(&mut self, file: &str) -> Accepted {
        self.says("andy", "warm?").await;
        self.next_reply("andy").await;
        self.says("andy", &format!("!slow 10\n!append {file} line\n!slow 10\n{file}")).await
    }

    /// Some moment of such a turn: before the tool, while it acts, after it, after the turn.
    pub(crate) async fn at_moment(&self, n: u64) {
        self.passes(Duration::from_millis(n * 3 / 4)).await;
        for _ in 0..n % 7 {
            tokio::task::yield_now().await;
        }
    }

    /// Whether the turn is answered, or the room is asked; its line stands once, or perhaps.
    async fn hears_of_it(&mut self, sent: &Accepted, file: &str) -> Heard {
        let heard = loop {
            match self.next_event("andy", None).await {
                RoomEvent::Message(said) if said.text == format!("You said: {file}") => {
                    break Heard::Answered;
                }
                RoomEvent::Notice { text, .. } if text.contains("/retry") => break Heard::Asked,
                RoomEvent::Message(_)
                | RoomEvent::Notice { .. }
                | RoomEvent::RunTakesLong { .. }
                | RoomEvent::RunFinished { .. }
                | RoomEvent::Typing { .. }
                | RoomEvent::CaughtUp => {}
            }
        };
        let lines = self.left_behind(sent, file).lines().count();
        assert!(lines == 1 || (heard == Heard::Asked && lines == 0), "{file}: {lines} lines");
        heard
    }

    /// Every message has one settled run, whatever died.
    pub(crate) async fn books_are_right(&self, sent: &Accepted, messages: usize) {
        self.until_state("andy", "asleep").await;
        let runs = self.runs(sent.session_id.as_str()).await;
        let mut ids: Vec<_> = runs.iter().flat_map(|run| run.message_ids.clone()).collect();
        assert_eq!(ids.len(), messages, "each message is in one run");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), messages, "and in one only");
    }

    /// The rest of what the host says until nothing happens any more for so long.
    pub(crate) async fn words_of_the_host(&mut self, pause: Duration) -> Vec<String> {
        self.passes(pause).await;
        let notices = self.overheard("andy").into_iter().filter_map(|event| match event {
            RoomEvent::Notice { text, .. } => Some(text),
            RoomEvent::Message(_)
            | RoomEvent::RunTakesLong { .. }
            | RoomEvent::RunFinished { .. }
            | RoomEvent::Typing { .. }
            | RoomEvent::CaughtUp => None,
        });
        notices.collect()
    }

    /// A guest whose heart beats, and that does nothing else.
    async fn beats_on(&self, sent: &Accepted, time: Duration) {
        let until = self.now() + time;
        while self.now() < until {
            let heartbeat = fs::File::create(self.dir_of(sent).heartbeat()).unwrap();
            heartbeat.set_modified(self.now().into()).unwrap();
            self.passes(Duration::from_secs(10)).await;
        }
    }
}

pub(crate) fn asked_to_retry(said: &[String]) -> usize {
    said.iter().filter(|said| said.contains("/retry")).count()
}

/// Death comes at any moment of a turn that acts: its line stands once, or the room is asked.
async fn once_or_asked(death: impl AsyncFn(&mut World)) {
    World::new()
        .agent("andy")
        .run(async |world| {
            let mut heard = Vec::new();
            for moment in 0..40 {
                let file = format!("notes{moment}");
                let sent = world.wants_a_line(&file).await;
                world.at_moment(moment).await;
                death(world).await;
                heard.push(world.hears_of_it(&sent, &file).await);
                if moment == 39 {
                    world.books_are_right(&sent, 80).await;
                }
            }
            assert!(heard.contains(&Heard::Asked) && heard.contains(&Heard::Answered), "{heard:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_killed_anywhere_appends_its_line_once_or_the_room_is_asked() {
    once_or_asked(async |world| world.yard.kill_the_one().await).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_killed_anywhere_while_a_tool_acts_changes_nothing() {
    World::new()
        .agent("andy")
        .run(async |world| {
            for moment in 0..40 {
                let file = format!("notes{moment}");
                let sent = world.wants_a_line(&file).await;
                world.at_moment(moment).await;
                world.crash_host().await;
                world.start_host().await;
                assert_eq!(world.hears_of_it(&sent, &file).await, Heard::Answered);
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_and_its_container_killed_anywhere_append_the_line_once_or_ask() {
    once_or_asked(async |world| {
        world.crash_host().await;
        world.yard.kill_the_one().await;
        world.start_host().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_found_running_goes_on_where_its_container_lives_and_is_over_where_it_has_acted() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!append a line\n!slow 120000\na").await;
            world.passes(Duration::from_secs(5)).await;
            world.crash_host().await;
            world.start_host().await;
            assert_eq!(world.hears_of_it(&sent, "a").await, Heard::Answered);
            world.says("andy", "!append b line\n!slow 120000\nb").await;
            world.passes(Duration::from_secs(5)).await;
            world.crash_host().await;
            world.yard.kill_the_one().await;
            let before = world.yard.started();
            world.start_host().await;
            assert_eq!(world.hears_of_it(&sent, "b").await, Heard::Asked);
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Interrupted, .. }));
            assert_eq!(world.yard.started(), before, "nothing starts for it");
            world.says("andy", "next").await;
            assert_eq!(world.next_reply("andy").await, "You said: next");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_itself_after_it_has_acted_is_not_tried_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!append notes line\n!exit 3").await;
            let said = world.next_notice("andy").await;
            assert!(said.contains("/retry") && !said.contains("exit"), "{said}");
            world.passes(Duration::from_secs(3_600)).await;
            assert_eq!(world.left_behind(&sent, "notes"), "line\n");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_of_a_turn_that_has_acted_says_what_it_had_said_and_asks() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!append notes line\n!say half of it\n!slow 60000").await;
            world.passes(Duration::from_secs(5)).await;
            world.cli(&format!("sessions restart {} --now", sent.session_id)).await;
            assert_eq!(world.next_reply("andy").await, "half of it … (stopped)");
            assert_eq!(world.hears_of_it(&sent, "notes").await, Heard::Asked);
            world.expect_silence("andy", Duration::from_secs(900)).await;
            assert_eq!(world.left_behind(&sent, "notes"), "line\n");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_beats_and_does_not_get_on_is_interrupted_killed_and_followed_by_another() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "one\n!slow 5000").await;
            world.passes(Duration::from_secs(2)).await;
            world.yard.freeze_the_one();
            world.beats_on(&sent, Duration::from_secs(640)).await;
            assert_eq!(world.yard.started(), 1, "it has ten minutes, and one more");
            world.beats_on(&sent, Duration::from_secs(60)).await;
            assert_eq!(world.next_reply("andy").await, "You said: one");
            assert_eq!(world.yard.started(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_declared_its_time_is_waited_for_and_asked_about_when_its_guest_hangs() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!append notes line\n!tool 5000 3600000\n").await;
            world.passes(Duration::from_secs(2)).await;
            world.yard.freeze_the_one();
            world.beats_on(&sent, Duration::from_secs(3_600)).await;
            assert_eq!(world.yard.running(), 1);
            world.beats_on(&sent, Duration::from_secs(120)).await;
            assert_eq!(asked_to_retry(&world.words_of_the_host(Duration::from_secs(60)).await), 1);
            assert_eq!(world.left_behind(&sent, "notes"), "line\n");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_gets_on_is_tried_five_times_and_the_room_is_told() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!slow 90000000").await;
            let said = world.next_notice("andy").await;
            assert_eq!(said, "I could not answer: nothing came from my provider for too long");
            let ended = world.next_outcome("andy").await;
            assert!(matches!(ended, RoomEvent::RunFinished { outcome: Outcome::Failed, .. }));
            assert_eq!(world.yard.started(), 1, "its guest is not to blame");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_hung_while_no_host_was_there_is_ended_by_the_next_and_the_room_is_asked() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!append notes line\n!slow 60000\nnotes").await;
            world.passes(Duration::from_secs(5)).await;
            world.crash_host().await;
            world.yard.freeze_the_one();
            world.passes(Duration::from_secs(600)).await;
            world.start_host().await;
            let began = world.now();
            assert_eq!(world.hears_of_it(&sent, "notes").await, Heard::Asked);
            assert!(world.now() < began + Duration::from_secs(90));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_room_hears_calm_sentences_and_the_log_has_the_causes() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            let sent = world.says("andy", "!exit 3").await;
            let said = world.words_of_the_host(Duration::from_secs(900)).await;
            let gave_up =
                "I could not answer: the agent's container ended unexpectedly, again and again";
            assert_eq!(said.last().map(String::as_str), Some(gave_up));
            fs::write(world.dir_of(&sent).outbound_db(), "no database").unwrap();
            world.says("andy", "one").await;
            let said = world.words_of_the_host(Duration::from_secs(900)).await;
            let internals = ["sqlite", "code", "/", "os error", "panicked", "sess-"];
            let calm = |said: &&String| {
                let plain = said.replace("`lazaret sessions reset`", "").to_lowercase();
                !internals.iter().any(|word| plain.contains(word))
            };
            assert!(!said.is_empty() && said.iter().all(|said| calm(&said)), "{said:?}");
            assert!(!world.errors().is_empty());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_interrupted_is_done_again_once_its_person_says_so() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!append notes line\n!slow 20000\nnotes").await;
            world.passes(Duration::from_secs(5)).await;
            world.yard.kill_the_one().await;
            assert_eq!(world.hears_of_it(&sent, "notes").await, Heard::Asked);
            world.says("andy", "/retry").await;
            assert_eq!(world.next_reply("andy").await, "You said: notes");
            assert_eq!(world.left_behind(&sent, "notes"), "line\nline\n");
        })
        .await;
}
