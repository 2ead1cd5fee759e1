//! What people say in a script, and bring again when nobody answered.

use host::{
    channels::Inbound,
    draft::Draft,
    error::Result,
    requests::{Became, Request},
};
use schemas::{
    admin::{Accepted, SendMessage},
    content::Attachment,
    message::{Address, Outcome},
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    script::Script,
    town::{LONG, PLACES, TERMINALS},
};
use crate::world::{World, address};

/// Something that a session took and is to answer.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// A word that nothing else that was said holds.
    pub(crate) token: String,
    pub(crate) accepted: Accepted,
    pub(crate) what: What,
    /// Where it was said, and since when they wait.
    pub(crate) address: Address,
    pub(crate) at: Instant,
    /// When it was said first, if a host took it then and did not live to say so.
    pub(crate) since: Instant,
    /// Whether they heard of it.
    pub(crate) was_told: bool,
    /// Whether it was said where nobody can tell if a post arrived.
    pub(crate) unknowable: bool,
}

/// What is to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Answer,
    /// The turn fails.
    Failure,
    Silence,
    /// The answer has a file.
    File,
    /// Another agent is written to.
    Peer,
    /// The host is asked for something.
    Action,
    /// A tool appends a line.
    Line,
    /// It takes long, and somebody may stop it.
    Long,
}

impl What {
    /// How its run may end. One that broke off after its tool had begun is not done again unasked.
    pub(crate) fn outcomes(self) -> &'static [Outcome] {
        match self {
            Self::Failure => &[Outcome::Failed],
            Self::Line => &[Outcome::Completed, Outcome::Interrupted],
            Self::Long => &[Outcome::Completed, Outcome::Cancelled],
            Self::Answer | Self::Silence | Self::File | Self::Peer | Self::Action => {
                &[Outcome::Completed]
            }
        }
    }

    pub(crate) fn answers(self) -> usize {
        usize::from(self != Self::Failure && self != Self::Silence)
    }

    /// A turn fails, is silent, or breaks off for all that it answers: such words have a thread of
    /// their own.
    fn thread(self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Failure => Some(("bea", Some("fails"))),
            Self::Silence => Some(("cleo", Some("silent"))),
            Self::Line => Some(("andy", Some("tools"))),
            Self::Long => Some(LONG),
            Self::Answer | Self::File | Self::Peer | Self::Action => None,
        }
    }
}

/// Something that was said, until it is known that it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Unsent {
    token: String,
    what: What,
    how: How,
    since: Instant,
}

#[derive(Debug, Clone)]
enum How {
    Terminal(String, Box<SendMessage>),
    Platform(Box<Inbound>),
}

impl How {
    fn address(&self) -> Address {
        match self {
            Self::Terminal(agent, message) => address(agent, message.thread.as_deref()),
            Self::Platform(message) => message.address.clone(),
        }
    }
}

impl Script {
    pub(crate) async fn says_something(&mut self, world: &mut World) {
        // Whoever brought something in vain brings it again, sooner or later.
        if self.dice.once_in(3) {
            self.brings_again(world).await;
        }
        self.words += 1;
        let token = format!("w{}", self.words);
        let (text, what) = self.words_of(&token);
        let apart = what.thread();
        let how = if apart.is_some() || self.dice.once_in(2) {
            let (agent, thread) = apart.unwrap_or_else(|| *self.dice.pick(&TERMINALS));
            let file = Attachment {
                name: Some("in.txt".to_owned()),
                data: Some("aGVsbG8=".to_owned()),
                ..Attachment::default()
            };
            let attachments = if self.dice.once_in(4) { vec![file] } else { Vec::new() };
            let message = SendMessage {
                text,
                thread: thread.map(str::to_owned),
                client_id: Some(token.clone()),
                attachments,
            };
            How::Terminal(agent.to_owned(), Box::new(message))
        } else {
            let place = self.dice.pick(&PLACES);
            How::Platform(Box::new(world.heard(&format!("{place}: @x {text}"))))
        };
        self.tell(&format!("  {how:?}"));
        self.unsent.push(Unsent { token, what, how, since: Instant::now() });
        let last = self.unsent.len() - 1;
        self.bring(world, last).await;
    }

    /// What is said, with what the agent is to do over it.
    fn words_of(&mut self, token: &str) -> (String, What) {
        let (more, what) = match self.dice.roll(17) {
            0 => (format!("!fail final because-{token}"), What::Failure),
            1 => ("!silent".to_owned(), What::Silence),
            2 | 3 => ("!file out.txt 20".to_owned(), What::File),
            4 => (format!("!to peer hello {token}p"), What::Peer),
            5 | 6 => ("!admin agents list".to_owned(), What::Action),
            7 => {
                let (id, name) = (format!("{token}n"), format!("new{token}"));
                let action = json!({
                    "requestId": id, "action": "create_agent", "name": name, "prompt": "Help."
                });
                (format!("!action {action}"), What::Answer)
            }
            8 => (format!("!ask {token}q?|a|b"), What::Answer),
            9 | 10 => (format!("!append {token} line"), What::Line),
            11 => (format!("!slow {}", self.dice.roll(200_000)), What::Long),
            _ => (String::new(), What::Answer),
        };
        // Some think before they act, some after it, most not at all.
        let pause = format!("!slow {}", self.dice.roll(8_000));
        let lines = match self.dice.roll(6) {
            0 => [token, &pause, &more],
            1 => [token, &more, &pause],
            _ => [token, &more, ""],
        };
        (lines.join("\n").trim_end().to_owned(), what)
    }

    /// Everything that was said in vain is said again, as clients and platforms do.
    pub(crate) async fn brings_again(&mut self, world: &mut World) {
        for n in (0..self.unsent.len()).rev() {
            self.bring(world, n).await;
        }
    }

    async fn bring(&mut self, world: &mut World, n: usize) {
        let unsent = self.unsent.get(n).unwrap().clone();
        let taken = match unsent.how.clone() {
            How::Terminal(agent, message) => {
                send(world, agent, *message).await.map(|accepted| vec![accepted])
            }
            How::Platform(message) => world.brings(*message).await.map(|taken| {
                let woke = taken.agents.into_iter().filter_map(|(_, became)| match became {
                    Became::Woke(accepted) => Some(accepted),
                    Became::Kept(_) | Became::Command(_) => None,
                });
                woke.collect()
            }),
        };
        let taken = match taken {
            Ok(taken) => taken,
            Err(failure) if world.is_refused_for_want_of_room(&failure) => return,
            Err(failure) => {
                assert!(world.host_died(), "{unsent:?}: {failure:?}");
                world.revive_host().await;
                return;
            }
        };
        self.unsent.remove(n);
        let (address, at) = (unsent.how.address(), Instant::now());
        let unknowable = matches!(&unsent.how, How::Platform(message)
            if message.address.channel_type == "mail");
        let (token, what) = (unsent.token, unsent.what);
        self.said.extend(taken.into_iter().map(|accepted| Said {
            token: token.clone(),
            since: if accepted.replayed { unsent.since } else { at },
            accepted,
            what,
            address: address.clone(),
            at,
            was_told: false,
            unknowable,
        }));
    }
}

pub(super) async fn send(world: &World, agent: String, message: SendMessage) -> Result<Accepted> {
    let draft = Draft::of(message)?;
    world.ask(|answer| Request::Send(agent, Box::new(draft), answer)).await
}
