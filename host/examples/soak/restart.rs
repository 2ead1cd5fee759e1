//! How long a restart takes when there are a thousand sessions, and how fast whoever was adopted
//! answers; and what power cuts lose.

use std::{process::Command, time::Duration};

use host::{
    client::{Client, Since},
    store::{NewSession, Store},
};
use jiff::Timestamp;
use schemas::{
    admin::{Agent, RoomEvent, SendMessage, SessionInfo},
    policy::SessionMode,
};
use tokio::time::{Instant, timeout};

use crate::house::House;

/// Sessions of the home that is restarted.
const SESSIONS: usize = 1_000;

/// Restarts that are measured.
const RESTARTS: u32 = 5;

/// Adopted containers that are spoken to after each.
const SPOKEN_TO: usize = 5;

pub(crate) struct Restarts {
    /// The longest time until a host was ready.
    pub(crate) ready_ms: f64,
    /// The middle time until an adopted container's answer was there.
    pub(crate) answer_ms: f64,
    pub(crate) sessions: usize,
    pub(crate) adopted: usize,
}

pub(crate) async fn measure(house: &mut House) -> Restarts {
    let mut client = house.client().await.unwrap();
    let agents: Vec<Agent> = client.get("/v1/agents").await.unwrap();
    house.dies();
    fill(house, agents.first().unwrap()).await;
    let (mut ready, mut answers) = (Duration::ZERO, Vec::new());
    let (mut sessions, mut adopted) = (0, 0);
    for _ in 0..RESTARTS {
        ready = ready.max(house.start().await);
        let mut client = house.client().await.unwrap();
        let all: Vec<SessionInfo> = client.get("/v1/sessions").await.unwrap();
        sessions = all.len();
        let awake: Vec<SessionInfo> =
            all.into_iter().filter(|one| one.state == "awake").take(SPOKEN_TO).collect();
        adopted += awake.len();
        for session in awake {
            answers.push(answer(&mut client, &session.agent).await);
        }
        house.dies();
    }
    house.start().await;
    answers.sort_unstable();
    let middle = answers.get(answers.len() / 2).copied().unwrap_or(Duration::MAX);
    Restarts {
        ready_ms: ready.as_secs_f64() * 1e3,
        answer_ms: middle.as_secs_f64() * 1e3,
        sessions,
        adopted,
    }
}

/// Sessions that sleep, as a long life leaves them behind.
async fn fill(house: &House, agent: &Agent) {
    let store = Store::open(&house.home().join("central.db")).unwrap();
    for n in 0..SESSIONS {
        let new = NewSession {
            key: format!("soak:{n}"),
            agent: agent.id.clone(),
            room: None,
            thread: None,
            mode: SessionMode::AgentShared,
        };
        store.session_for(new, Timestamp::UNIX_EPOCH).await.unwrap();
    }
}

async fn answer(client: &mut Client, agent: &str) -> Duration {
    let mut stream = client.stream(agent, &Since::default()).await.unwrap();
    let begun = Instant::now();
    let message = SendMessage { text: "and now?".to_owned(), ..SendMessage::default() };
    let accepted = client.send(agent, &message).await.unwrap();
    let heard = timeout(Duration::from_secs(60), async {
        while let Ok(Some(event)) = stream.next().await {
            if matches!(&event, RoomEvent::Message(said)
                if said.in_reply_to.as_ref() == Some(&accepted.message_id))
            {
                return;
            }
        }
    });
    heard.await.expect("an adopted container answers");
    begun.elapsed()
}

/// What so many power cuts lose, by the test that cuts them; -1 when it cannot say.
pub(crate) fn cut_lost(cuts: u32) -> i64 {
    if cuts == 0 {
        return 0;
    }
    let mut test = Command::new("cargo");
    test.args(["test", "-p", "host", "--test", "power", "--", "--nocapture"]);
    let said = test.env("CUTS", cuts.to_string()).output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    let mut words = text.split_whitespace().skip_while(|word| *word != "cut_lost");
    words.nth(1).and_then(|lost| lost.parse().ok()).unwrap_or(-1)
}
