//! People who talk for as long as they may, and what was lost of it, doubled, or out of order.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use host::client::Client;
use schemas::admin::SendMessage;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    PAUSE, SESSIONS,
    house::{House, socket},
    name,
};

/// Ids of what was accepted, in order, by conversation.
type Accepted = BTreeMap<usize, Vec<String>>;

/// Everybody who talks.
pub(crate) struct People {
    tasks: JoinSet<()>,
    accepted: Arc<Mutex<Accepted>>,
}

/// What was accepted, and what was answered.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) accepted: Accepted,
    pub(crate) answers: Accepted,
}

/// What came of it.
pub(crate) struct Verdict {
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) disordered: usize,
}

pub(crate) fn begin(house: &House, end: Instant) -> People {
    let accepted: Arc<Mutex<Accepted>> = Arc::default();
    let mut tasks = JoinSet::new();
    for n in 0..SESSIONS {
        tasks.spawn(talk(house.run(), n, accepted.clone(), end));
    }
    People { tasks, accepted }
}

pub(crate) fn count(people: &People) -> usize {
    people.accepted.lock().unwrap().values().map(Vec::len).sum()
}

pub(crate) async fn end(people: People) -> Accepted {
    people.tasks.join_all().await;
    people.accepted.lock().unwrap().clone()
}

async fn talk(run: std::path::PathBuf, n: usize, accepted: Arc<Mutex<Accepted>>, end: Instant) {
    // Not all at once: each begins at its own part of the pause.
    let part = u32::try_from(n).unwrap() * 1_000 / u32::try_from(SESSIONS).unwrap();
    let mut next = Instant::now() + PAUSE * part / 1_000;
    let mut said = 0_u32;
    while next < end {
        sleep_until(next).await;
        next += PAUSE;
        said += 1;
        let message = SendMessage {
            text: format!("message {said}"),
            // Over a death of the host it is said again, and is one message.
            client_id: Some(format!("{n}-{said}")),
            ..SendMessage::default()
        };
        let id = insist(&run, &name(n), &message).await;
        accepted.lock().unwrap().entry(n).or_default().push(id);
    }
}

async fn insist(run: &Path, agent: &str, message: &SendMessage) -> String {
    loop {
        if let Ok(mut client) = Client::connect(socket(run)).await
            && let Ok(accepted) = client.send(agent, message).await
        {
            return accepted.message_id.to_string();
        }
        sleep(Duration::from_millis(20)).await;
    }
}

impl Tally {
    pub(crate) fn messages(&self) -> usize {
        self.accepted.values().map(Vec::len).sum()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict { lost: 0, doubled: 0, disordered: 0 };
        let none = Vec::new();
        for (n, accepted) in &self.accepted {
            let answers = self.answers.get(n).unwrap_or(&none);
            let known: BTreeSet<&String> = answers.iter().collect();
            verdict.lost += accepted.iter().filter(|id| !known.contains(id)).count();
            verdict.doubled += answers.len() - known.len();
            let places: Vec<Option<usize>> = answers
                .iter()
                .map(|id| accepted.iter().position(|accepted| accepted == id))
                .collect();
            verdict.disordered += places.windows(2).filter(|two| two.first() > two.last()).count();
        }
        verdict
    }
}
