//! `wirings test`: who would engage over a message, and why. Nothing is sent and nothing is kept.
//!
//! Asks the same pure rules with the same facts that a real message meets.

use schemas::{admin::AdminAnswer, message::Address, policy::EngageMode};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, table},
};
use crate::{
    channels::{Inbound, Sender, terminal},
    error::Result,
    routing::{self, About, Ask, Decision, Refusal},
    store::WiringFact,
    text::engage as words,
};

/// A message that nobody sent.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Imagined {
    /// What would be said
    text: String,
    /// Where: CHANNEL:ID, name, or id
    #[arg(long)]
    pub(super) room: String,
    /// In which thread
    #[arg(long)]
    thread: Option<String>,
    /// Who would say it: CHANNEL:USER [default: somebody unknown; at
    /// the terminal, the operator]
    #[arg(long)]
    sender: Option<String>,
    /// The platform would say that it mentions us
    #[arg(long)]
    mention: bool,
}

/// What would follow for one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Verdict {
    agent: String,
    does: &'static str,
    why: String,
}

/// What would follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Outcome {
    sender: String,
    agents: Vec<Verdict>,
    drops: Vec<&'static str>,
    asks: bool,
}

impl Imagined {
    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let room = desk.room(&self.room).await?;
        let message = self.message(&room, desk);
        let sender = match &message.sender {
            Sender::Operator => None,
            Sender::Platform { id, .. } => Some(id.clone()),
        };
        let facts = desk.context.store.route_facts(message.address.clone(), sender).await?;
        let mut about = About::unasked(&message.sender);
        about.who = facts.who.unwrap_or(about.who);
        about.denied = facts.denied;
        about.in_thread = facts.in_thread;
        let known = facts.room.map(|fact| routing::Room::new(fact, facts.wirings));
        let routed = routing::route(&message, known.as_ref(), &about);
        let wirings: Vec<&WiringFact> = known.iter().flat_map(routing::Room::wirings).collect();
        let agents = routed.agents.iter().map(|one| {
            let wiring = wirings.iter().find(|wiring| wiring.agent == one.agent);
            let (does, why) = explain(&one.decision, wiring.copied(), &message, &about);
            Verdict { agent: one.name.clone(), does, why }
        });
        let outcome = Outcome {
            sender: about.who.word(),
            agents: agents.collect(),
            drops: routed.drops.iter().map(|why| why.word()).collect(),
            asks: routed.ask.is_some(),
        };
        let text = for_people(&outcome, routed.ask.as_ref());
        Ok(answer(&outcome, text))
    }

    fn message(&self, room: &crate::store::Room, desk: &Desk) -> Inbound {
        let sender = match &self.sender {
            None if room.channel == terminal::CHANNEL => Sender::Operator,
            sender => {
                let id = sender.clone().unwrap_or_else(|| format!("{}:somebody", room.channel));
                Sender::Platform { name: id.clone(), id }
            }
        };
        Inbound {
            address: Address {
                channel_type: room.channel.clone(),
                platform_id: room.platform_id.clone(),
                thread_id: self.thread.clone(),
            },
            id: "imagined".to_owned(),
            sender,
            text: self.text.clone(),
            content: String::new(),
            at: desk.context.clock.now(),
            mentioned: self.mention,
            is_group: room.group,
            room_name: room.name.clone(),
            client_id: None,
            digest: None,
        }
    }
}

fn explain(
    decision: &Decision,
    wiring: Option<&WiringFact>,
    message: &Inbound,
    about: &About,
) -> (&'static str, String) {
    match decision {
        Decision::Wake { session, .. } => {
            let why = wiring.map(|wiring| engaged(wiring, message, about)).unwrap_or_default();
            ("wakes", format!("{why}; session {}", session.mode.as_str()))
        }
        Decision::Keep(_) => ("keeps it for later", words::NOT_ENGAGED.to_owned()),
        Decision::Command(_, command) => ("does the command", format!("{command:?}")),
        Decision::Deny(_, may_not) => ("refuses the command", format!("may not {may_not}")),
        Decision::Refuse(why) => ("does not get it", words::refusal(*why).to_owned()),
        Decision::AskAboutSender => {
            ("does not get it yet", words::refusal(Refusal::AwaitsApproval).to_owned())
        }
        Decision::Ignore => ("ignores it", words::NOT_ENGAGED.to_owned()),
    }
}

fn engaged(wiring: &WiringFact, message: &Inbound, about: &About) -> String {
    match (wiring.engage, &wiring.pattern) {
        (EngageMode::Pattern, None) => "always engages".to_owned(),
        (EngageMode::Pattern, Some(pattern)) => format!("the text matches /{pattern}/"),
        (EngageMode::MentionSticky, _) if about.in_thread.contains(&wiring.agent) => {
            "is in this thread already".to_owned()
        }
        (EngageMode::Mention | EngageMode::MentionSticky, _) if message.mentioned => {
            "is mentioned".to_owned()
        }
        (EngageMode::Mention | EngageMode::MentionSticky, _) => "is spoken to directly".to_owned(),
    }
}

fn for_people(outcome: &Outcome, ask: Option<&Ask>) -> String {
    let rows: Vec<[String; 3]> = outcome
        .agents
        .iter()
        .map(|one| [one.agent.clone(), one.does.to_owned(), one.why.clone()])
        .collect();
    let mut lines =
        vec![format!("said by {}", outcome.sender), table(["AGENT", "DOES", "WHY"], &rows)];
    if !outcome.drops.is_empty() {
        lines.push(format!("in the list of drops: {}", outcome.drops.join(", ")));
    }
    lines.extend(ask.map(|ask| {
        match ask {
            Ask::ConnectRoom => words::ASKS_ABOUT_ROOM,
            Ask::AdmitSender(_) => words::ASKS_ABOUT_SENDER,
        }
        .to_owned()
    }));
    lines.join("\n")
}
