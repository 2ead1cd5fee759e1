//! The host kills itself, or the guest in its container does, at each step of a message's life:
//! whoever comes after ends with one answer, one settled run, and everything that was asked for
//! done once.
//!
//! The steps are those of `host::steps` and `guest::steps`; the programs are `host/examples/trial`
//! and `guest/examples/dying`, which are the real ones with somebody watching. Each death is a
//! SIGKILL in the middle of the program's own code. Several homes are tried side by side.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use guest::steps::Step as GuestStep;
use host::{
    admin::{Parsed, parse},
    client::{Client, Since},
    error::Result,
    steps::Step,
};
use schemas::{
    admin::{Accepted, AdminAnswer, RoomEvent, RoomMessage, SendMessage, SessionInfo},
    content::Attachment,
    ids::MessageId,
    message::Outcome,
};
use tokio::time::{Instant, timeout};

use crate::{
    host_process::HostProcess,
    room::each_is_answered_once,
    waiting::{PATIENCE, eventually},
    yard::{docker, dying_guest, other_engine},
};

/// Homes that are tried at once.
const SIDE_BY_SIDE: usize = 3;

const CREATE: &str =
    r#"!action {"requestId":"new","action":"create_agent","name":"helper","prompt":"Help."}"#;

/// One home whose host may die at any moment.
struct Trial {
    host: HostProcess,
    deaths: u32,
    sent: Vec<MessageId>,
}

impl Trial {
    async fn begin(guest: bool) -> Self {
        let mut host = HostProcess::on(other_engine());
        if guest {
            host.with_guest(dying_guest());
        }
        host.start().await;
        host.agent("andy").await;
        Self { host, deaths: 0, sent: Vec::new() }
    }

    /// Does something until a host lives through it.
    async fn insists<T>(&mut self, act: impl AsyncFn(&mut Client) -> Result<T>) -> T {
        let begun = Instant::now();
        loop {
            let done = match self.host.try_client().await {
                Ok(mut client) => timeout(PATIENCE, act(&mut client)).await.unwrap(),
                Err(away) => Err(away),
            };
            match done {
                Ok(done) => return done,
                Err(failure) => assert!(begun.elapsed() < PATIENCE, "{}", failure.chain()),
            }
            self.follow().await;
        }
    }

    /// Starts a host in the place of one that died.
    async fn follow(&mut self) {
        if self.host.has_died() {
            self.deaths += 1;
            self.host.start().await;
        }
    }

    async fn says(&mut self, text: &str) -> Accepted {
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
        let accepted = self.insists(async |client| client.send("andy", &message).await).await;
        self.sent.push(accepted.message_id.clone());
        accepted
    }

    /// Everything that was ever said in the room, by number.
    async fn heard(&mut self) -> BTreeMap<i64, RoomMessage> {
        self.insists(async |client| {
            let from = Since { after: Some(0), ..Since::default() };
            let mut stream = client.stream("andy", &from).await?;
            let mut said = BTreeMap::new();
            loop {
                match stream.next().await? {
                    Some(RoomEvent::Message(message)) => drop(said.insert(message.seq, message)),
                    Some(RoomEvent::CaughtUp) | None => return Ok(said),
                    Some(_) => {}
                }
            }
        })
        .await
    }

    async fn hears(&mut self, start: &str) {
        let begun = Instant::now();
        while !self.heard().await.values().any(|said| said.text.starts_with(start)) {
            assert!(begun.elapsed() < PATIENCE, "never heard: {start}");
            self.follow().await;
        }
    }

    /// The same where a tool acts, and somebody has it tried again when that broke off.
    async fn has_it_done(&mut self, start: &str) {
        let begun = Instant::now();
        while !self.heard().await.values().any(|said| said.text.starts_with(start)) {
            assert!(begun.elapsed() < PATIENCE, "never heard: {start}");
            let failed = self.commands("messages list --failed", "no such words").await.unwrap();
            if let Some(id) = failed.data.pointer("/0/id") {
                let retry = format!("messages retry {}", id.as_str().unwrap());
                self.commands(&retry, "given up").await;
            }
            self.follow().await;
        }
    }

    async fn commands(&mut self, words: &str, late: &str) -> Option<AdminAnswer> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let Parsed::Command(command) = parse(&words).unwrap() else { panic!("{words:?}") };
        self.insists(async |client| match client.post("/v1/admin", &*command).await {
            // It was taken, and the host died before it said so.
            Err(failure) if failure.chain().contains(late) => Ok(None),
            answered => answered.map(Some),
        })
        .await
    }

    /// The first that a list shows; what was written may be seen before it is acted upon.
    async fn the_first(&mut self, list: &str) -> String {
        let begun = Instant::now();
        loop {
            let listed = self.commands(list, "no such words").await.unwrap();
            if let Some(id) = listed.data.pointer("/0/id") {
                return id.as_str().unwrap().to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "nothing in {list}");
        }
    }

    /// The story comes to every step.
    async fn story(&mut self) -> Accepted {
        let first = self.says("one\n!slow 1200\n!file out.txt 20").await;
        self.hears("You said: one").await;
        self.says("two\n!admin agents list").await;
        self.hears("You said: Your request r").await;
        self.says("three\n!ask Which?|a|b").await;
        self.hears("Which?").await;
        let question = self.the_first("questions list").await;
        self.commands(&format!("questions answer {question} a"), "answered before").await;
        self.says(&format!("four\n{CREATE}")).await;
        self.hears("You said: Your request new waits").await;
        let waits = self.the_first("approvals list").await;
        self.commands(&format!("approvals approve {waits}"), "approved").await;
        self.hears("You said: Your request new was done").await;
        self.commands("tasks create andy five --name five --at +2s", "has a task").await;
        self.hears("You said: five").await;
        let command = SendMessage {
            text: "/queue".to_owned(),
            client_id: Some("queue".to_owned()),
            ..SendMessage::default()
        };
        self.insists(async |client| client.send("andy", &command).await).await;
        self.says("six\n!call send_message {\"text\":\"posted\"}\n!append notes line").await;
        self.has_it_done("You said: six").await;
        first
    }

    /// The container ends; its session falls asleep.
    async fn comes_to_rest(&mut self, session: &schemas::ids::SessionId) {
        let filter = format!("label=lazaret.session={session}");
        for container in docker(&["ps", "--quiet", "--filter", &filter]).lines() {
            docker(&["kill", container]);
        }
        let begun = Instant::now();
        loop {
            let sessions: Vec<SessionInfo> =
                self.insists(async |client| client.get("/v1/sessions").await).await;
            if sessions.iter().all(|one| one.state == "asleep") {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "never asleep: {sessions:?}");
            self.follow().await;
        }
    }

    async fn ends_well(mut self, what: &str, first: &Accepted) {
        let heard = self.heard().await;
        for word in ["one", "two", "three", "four", "six"] {
            let answer = format!("You said: {word}");
            let answers = heard.values().filter(|said| said.text.starts_with(&answer)).count();
            assert_eq!(answers, 1, "{what}: answers to {word}: {heard:#?}");
        }
        let done = heard.values().filter(|said| said.text.contains("new was done")).count();
        assert_eq!(done, 1, "{what}: {heard:#?}");
        // Only a turn that died over its tool is asked about, and tried again by somebody.
        let broken = each_is_answered_once(&self.host, &first.session_id, &self.sent).await;
        let asked = broken.iter().all(|end| *end == Some(Outcome::Interrupted));
        assert!(asked && broken.len() <= 1, "{what}: {broken:?}");
        let agents = self.commands("agents list", "no such words").await.unwrap();
        assert_eq!(agents.data.as_array().unwrap().len(), 2, "{what}: the agent was made once");
        let containers = self.host.containers().len();
        assert!(containers <= 1, "{what}: {containers} containers");
    }
}

async fn a_host_dies_at(step: Step) {
    let mut trial = Trial::begin(false).await;
    trial.host.crash();
    trial.host.dies_at(step, 1);
    if step == Step::Begun {
        // It dies before it takes anything in, so nobody can wait for its word.
        trial.host.launch();
        let host = &mut trial.host;
        eventually("the host dies as it begins", async || host.has_died().then_some(())).await;
        trial.deaths = 1;
    }
    trial.host.start().await;
    let first = trial.story().await;
    trial.comes_to_rest(&first.session_id).await;
    // A session is seen asleep a moment before the step that marks it so.
    eventually(&format!("the host dies at {step:?}"), async || {
        trial.follow().await;
        (trial.deaths == 1).then_some(())
    })
    .await;
    trial.ends_well(&format!("{step:?}"), &first).await;
}

#[tokio::test]
async fn a_host_that_is_killed_at_any_step_is_followed_by_one_that_loses_and_repeats_nothing() {
    stream::iter(Step::ALL).for_each_concurrent(SIDE_BY_SIDE, a_host_dies_at).await;
}

async fn a_guest_dies_at(step: GuestStep) {
    let mut trial = Trial::begin(true).await;
    let agent = trial.host.agent_named("andy").await;
    // The session must have its folder before anything can lie in it.
    let zero = trial.says("zero").await;
    trial.hears("You said: zero").await;
    trial.comes_to_rest(&zero.session_id).await;
    let dir = trial.host.session_dir(&agent, &zero.session_id);
    std::fs::write(dir.in_dir().join("die-at"), format!("{step:?}")).unwrap();
    let first = trial.story().await;
    trial.comes_to_rest(&first.session_id).await;
    assert!(dir.out_dir().join("died").exists(), "the story never came to {step:?}");
    trial.ends_well(&format!("{step:?}"), &first).await;
}

#[tokio::test]
async fn a_guest_that_is_killed_at_any_step_is_followed_by_one_that_loses_and_repeats_nothing() {
    stream::iter(GuestStep::ALL).for_each_concurrent(SIDE_BY_SIDE, a_guest_dies_at).await;
}
