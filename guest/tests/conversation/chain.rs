//! Several providers in a chain: who is asked, and what a room sees of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use guest::provider::Class;
use schemas::{
    host_side::{Because, Control},
    policy::{AfterSideEffects, ChainEntry},
};

use crate::{
    desk::Desk,
    runtime::{Log, Play, Runtime},
};

/// A guest with these runtimes in its chain, the first with a model of its own.
struct Chained {
    desk: Desk,
    log: Log,
    plays: BTreeMap<&'static str, Arc<Mutex<std::collections::VecDeque<Play>>>>,
}

impl Chained {
    fn of(names: &[&'static str]) -> Self {
        let desk = Desk::new();
        desk.tells(|file| {
            file.provider = names[0].to_owned();
            file.model = Some("big".to_owned());
            let entry = |name: &&str| ChainEntry { provider: (*name).to_owned(), model: None };
            file.fallbacks = names[1..].iter().map(entry).collect();
        });
        let plays = ["one", "two"].into_iter().map(|name| (name, Arc::default())).collect();
        Self { desk, log: Log::default(), plays }
    }

    fn will(&self, name: &str, plays: impl IntoIterator<Item = Play>) {
        self.plays[name].lock().unwrap().extend(plays);
    }

    fn starts(&mut self, remembers: bool) {
        let (log, all) = (self.log.clone(), self.plays.clone());
        self.desk.start_making(Box::new(move |name| {
            let (name, plays) = all.get_key_value(name)?;
            Some(Box::new(Runtime {
                name,
                plays: Arc::clone(plays),
                log: log.clone(),
                remembers,
                conversation: None,
            }))
        }));
    }

    /// Says something and waits until it is settled like that.
    async fn says(&self, id: &str, status: &str) {
        self.desk.says(id, "hello");
        self.desk.acked(id, status).await;
    }

    /// Number, provider, model, status and error code of every attempt.
    fn attempts(&self) -> Vec<String> {
        let sql = "SELECT n || ' ' || provider || ' ' || coalesce(model, '-') || ' ' || status \
                   || ' ' || coalesce(error_code, '-') FROM attempts ORDER BY started_at, n";
        self.desk.query(sql, |row| row.get(0).unwrap())
    }

    fn conversations(&self) -> Vec<String> {
        let sql = "SELECT provider || ' ' || native_id || ' ' || status FROM agent_sessions \
                   ORDER BY created_at, status";
        self.desk.query(sql, |row| row.get(0).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_after_three_and_eight_seconds_and_then_somebody_else_is_asked()
 {
    let mut chained = Chained::of(&["one", "two"]);
    chained.will("one", [0, 1, 2].map(|_| Play::Breaks(Class::Overloaded)));
    chained.will("two", [Play::Says("here I am")]);
    chained.starts(true);
    let began = tokio::time::Instant::now();
    chained.says("m1", "completed").await;
    let took = began.elapsed();
    assert!((11..12).contains(&took.as_secs()), "{took:?}");
    assert_eq!(chained.desk.texts(), ["here I am"], "nothing of what broke off is said");
    assert_eq!(
        chained.attempts(),
        [
            "1 one big failed overloaded",
            "2 one big failed overloaded",
            "3 one big failed overloaded",
            "4 two - completed -",
        ],
        "a model belongs to its own entry alone"
    );
    let live: Vec<_> = std::fs::read_dir(chained.desk.dir.live_dir()).unwrap().collect();
    let live = std::fs::read_to_string(live[0].as_ref().unwrap().path()).unwrap();
    assert_eq!(live.matches(r#""type":"discarded""#).count(), 3, "{live}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_left_alone_for_five_minutes_and_then_asked_first_again() {
    let mut chained = Chained::of(&["one", "two"]);
    chained.will("one", [Play::Breaks(Class::Auth), Play::Says("one again")]);
    chained.will("two", [Play::Says("two"), Play::Says("two again")]);
    chained.starts(true);
    chained.says("m1", "completed").await;
    chained.desk.passes(Duration::from_secs(200)).await;
    chained.says("m2", "completed").await;
    chained.desk.passes(Duration::from_secs(101)).await;
    chained.says("m3", "completed").await;
    assert_eq!(chained.desk.texts(), ["two", "two again", "one again"]);
    assert_eq!(chained.attempts().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn when_nobody_is_left_the_room_hears_one_calm_sentence_and_no_cause() {
    let mut chained = Chained::of(&["one", "nobody"]);
    chained.will("one", [Play::Breaks(Class::Auth)]);
    chained.starts(true);
    chained.says("m1", "failed").await;
    assert_eq!(chained.desk.runs(), ["ended failed missing"]);
    let sql = "SELECT error FROM processing_ack";
    let told: Vec<String> = chained.desk.query(sql, |row| row.get(0).unwrap());
    assert_eq!(told, ["the program that I think with is not in my image"]);
    let bytes = std::fs::read(chained.desk.dir.outbound_db()).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("the secret cause"));
}

#[tokio::test(start_paused = true)]
async fn after_a_tool_has_acted_the_next_one_goes_on_or_nobody_does_as_the_settings_say() {
    for (policy, told, run) in [
        (AfterSideEffects::Handoff, vec!["done"], "ended completed -"),
        (AfterSideEffects::Fail, vec![], "ended failed overloaded"),
    ] {
        let mut chained = Chained::of(&["one", "two"]);
        chained.desk.tells(|file| file.after_side_effects = policy);
        chained.will("one", [Play::ActsAndBreaks(Class::Overloaded)]);
        chained.will("two", [Play::Says("done")]);
        chained.starts(true);
        let status = if told.is_empty() { "failed" } else { "completed" };
        chained.says("m1", status).await;
        assert_eq!((chained.desk.texts(), chained.desk.runs()), (owned(&told), owned(&[run])));
        assert!(chained.desk.tool().is_empty());
        let log = chained.log.taken().join("\n");
        assert_eq!(log.contains("<done>\n- acts\n</done>"), !told.is_empty(), "{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_gone_on_with_by_its_id_after_the_guest_died_and_a_lost_one_is_marked() {
    let mut chained = Chained::of(&["one"]);
    chained.will("one", ["a", "b", "c", "d"].map(Play::Says));
    chained.starts(true);
    chained.says("m1", "completed").await;
    chained.says("m2", "completed").await;
    chained.desk.kill_guest().await;
    chained.starts(true);
    chained.says("m3", "completed").await;
    chained.desk.kill_guest().await;
    assert_eq!(chained.conversations(), ["one one-own ready"]);
    assert_eq!(
        chained.log.taken(),
        [
            "one big resumes -",
            "one big resumes -",
            "one gone",
            "one big resumes one-own",
            "one gone",
        ],
        "whoever knows the conversation is told nothing of it"
    );
    chained.starts(false);
    chained.says("m4", "completed").await;
    let log = chained.log.taken().join("\n");
    assert!(log.starts_with("one big resumes one-own\none is told: "), "{log}");
    let (asked, answered) = (log.matches(">\nhello\n</message>"), log.matches("</you>"));
    assert_eq!((asked.count(), answered.count()), (3, 3), "not what is asked now: {log}");
    assert_eq!(chained.desk.texts(), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_an_interrupt_that_keeps_the_runtime_and_whoever_does_not_listen_is_ended() {
    let mut chained = Chained::of(&["one"]);
    chained.will("one", [Play::Waits, Play::IsDeaf, Play::Says("fine")]);
    chained.starts(true);
    for (id, most) in [("m1", 0), ("m2", 4)] {
        chained.desk.says(id, "hello");
        chained.desk.passes(Duration::from_secs(2)).await;
        let now = chained.desk.now();
        chained.desk.write(|tx| tx.control(Control::Abort, &Because::Host("a test"), now));
        let began = tokio::time::Instant::now();
        chained.desk.acked(id, "cancelled").await;
        assert_eq!(began.elapsed().as_secs(), most, "{id}");
    }
    chained.says("m3", "completed").await;
    assert_eq!(chained.desk.texts(), ["half of it … (stopped)", "half of it … (stopped)", "fine"]);
    assert!(chained.log.taken().contains(&"one stops".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_waits_for_nobody() {
    let mut chained = Chained::of(&["one"]);
    chained.will("one", [Play::IsDeaf]);
    chained.starts(true);
    chained.desk.says("m1", "hello");
    chained.desk.passes(Duration::from_secs(2)).await;
    for _ in 0..2 {
        let now = chained.desk.now();
        chained.desk.write(|tx| tx.control(Control::Abort, &Because::Host("a test"), now));
        chained.desk.passes(Duration::from_millis(100)).await;
    }
    assert_eq!(chained.desk.acks()["m1"], "cancelled");
}

#[tokio::test(start_paused = true)]
async fn providers_rest_after_ten_idle_minutes_and_never_during_a_turn() {
    let mut chained = Chained::of(&["one"]);
    chained.will("one", [Play::Says("a"), Play::IsDeaf]);
    chained.starts(true);
    chained.says("m1", "completed").await;
    chained.desk.passes(Duration::from_secs(599)).await;
    assert!(!chained.log.taken().contains(&"one closed".to_owned()));
    chained.desk.passes(Duration::from_secs(2)).await;
    assert_eq!(chained.log.taken(), ["one closed", "one gone"]);
    chained.desk.says("m2", "hello");
    chained.desk.passes(Duration::from_secs(595)).await;
    assert_eq!(chained.log.taken(), ["one big resumes one-own"]);
    chained.desk.stop_guest().await.unwrap();
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
