//! Messages that are for the host itself: `/claim` with a code, and answers to questions.
//!
//! Owns taking them out of the stream before anything is routed: a code is never kept, logged or
//! shown to an agent, whoever says it and wherever; an answer is nobody's message but its
//! question's.

use schemas::{
    admin::Accepted,
    message::{Kind, NewInbound},
};
use tokio::sync::oneshot;
use tracing::info;

use super::Daemon;
use crate::{
    admin::Desk,
    channels::{Bounded, Inbound, Remark, Sender},
    error::{ErrorKind, HostError, Result},
    people::{Act, Verdict, Who, decide},
    questions::{self, Open, Said},
    requests::{Answer, Became, Request, Taken},
    routing::command::without_mention,
    store::Claimed,
    text::people as text,
};

/// What a message is, when it is for the host.
pub(super) enum ForHost {
    /// Somebody says that the host is theirs.
    Claim(String),
    /// An answer to a question, and who gives it.
    Answer(Box<(Open, String, Who)>),
}

impl Daemon {
    /// Whether a message is for the host. Most are not, and cost no look-up.
    pub(super) async fn for_host(&self, message: &Inbound) -> Result<Option<ForHost>> {
        let mut words = without_mention(&message.text).split_whitespace();
        if let (Some("/claim"), Some(code), None) = (words.next(), words.next(), words.next()) {
            return Ok(Some(ForHost::Claim(code.to_owned())));
        }
        let found = self.context.questions.answered_by(&message.address, &message.text);
        let Some((open, value)) = found else { return Ok(None) };
        let who = self.context.store.who_is(message.sender.id().to_owned()).await?;
        let may = decide(&who, Act::AnswerQuestion, Some(&open.agent)) == Verdict::Allow;
        Ok(may.then(|| ForHost::Answer(Box::new((open, value, who)))))
    }

    /// Does it beside the loop.
    pub(super) fn hear(&self, message: Inbound, what: ForHost, answer: Answer<Taken>) {
        let desk = self.context.desk();
        self.context.spawn(async move {
            let taken = match what {
                ForHost::Claim(code) => claim(&desk, message, code).await,
                ForHost::Answer(answer) => answered(&desk, message, *answer).await,
            };
            // Whoever brought it may be gone; that is no failure.
            drop(answer.send(taken));
        });
    }

    /// What waited for a yes comes in at its place first.
    pub(super) fn later(&self, message: Inbound, answer: Answer<Taken>) {
        let desk = self.context.desk();
        self.context.spawn(async move {
            desk.context.turns.wait(&message.address).await;
            let message = Box::new(Bounded::of(message));
            let again = |taken| Request::Inbound(message, taken);
            drop(answer.send(desk.daemon.ask_surely(again).await));
        });
    }

    /// The same for the terminal, which knows one agent.
    pub(super) fn hear_operator(&self, message: Inbound, what: ForHost, answer: Answer<Accepted>) {
        let (taken, all) = oneshot::channel();
        self.hear(message, what, taken);
        self.context.spawn(async move {
            let Ok(taken) = all.await else { return };
            drop(answer.send(taken.and_then(|taken| super::fan_out::first_taken(&taken))));
        });
    }
}

async fn claim(desk: &Desk, message: Inbound, code: String) -> Result<Taken> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let (id, name) = match message.sender {
        // They are the operator already; what they need is a name elsewhere.
        Sender::Operator => {
            return Err(HostError::new(ErrorKind::Invalid, text::CLAIM_ELSEWHERE));
        }
        Sender::Platform { id, name } => (id, name),
    };
    let name = if name.is_empty() { id.clone() } else { name };
    let said = match store.claim(code, (id.clone(), name), now).await? {
        Claimed::Theirs(person) => {
            info!(%person, "the host has an owner");
            store.audit(id, "claimed", format!("this host, as {person}"), now).await?;
            desk.daemon.ask(|answer| Request::Refresh(Vec::new(), answer)).await?;
            text::CLAIMED
        }
        Claimed::Wrong => {
            store.audit(id, "denied", "claim this host: a wrong code".to_owned(), now).await?;
            text::NOT_CLAIMED
        }
        // Nothing can be guessed, so nothing is written down: strangers must not fill the disk.
        Claimed::NothingWaits => text::NOT_CLAIMED,
    };
    if let Some(channel) = desk.context.channels.at(&message.address) {
        let address = &message.address;
        channel.tell(Remark::Notice { session: None, address, text: said }).await;
    }
    Ok(Taken::default())
}

async fn answered(
    desk: &Desk,
    message: Inbound,
    (open, value, who): (Open, String, Who),
) -> Result<Taken> {
    let agent = open.agent.clone();
    let id = message.row_id(&agent).map_err(|error| {
        HostError::new(ErrorKind::Invalid, "the message has no usable id").because(error)
    })?;
    let mut row = NewInbound::new(id, Kind::System, message.at, String::new());
    row.digest.clone_from(&message.digest);
    row.client_id.clone_from(&message.client_id);
    row.sender_id = Some(message.sender.id().to_owned());
    match questions::answer_here(desk, open, value, Said { row, who }).await {
        Ok(accepted) => {
            Ok(Taken { agents: vec![(agent, Became::Woke(accepted))], drops: Vec::new() })
        }
        // Somebody was faster, or the conversation was put away; the question waits no longer, and
        // this is text like any other.
        Err(failure) if matches!(failure.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {
            let message = Box::new(Bounded::of(message));
            desk.daemon.ask(|answer| Request::Inbound(message, answer)).await
        }
        Err(failure) => Err(failure),
    }
}
