//! The harness: a session's folder, a model that plays a script, and a provider between them.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use guest::{
    prompt::{Said, Turn},
    provider::{Ears, Fault, Launch, Opened, Provider, Sink, Surroundings, TurnEnd},
    tools::Desk,
    turn::ProviderEvent,
};
use jiff::Timestamp;
use schemas::{
    guest_side::InboundReader,
    ids::{MessageId, RunId},
    message::Kind,
    session_dir::SessionDir,
    usage::Usage,
};
use scripted_model::{Seen, server::ScriptedModel};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::processes;

/// The longest turn.
const LONG: Duration = Duration::from_secs(60);

/// What a runtime needs to be tried.
pub(crate) struct Runtime {
    /// Makes a provider of it.
    pub(crate) make: fn(Surroundings) -> Box<dyn Provider>,
    /// Takes away what it keeps of its conversations.
    pub(crate) forget: fn(&SessionDir),
    /// Its word in `session.json`.
    pub(crate) name: &'static str,
    /// How often it asks for a model that is not there: some try again in another way.
    pub(crate) asks_for_a_missing_model: usize,
}

pub(crate) struct Bench {
    _root: TempDir,
    pub(crate) dir: SessionDir,
    pub(crate) model: Arc<ScriptedModel>,
    pub(crate) provider: Box<dyn Provider>,
    pub(crate) launch: Launch,
    pub(crate) around: Surroundings,
    make: fn(Surroundings) -> Box<dyn Provider>,
    /// Whether it can be written down that a tool acts.
    pub(crate) durable: bool,
}

/// All that was said in a turn, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) events: Vec<ProviderEvent>,
    pub(crate) end: TurnEnd,
}

impl Bench {
    /// A bench with a provider that is not open yet.
    pub(crate) async fn new(runtime: &Runtime, plays: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = SessionDir::at(root.path());
        for folder in [dir.in_dir(), dir.out_dir(), dir.work(), dir.home(), dir.inbox()] {
            fs::create_dir_all(folder).unwrap();
        }
        let model = Arc::new(ScriptedModel::start(0).await.unwrap());
        let around = Surroundings {
            dir: dir.clone(),
            models: Some(model.base(&script(plays))),
            desk: Desk::default(),
        };
        let provider = (runtime.make)(around.clone());
        assert_eq!(provider.name(), runtime.name);
        let launch = Launch { work_dir: dir.work(), ..Launch::default() };
        let make = runtime.make;
        Self { _root: root, dir, model, provider, launch, around, make, durable: true }
    }

    /// A bench whose provider waits for its first turn.
    pub(crate) async fn open(runtime: &Runtime, plays: &[&str]) -> Self {
        let mut bench = Self::new(runtime, plays).await;
        assert_eq!(bench.reopen(None).await, Ok(Opened::Fresh));
        bench
    }

    pub(crate) async fn reopen(&mut self, resume: Option<&str>) -> Result<Opened, Fault> {
        timeout(LONG, self.provider.open(&self.launch, resume)).await.unwrap()
    }

    /// A provider that has never been open, as after the end of the container.
    pub(crate) fn another_life(&mut self) {
        self.provider = (self.make)(self.around.clone());
    }

    pub(crate) async fn turn(&mut self, words: &str) -> Told {
        self.turn_with(&said(words), |_, _| {}).await
    }

    /// A turn that somebody takes part in: each event is shown, before it counts as written down.
    pub(crate) async fn turn_with(
        &mut self,
        turn: &Turn,
        mut hand: impl FnMut(&ProviderEvent, &Ears),
    ) -> Told {
        let (sink, mut ears) = Sink::new(64, InboundReader::new(self.dir.clone()));
        let mut events = Vec::new();
        let durable = self.durable;
        let work = async {
            let mut work = std::pin::pin!(self.provider.turn(turn, &sink));
            loop {
                let heard = tokio::select! {
                    // What was said comes before the end.
                    biased;
                    Some(heard) = ears.heard.recv() => heard,
                    end = &mut work => return end,
                };
                hand(&heard.event, &ears);
                events.push(heard.event);
                let written = heard.written.filter(|_| durable);
                assert!(written.is_none_or(|written| written.send(()).is_ok()));
            }
        };
        let Ok(end) = timeout(LONG, work).await else { panic!("too long after {events:?}") };
        while let Ok(heard) = ears.heard.try_recv() {
            events.push(heard.event);
        }
        Told { events, end }
    }

    /// The words that the model was sent, a text for each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        // Each interface has its own word for it.
        let words =
            |body: &Value| [&body["messages"], &body["input"]].map(Value::to_string).concat();
        self.requests().iter().map(words).collect()
    }

    /// The bodies of the requests of the main line.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let seen = self.model.seen().into_iter().filter(|seen| seen.nth > 0);
        seen.map(|seen: Seen| {
            assert!(seen.wrong.is_empty(), "{:?}", seen.wrong);
            seen.body
        })
        .collect()
    }

    /// The number of the runtime's process.
    pub(crate) fn pid(&self) -> i32 {
        processes::runtime(&self.dir.home())
    }
}

/// Where the pinned program of a runtime lies; it is fetched when it is not there.
pub(crate) fn program(name: &str) -> PathBuf {
    static FOUND: OnceLock<String> = OnceLock::new();
    let find = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/agent-clis");
        let found = Command::new(script).output().unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8(found.stdout).unwrap()
    };
    let mut lines = FOUND.get_or_init(find).lines().filter_map(|line| line.split_once('='));
    lines.find(|(of, _)| *of == name).unwrap().1.into()
}

/// Plays as they stand in a URL.
pub(crate) fn script(plays: &[&str]) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || ":*-._".contains(c);
    let encoded = |play: &&str| {
        let mut text = String::new();
        for c in play.chars() {
            if safe(c) {
                text.push(c);
            } else {
                let mut bytes = [0; 4];
                text.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
            }
        }
        text
    };
    plays.iter().map(encoded).collect::<Vec<_>>().join(",")
}

/// What somebody says in a turn of its own.
pub(crate) fn said(words: &str) -> Turn {
    let said = Said {
        at: String::new(),
        reply_to: None,
        id: MessageId::parse("m1").unwrap(),
        seq: 2,
        kind: Kind::Chat,
        sender: Some("Ann".to_owned()),
        place: None,
        text: words.to_owned(),
        task: Vec::new(),
        attachments: Vec::new(),
    };
    Turn {
        before: String::new(),
        zone: jiff::tz::TimeZone::UTC,
        run: RunId::mint(Timestamp::now()),
        system_prompt: String::new(),
        model: None,
        work_dir: None,
        messages: vec![said],
        context: Vec::new(),
    }
}

impl Told {
    /// The answer, after a turn that was done.
    #[track_caller]
    pub(crate) fn answer(&self) -> &str {
        assert_eq!(self.end, TurnEnd::Done, "{:?}", self.events);
        let last = self.events.iter().rev().find_map(|event| match event {
            ProviderEvent::Final(text) => Some(text.as_str()),
            _ => None,
        });
        last.unwrap_or_default()
    }

    /// Why it was not done.
    #[track_caller]
    pub(crate) fn fault(&self) -> &Fault {
        let TurnEnd::Broke(fault) = &self.end else { panic!("{self:?}") };
        fault
    }

    /// What was written piece by piece.
    pub(crate) fn pieces(&self) -> Vec<&str> {
        let all = self.events.iter().filter_map(|event| match event {
            ProviderEvent::Text(text) => Some(text.as_str()),
            _ => None,
        });
        all.collect()
    }

    /// The native id, which is the first thing that is said.
    #[track_caller]
    pub(crate) fn native(&self) -> &str {
        let Some(ProviderEvent::Session(native)) = self.events.first() else { panic!("{self:?}") };
        native
    }

    /// The names of the tools that were let act, or acted.
    pub(crate) fn tools(&self) -> Vec<&str> {
        let all = self.events.iter().filter_map(|event| match event {
            ProviderEvent::ToolStarts(tool) => Some(tool.name.as_str()),
            _ => None,
        });
        all.collect()
    }

    /// What it used, as it was last told.
    #[track_caller]
    pub(crate) fn used(&self) -> Usage {
        let used = self.events.iter().rev().find_map(|event| match event {
            ProviderEvent::Used(used) => Some(*used),
            _ => None,
        });
        used.unwrap_or_else(|| panic!("{self:?}"))
    }
}
