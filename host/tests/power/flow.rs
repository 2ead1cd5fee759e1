//! Messages that flow: people at a few agents, each of whom says the next thing once the last one
//! is answered, and remembers what they were told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use host::client::Since;
use schemas::{
    admin::{Accepted, NewAgent, RoomEvent, SendMessage},
    content::Attachment,
    ids::MessageId,
};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{host::Host, waiting::PATIENCE};

pub(crate) const AGENTS: [&str; 3] = ["andy", "bea", "cleo"];

/// What people were told so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// Messages that were acknowledged, with the agent that they were for.
    pub(crate) accepted: Vec<(&'static str, Accepted)>,
    /// Answers that were read: to which message, and which row.
    pub(crate) answers: BTreeMap<MessageId, MessageId>,
}

/// People who talk for as long as they may.
pub(crate) struct Flow {
    told: Arc<Mutex<Told>>,
    may_talk: Arc<Semaphore>,
    _people: JoinSet<()>,
}

impl Flow {
    /// Everybody comes in; nobody talks yet.
    pub(crate) async fn begin(host: &Host) -> Self {
        let (told, may_talk) = (Arc::new(Mutex::default()), Arc::new(Semaphore::new(0)));
        let mut people = JoinSet::new();
        for agent in AGENTS {
            let mut client = host.client().await;
            let made: schemas::admin::Agent =
                client.post("/v1/agents", &NewAgent::named(agent)).await.unwrap();
            assert_eq!(made.name, agent);
            people.spawn(talk(client, agent, told.clone(), may_talk.clone()));
        }
        Self { told, may_talk, _people: people }
    }

    /// Everybody talks for this long, and goes on after it.
    pub(crate) async fn goes_on_for(&self, time: Duration) {
        self.may_talk.add_permits(AGENTS.len());
        drop(timeout(time, std::future::pending::<()>()).await);
    }

    /// Everybody finishes what they are about, and waits.
    pub(crate) async fn pauses(&self) {
        let all = u32::try_from(AGENTS.len()).unwrap();
        let begun = Instant::now();
        let permits = timeout(PATIENCE, self.may_talk.acquire_many(all)).await;
        permits
            .unwrap_or_else(|_| panic!("nobody answers for {:?}", begun.elapsed()))
            .unwrap()
            .forget();
    }

    /// What people were told until now.
    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }
}

async fn talk(
    mut client: host::client::Client,
    agent: &'static str,
    told: Arc<Mutex<Told>>,
    may_talk: Arc<Semaphore>,
) {
    let mut stream = client.stream(agent, &Since::default()).await.unwrap();
    for n in 0_u32.. {
        let _permit = may_talk.acquire().await.unwrap();
        let file = Attachment {
            name: Some("in.txt".to_owned()),
            data: Some("aGVsbG8=".to_owned()),
            ..Attachment::default()
        };
        let message = SendMessage {
            text: format!("{n}\n!file out.txt 20"),
            attachments: vec![file],
            ..SendMessage::default()
        };
        let accepted = client.send(agent, &message).await.unwrap();
        told.lock().unwrap().accepted.push((agent, accepted.clone()));
        while let Some(event) = stream.next().await.unwrap() {
            if let RoomEvent::Message(said) = event {
                let to = said.in_reply_to.clone().unwrap();
                told.lock().unwrap().answers.insert(to, said.message_id.clone());
                break;
            }
        }
    }
}
