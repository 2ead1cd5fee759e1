//! People who talk for as long as they may, and who listen all the while, over every death of the
//! host: what they heard, and when, is what counts.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use host::{
    client::{Client, Since},
    error::Result,
};
use schemas::admin::{Accepted, RoomEvent, SendMessage};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    PAUSE, SESSIONS,
    house::{House, socket},
    name,
    tally::Tally,
    told::Until,
};

/// Before somebody who found no host asks again.
const GLANCE: Duration = Duration::from_millis(20);

/// Everybody who talks and listens.
pub(crate) struct People {
    talkers: JoinSet<()>,
    _listeners: JoinSet<()>,
    tally: Arc<Mutex<Tally>>,
}

pub(crate) fn begin(house: &House, until: Until) -> People {
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let (mut talkers, mut listeners) = (JoinSet::new(), JoinSet::new());
    for n in 0..SESSIONS {
        let (run, tally) = (house.run(), tally.clone());
        talkers.spawn(talk(run.clone(), n, tally.clone(), most(n, until)));
        listeners.spawn(listen(run, n, tally));
    }
    People { talkers, _listeners: listeners, tally }
}

impl People {
    /// Once everybody has said what there was to say.
    pub(crate) async fn have_talked(&mut self) {
        while let Some(ended) = self.talkers.join_next().await {
            ended.unwrap();
        }
    }

    /// What came of it until now: a copy, so that nobody is kept from talking while it is looked at.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }
}

/// How many messages a conversation is to have.
fn most(n: usize, until: Until) -> u32 {
    let all = u32::try_from(SESSIONS).unwrap();
    match until {
        Until::Messages(messages) => {
            messages / all + u32::from(u32::try_from(n).unwrap() < messages % all)
        }
        Until::Time(time) => u32::try_from(time.as_millis().div_ceil(PAUSE.as_millis())).unwrap(),
    }
}

async fn talk(run: PathBuf, n: usize, tally: Arc<Mutex<Tally>>, most: u32) {
    // Not all at once: each begins at its own part of the pause.
    let part = u32::try_from(n).unwrap() * 1_000 / u32::try_from(SESSIONS).unwrap();
    let mut next = Instant::now() + PAUSE * part / 1_000;
    for said in 1..=most {
        sleep_until(next).await;
        next += PAUSE;
        let message = SendMessage {
            text: format!("message {said}"),
            // Over a death of the host it is said again, and is one message.
            client_id: Some(format!("{n}-{said}")),
            ..SendMessage::default()
        };
        let accepted = insist(&run, &name(n), &message).await;
        tally.lock().unwrap().accepted(n, accepted);
    }
}

async fn insist(run: &Path, agent: &str, message: &SendMessage) -> Accepted {
    loop {
        if let Ok(mut client) = Client::connect(socket(run)).await
            && let Ok(accepted) = client.send(agent, message).await
        {
            return accepted;
        }
        sleep(GLANCE).await;
    }
}

/// Whoever loses the host comes back and asks for what came after the last number they heard.
async fn listen(run: PathBuf, n: usize, tally: Arc<Mutex<Tally>>) {
    let mut after = 0;
    loop {
        // A host that dies in the middle is nothing to tell: the next one is asked.
        drop(hear(&run, n, &mut after, &tally).await);
        sleep(GLANCE).await;
    }
}

async fn hear(run: &Path, n: usize, after: &mut i64, tally: &Mutex<Tally>) -> Result<()> {
    let from = Since { after: Some(*after), ..Since::default() };
    let mut stream = Client::connect(socket(run)).await?.stream(&name(n), &from).await?;
    while let Some(event) = stream.next().await? {
        match event {
            RoomEvent::Message(said) => {
                *after = said.seq;
                tally.lock().unwrap().heard(n, said.in_reply_to);
            }
            RoomEvent::Notice { text, .. } => tally.lock().unwrap().noticed(text),
            RoomEvent::CaughtUp
            | RoomEvent::Typing { .. }
            | RoomEvent::RunTakesLong { .. }
            | RoomEvent::RunFinished { .. } => {}
        }
    }
    Ok(())
}
