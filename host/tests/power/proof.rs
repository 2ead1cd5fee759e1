//! After the power is back: what is missing of what people were told.

use std::{collections::BTreeMap, path::Path};

use host::client::Since;
use schemas::{
    admin::{Accepted, RoomEvent, RoomMessage, RunInfo},
    ids::{MessageId, SessionId},
};

use crate::{
    disk::Mounted,
    flow::{AGENTS, Told},
    host::Host,
    waiting::{PATIENCE, within},
};

/// The latest messages of each agent that are looked at: earlier cuts have looked at the rest.
const LATEST: usize = 60;

/// Starts a host on what a disk held, and says what it does not know.
pub(crate) async fn missing(copy: &Mounted, told: Told) -> Vec<String> {
    let host = Host::start(&copy.home()).await;
    let mut missing = Vec::new();
    for agent in AGENTS {
        let of: Vec<&Accepted> =
            told.accepted.iter().filter(|(to, _)| *to == agent).map(|(_, one)| one).collect();
        let latest = of.get(of.len().saturating_sub(LATEST)..).unwrap_or_default();
        let Some(last) = latest.last() else { continue };
        let said = answers(&host, agent, latest).await;
        missing.extend(unanswered(&said, latest, &told));
        missing.extend(unsettled(&host, &last.session_id, latest).await);
        missing.extend(torn_files(&copy.home(), &last.session_id, &said.concat()));
    }
    missing
}

/// The rows that answer each message, once all are there or have not come for long enough.
async fn answers(host: &Host, agent: &str, latest: &[&Accepted]) -> Vec<Vec<MessageId>> {
    let mut said = BTreeMap::new();
    // What does not come is told by who compares.
    let _came = within(PATIENCE, async || {
        said = history(host, agent).await;
        latest.iter().all(|one| said.contains_key(&one.message_id)).then_some(())
    })
    .await;
    latest.iter().map(|one| said.remove(&one.message_id).unwrap_or_default()).collect()
}

/// Each message has one answer, and where somebody has read one, it is that one.
fn unanswered(said: &[Vec<MessageId>], latest: &[&Accepted], told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (one, answers) in latest.iter().zip(said) {
        let read = told.answers.get(&one.message_id);
        if answers.len() != 1 {
            wrong.push(format!("{} answers to {}", answers.len(), one.message_id));
        } else if read.is_some_and(|read| answers.first() != Some(read)) {
            wrong.push(format!("{} was answered again", one.message_id));
        }
    }
    wrong
}

async fn unsettled(host: &Host, session: &SessionId, latest: &[&Accepted]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<MessageId, usize> = BTreeMap::new();
    let _came = within(PATIENCE, async || {
        let mut client = host.client().await;
        let runs: Vec<RunInfo> = client.get(&format!("/v1/sessions/{session}/runs")).await.ok()?;
        counts.clear();
        for id in runs.into_iter().flat_map(|run| run.message_ids) {
            *counts.entry(id).or_default() += 1;
        }
        latest.iter().all(|one| counts.contains_key(&one.message_id)).then_some(())
    })
    .await;
    for one in latest {
        let runs = counts.get(&one.message_id).copied().unwrap_or_default();
        if runs != 1 {
            wrong.push(format!("{runs} runs of {}", one.message_id));
        }
    }
    wrong
}

/// Files that rows name are whole. One that no row names may have been cut off with the power.
fn torn_files(home: &Path, session: &SessionId, answers: &[MessageId]) -> Vec<String> {
    let mut files = Vec::new();
    for agent in std::fs::read_dir(home.join("sessions")).unwrap() {
        let root = agent.unwrap().path().join(session.as_str());
        let inbox = std::fs::read_dir(root.join("in/inbox")).into_iter().flatten();
        files.extend(inbox.map(|folder| (folder.unwrap().path().join("in.txt"), 5)));
        let sent = answers.iter().map(|id| root.join("out/outbox").join(id.as_str()));
        // A guest puts away what it sent long ago.
        files.extend(sent.filter(|at| at.exists()).map(|at| (at.join("out.txt"), 20)));
    }
    let length = |file: &Path| file.metadata().map_or(0, |data| data.len());
    let torn = files.into_iter().filter(|(file, whole)| length(file) != *whole);
    torn.map(|(file, _)| format!("{} is not whole", file.display())).collect()
}

/// The rows that answer each message.
async fn history(host: &Host, agent: &str) -> BTreeMap<MessageId, Vec<MessageId>> {
    let from = Since { after: Some(0), ..Since::default() };
    let mut stream = host.client().await.stream(agent, &from).await.unwrap();
    let mut said: BTreeMap<MessageId, Vec<MessageId>> = BTreeMap::new();
    let mut add = |one: RoomMessage| {
        if let Some(to) = one.in_reply_to {
            said.entry(to).or_default().push(one.message_id);
        }
    };
    while let Some(event) = stream.next().await.unwrap() {
        match event {
            RoomEvent::Message(one) => add(one),
            RoomEvent::CaughtUp => break,
            RoomEvent::Typing { .. }
            | RoomEvent::RunTakesLong { .. }
            | RoomEvent::RunFinished { .. }
            | RoomEvent::Notice { .. } => {}
        }
    }
    said
}
