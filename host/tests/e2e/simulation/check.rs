//! What must hold after each step of a script, and at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use host::channels::Resolution;
use schemas::{
    admin::{RoomEvent, RunInfo, SessionInfo},
    ids::{MessageId, SessionId},
    message::Outcome,
};
use serde_json::Value;

use super::{
    bad::{MAL, SECRET},
    script::Script,
    speech::{Said, What},
};
use crate::world::World;

/// Virtual time after which what is owed will not come any more.
const PATIENCE: Duration = Duration::from_secs(20 * 3_600);
const GLANCE: Duration = Duration::from_secs(30);

impl World {
    /// What no moment may show.
    pub(crate) fn expect_no_harm(&self, retried: &BTreeSet<MessageId>) {
        assert_eq!(self.yard.doubles(), 0, "a session had two containers");
        let mut last = BTreeMap::new();
        let mut known = BTreeSet::new();
        for post in self.doors.passed() {
            let again = !known.insert((post.message.clone(), post.part));
            let asks = self.doors.resolution_of(&post.address) != Resolution::Idempotent;
            assert!(!(again && asks), "posted twice where that is a second post: {post:?}");
            if again {
                // Its id tells the channel.
                continue;
            }
            if post.address.platform_id == MAL || retried.contains(&post.message) {
                // What a guest that went bad left is put away with its numbers, and what was given
                // up comes when somebody wants it.
                continue;
            }
            let before =
                last.insert((post.session.clone(), post.address.clone()), (post.seq, post.part));
            assert!(
                before.is_none_or(|last| last < (post.seq, post.part)),
                "out of order: {post:?}"
            );
        }
        let mut ended = BTreeMap::new();
        for (life, event) in self.doors.ended() {
            let RoomEvent::RunFinished { run_id, reason, .. } = &event else { panic!("{event:?}") };
            let before = ended.insert(run_id.clone(), life);
            // That something went wrong is said twice by two hosts rather than by none.
            let again = before.is_none_or(|before| before < life && reason.is_some());
            assert!(again, "a second end of one run: {event:?}");
        }
    }

    /// What people were told of a run's end is what the books say.
    fn expect_one_story(&self, runs: &BTreeMap<SessionId, BTreeMap<MessageId, RunInfo>>) {
        let all: Vec<&RunInfo> = runs.values().flat_map(BTreeMap::values).collect();
        for (_, event) in self.doors.ended() {
            let RoomEvent::RunFinished { run_id, outcome, .. } = &event else {
                panic!("{event:?}")
            };
            let run = all.iter().find(|run| run.run_id == *run_id);
            let same = run.is_none_or(|run| run.outcome == Some(*outcome));
            assert!(same, "{event:?}: {run:?}");
        }
    }

    /// Waits until every session sleeps.
    async fn until_quiet(&self) -> Vec<SessionInfo> {
        let mut sessions = Vec::new();
        for _ in 0..PATIENCE.as_secs() / GLANCE.as_secs() {
            self.passes(GLANCE).await;
            if self.yard.running() > 0 {
                continue;
            }
            sessions = self.sessions().await;
            // What an operator has not looked after yet is as quiet.
            let quiet = sessions.iter().all(|one| one.state == "asleep" || one.agent == MAL);
            if quiet {
                return sessions;
            }
        }
        panic!("never quiet: {sessions:#?}");
    }
}

impl Script {
    /// Nothing that was taken is lost, nothing was answered twice, and the books are right.
    pub(crate) async fn ends_well(&mut self, world: &mut World) {
        self.forgive(world, 6).await;
        self.chores_end(world).await;
        // Again: what was put off for an hour by a step of the clock comes after a sleep.
        let mut missing = self.said.len();
        for _ in 0..100 {
            world.until_quiet().await;
            missing = self.said.iter().filter(|said| !is_answered(world, said)).count();
            let told = self.chores_are_told(world).await;
            if !self.tries_again(world).await && missing == 0 && told {
                break;
            }
            world.passes(Duration::from_secs(120)).await;
        }
        let sessions = world.until_quiet().await;
        world.expect_no_harm(&self.retried);
        self.expect_no_silence(world).await;
        self.chores_are_right(world).await;
        let lost: Vec<&Said> = self.said.iter().filter(|said| !is_answered(world, said)).collect();
        assert!(missing == 0, "never answered: {lost:#?}");
        for said in &self.said {
            let answers = answers(world, said);
            assert!(answers.len() <= said.what.answers(), "answered twice: {said:?}: {answers:?}");
        }
        let mut books = BTreeMap::new();
        let mut runs = BTreeMap::new();
        for session in &sessions {
            let id = session.id.to_string();
            if !world.has_folder(&id) {
                // Somebody wanted something there, and took it back.
                let said = self.said.iter().any(|said| said.accepted.session_id == session.id);
                assert!(!said, "{session:?} has no folder");
                continue;
            }
            check_files(world, &id);
            runs.insert(session.id.clone(), self.settled(&world.runs(&id).await));
            books.insert(session.id.clone(), world.books(&id));
        }
        for said in &self.said {
            let session = &said.accepted.session_id;
            let run = runs.get(session).and_then(|runs| runs.get(&said.accepted.message_id));
            let ended = run.and_then(|run| run.outcome).expect("it has a run");
            assert!(self.may_end(said, ended), "{said:?}: {run:?}");
            self.check_line(world, said, ended);
            check_side_effects(said, &books, &sessions);
        }
        world.expect_one_story(&runs);
        let precious = std::fs::read_to_string(&self.precious).unwrap();
        assert_eq!(precious, SECRET, "a guest changed what is not its own");
    }

    /// Where the disk was full, guests may have failed or ended again and again.
    fn may_end(&self, said: &Said, ended: Outcome) -> bool {
        let gave_up = matches!(ended, Outcome::Failed | Outcome::Interrupted);
        let final_word = matches!(said.what, What::Line | What::Failure | What::Long);
        let failed_for_room = self.was_full && final_word && gave_up;
        said.what.outcomes().contains(&ended) || failed_for_room
    }

    /// The outcome of each message; one in two runs fails the test, but where somebody wanted it.
    fn settled(&self, runs: &[RunInfo]) -> BTreeMap<MessageId, RunInfo> {
        let mut settled: BTreeMap<MessageId, RunInfo> = BTreeMap::new();
        for run in runs {
            assert!(run.outcome.is_some(), "an open run in a quiet house: {run:?}");
            for id in &run.message_ids {
                let known = settled.contains_key(id);
                assert!(!known || self.retried.contains(id), "a second run of {id}: {runs:#?}");
                // The newest comes first.
                settled.entry(id.clone()).or_insert_with(|| run.clone());
            }
        }
        settled
    }

    /// A line that a tool was to append stands once, or the room was asked.
    fn check_line(&self, world: &World, said: &Said, ended: Outcome) {
        if said.what == What::Line {
            let dir = world.dir_of_session(said.accepted.session_id.as_str());
            let file = std::fs::read_to_string(dir.work().join(&said.token)).unwrap_or_default();
            let lines = file.lines().count();
            let none = ended == Outcome::Interrupted || (self.was_full && ended == Outcome::Failed);
            assert!(lines == 1 || (lines == 0 && none), "{said:?}: {lines}");
        }
    }
}

fn answers(world: &World, said: &Said) -> BTreeSet<MessageId> {
    let passed = world.doors.passed().into_iter().filter(|post| {
        let text = post.body.clone().into_text();
        let first = text.lines().next().unwrap_or_default();
        let to_them = post.session == said.accepted.session_id;
        let file = said.what != What::File || post.files == ["out.txt"];
        to_them
            && file
            && first.starts_with("You said: ")
            && first.split(' ').any(|w| w == said.token)
    });
    passed.map(|post| post.message).collect()
}

/// Whether everything came that is to come; where nobody can tell, nothing may, and where a tool
/// had begun the room may be asked instead.
fn is_answered(world: &World, said: &Said) -> bool {
    let may_not = matches!(said.what, What::Line | What::Long);
    said.unknowable || may_not || answers(world, said).len() >= said.what.answers()
}

/// What the host was asked for was answered once, and another agent was written to once.
fn check_side_effects(
    said: &Said,
    books: &BTreeMap<SessionId, Vec<Value>>,
    sessions: &[SessionInfo],
) {
    let count =
        |rows: &[Value], is: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| is(row)).count();
    let book = |session| books.get(session).expect("every session has its books").as_slice();
    if said.what == What::Action {
        let id = format!("r{}", said.accepted.seq.unwrap());
        let answers = count(book(&said.accepted.session_id), &|row| {
            row.get("requestId").is_some_and(|of| *of == id)
        });
        assert_eq!(answers, 1, "answers of the host to {said:?}");
    }
    let from = sessions.iter().find(|one| one.id == said.accepted.session_id).unwrap();
    if said.what == What::Peer && from.agent != "bea" {
        let words = format!("hello {}p", said.token);
        let told: usize = sessions
            .iter()
            .filter(|one| one.agent == "bea" && books.contains_key(&one.id))
            .map(|one| count(book(&one.id), &|row| row.get("text").is_some_and(|t| *t == words)))
            .sum();
        assert_eq!(told, 1, "{said:?} reached the other agent");
    }
}

/// Every file that a row names is there, whole, and no folder is there that no row names.
fn check_files(world: &World, session: &str) {
    let dir = world.dir_of_session(session);
    for row in world.books(session) {
        let Some(file) = row.pointer("/attachments/0") else { continue };
        let path = file.get("localPath").and_then(Value::as_str).expect("a file was kept");
        let bytes = std::fs::read(dir.inbox_file(path).unwrap()).unwrap();
        let size = file.get("size").and_then(Value::as_u64).unwrap();
        assert_eq!(u64::try_from(bytes.len()).unwrap(), size);
    }
}
