//! What people say: from a message to the mailbox of each session that gets it.
//!
//! Owns loading the facts, from memory when nothing changed, and handing rows and commands over.
//! What is waited for then is `fan_out`'s. Nothing here decides: that is `routing`.

use std::sync::Arc;

use schemas::{
    admin::Accepted,
    ids::MessageId,
    message::{Address, Kind, NewInbound},
};
use tokio::sync::oneshot;

use super::{
    Daemon,
    fan_out::{FanOut, Pending, first_taken},
};
use crate::{
    channels::{Inbound, Sender, terminal},
    draft::Draft,
    error::{ErrorKind, HostError, Result},
    limits,
    people::Who,
    requests::{Answer, Taken},
    routing::{About, Decision, ForAgent, Room, Routed, route},
    sessions::handle::Command,
    steps::Step,
    store::NewSession,
};

impl Daemon {
    /// The operator says something; mostly to one agent, whose session then answers by itself.
    pub(super) async fn send(&mut self, agent: &str, draft: Draft, answer: Answer<Accepted>) {
        let message = match self.spoken(agent, draft).await {
            Ok(message) => message,
            Err(failure) => return drop(answer.send(Err(failure))),
        };
        self.context.steps.reached(Step::Heard);
        match self.for_host(&message).await {
            Ok(Some(what)) => return self.hear_operator(message, what, answer),
            Ok(None) => {}
            Err(failure) => return drop(answer.send(Err(failure))),
        }
        match self.routed(&message).await {
            Ok((routed, who)) => match only_row(&routed) {
                Some((session, trigger)) => self.append(message, session, trigger, answer).await,
                None => {
                    let (taken, all) = oneshot::channel();
                    self.carry_out(message, routed, who, taken).await;
                    self.context.spawn(async move {
                        // A fan-out that broke off said so in the log.
                        let Ok(all) = all.await else { return };
                        drop(answer.send(all.and_then(|taken| first_taken(&taken))));
                    });
                }
            },
            Err(failure) => drop(answer.send(Err(failure))),
        }
    }

    /// Somebody says something on a platform.
    pub(super) async fn inbound(&mut self, mut message: Inbound, answer: Answer<Taken>) {
        self.context.steps.reached(Step::Heard);
        let for_host = match self.check(&mut message) {
            Ok(()) => self.for_host(&message).await,
            Err(failure) => Err(failure),
        };
        match for_host {
            Ok(Some(what)) => self.hear(message, what, answer),
            Ok(None) if self.context.turns.is_taken(&message.address) => {
                self.later(message, answer);
            }
            Ok(None) => self.route_on(message, answer).await,
            Err(failure) => drop(answer.send(Err(failure))),
        }
    }

    /// Past everything that could keep a message from being routed.
    pub(super) async fn route_on(&mut self, message: Inbound, answer: Answer<Taken>) {
        match self.routed(&message).await {
            Ok((routed, who)) => self.carry_out(message, routed, who, answer).await,
            Err(failure) => drop(answer.send(Err(failure))),
        }
    }

    /// What was remembered of the database counts no more.
    pub(super) fn forget_rules(&mut self) {
        self.rooms.clear();
        self.known_people.clear();
    }

    async fn spoken(&mut self, agent: &str, draft: Draft) -> Result<Inbound> {
        let address = self.terminal_address(agent, draft.thread).await?;
        let at = self.context.clock.now();
        Ok(Inbound {
            address,
            id: MessageId::mint(at).to_string(),
            sender: Sender::Operator,
            text: draft.text,
            content: draft.content,
            at,
            mentioned: true,
            is_group: false,
            room_name: None,
            client_id: draft.client_id,
            digest: draft.digest,
        })
    }

    /// Bounds what came from outside, and takes the thread away where there are none.
    fn check(&self, message: &mut Inbound) -> Result<()> {
        let invalid = |what: String| HostError::new(ErrorKind::Invalid, what);
        let Some(channel) = self.context.channels.at(&message.address) else {
            return Err(invalid(format!("no channel {:?}", message.address.channel_type)));
        };
        if !channel.threads() {
            message.address.thread_id = None;
        }
        // Nobody spoke tomorrow: a platform's clock may be wrong.
        message.at = message.at.min(self.context.clock.now());
        let channel = &message.address.channel_type;
        let from_there = match &message.sender {
            Sender::Operator => channel == terminal::CHANNEL,
            Sender::Platform { id, .. } => {
                let user = id.strip_prefix(channel.as_str()).and_then(|id| id.strip_prefix(':'));
                channel != terminal::CHANNEL && user.is_some_and(|user| !user.is_empty())
            }
        };
        if !from_there {
            return Err(invalid(format!("a sender that {channel} cannot vouch for")));
        }
        MessageId::parse(&message.id)
            .map_err(|e| invalid("a message's id".to_owned()).because(e))?;
        let place = &message.address;
        let thread = place.thread_id.as_deref().unwrap_or_default();
        let names = [place.platform_id.as_str(), thread, message.sender.id(), &message.id];
        if names.iter().any(|name| name.len() > limits::KEY_BYTES) {
            let why = format!("ids of a platform have at most {} bytes", limits::KEY_BYTES);
            return Err(HostError::new(ErrorKind::TooLarge, why));
        }
        Ok(())
    }

    async fn routed(&mut self, message: &Inbound) -> Result<(Routed, Who)> {
        let (room, about) = self.facts_about(message).await?;
        self.context.steps.reached(Step::FactsRead);
        let routed = route(message, room.as_deref(), &about);
        self.context.steps.reached(Step::Routed);
        Ok((routed, about.who))
    }

    /// What routing needs to know: from memory, else from one read.
    async fn facts_about(&mut self, message: &Inbound) -> Result<(Option<Arc<Room>>, About)> {
        let place = Address { thread_id: None, ..message.address.clone() };
        let mut about = About::unasked(&message.sender);
        let known = self.rooms.get(&place).cloned();
        let asks_who = known.as_ref().is_none_or(|room| room.asks_who(message));
        if asks_who && let Some(who) = self.known_people.get(message.sender.id()) {
            about.who = who.clone();
        }
        let stranger = matches!(about.who, Who::Stranger(_));
        if let Some(room) = &known
            && !(asks_who && stranger)
            && !room.asks_thread(message)
        {
            return Ok((known, about));
        }
        let sender = stranger.then(|| message.sender.id().to_owned());
        let store = self.context.store.clone();
        let facts = store.route_facts(message.address.clone(), sender).await?;
        if let Some(who) = facts.who {
            self.remember_person(message.sender.id(), &who);
            about.who = who;
        }
        about.denied = facts.denied;
        about.in_thread = facts.in_thread;
        let read = facts.room.map(|fact| Arc::new(Room::new(fact, facts.wirings)));
        let room = known.or(read);
        if let Some(room) = &room {
            self.remember_room(place, room);
        }
        Ok((room, about))
    }

    /// Places and people that exist are remembered: those that strangers name would fill the
    /// memory.
    fn remember_room(&mut self, place: Address, room: &Arc<Room>) {
        if self.rooms.len() >= limits::route::REMEMBERED {
            self.rooms.clear();
        }
        self.rooms.entry(place).or_insert_with(|| room.clone());
    }

    fn remember_person(&mut self, sender: &str, who: &Who) {
        if self.known_people.len() >= limits::route::REMEMBERED {
            self.known_people.clear();
        }
        if let Who::Person(_) = who {
            self.known_people.insert(sender.to_owned(), who.clone());
        }
    }

    /// A room with its wirings, from memory when nothing changed since they were read.
    pub(super) async fn room_at(&mut self, address: &Address) -> Result<Option<Arc<Room>>> {
        let place = Address { thread_id: None, ..address.clone() };
        if let Some(known) = self.rooms.get(&place) {
            return Ok(Some(known.clone()));
        }
        let facts = self.context.store.route_facts(place.clone(), None).await?;
        let room = facts.room.map(|fact| Arc::new(Room::new(fact, facts.wirings)));
        if let Some(room) = &room {
            self.remember_room(place, room);
        }
        Ok(room)
    }

    /// The address of an agent's terminal room.
    pub(super) async fn terminal_address(
        &mut self,
        agent: &str,
        thread: Option<String>,
    ) -> Result<Address> {
        let place = Address {
            channel_type: terminal::CHANNEL.to_owned(),
            platform_id: agent.to_owned(),
            thread_id: None,
        };
        let room = self.room_at(&place).await?;
        if room.is_none_or(|room| room.wirings().next().is_none()) {
            let name = self.agent_named(agent).await?;
            return Ok(Address { platform_id: name, thread_id: thread, ..place });
        }
        Ok(Address { thread_id: thread, ..place })
    }

    /// One row for one session, which answers by itself once it is durable.
    async fn append(
        &mut self,
        message: Inbound,
        session: NewSession,
        trigger: bool,
        answer: Answer<Accepted>,
    ) {
        let told = match row(&message, &session, trigger) {
            Ok(row) => {
                let row = NewInbound { content: message.content, ..row };
                self.session(session).await.map(|handle| (handle, row))
            }
            Err(failure) => Err(failure),
        };
        match told {
            Ok((handle, row)) => {
                if let Err(full) = handle.tell(Command::Append(Box::new(row), answer)) {
                    full.refuse_busy();
                }
            }
            Err(failure) => drop(answer.send(Err(failure))),
        }
    }

    /// Hands a message to every session that gets it. What becomes of it is waited for beside the
    /// loop.
    async fn carry_out(
        &mut self,
        message: Inbound,
        routed: Routed,
        who: Who,
        answer: Answer<Taken>,
    ) {
        let mut pending = Vec::new();
        let mut subscribe = false;
        for ForAgent { agent, decision, .. } in routed.agents {
            let waits = match decision {
                Decision::Wake { session, subscribe: wanted } => {
                    subscribe |= wanted;
                    Pending::Woke(self.hand_over(&message, session, true).await)
                }
                Decision::Keep(session) => {
                    Pending::Kept(self.hand_over(&message, session, false).await)
                }
                Decision::Command(session, command) => {
                    self.command(&message, session, Ok(command), who.clone()).await
                }
                Decision::Deny(session, words) => {
                    self.command(&message, session, Err(words), who.clone()).await
                }
                Decision::Refuse(_) | Decision::AskAboutSender | Decision::Ignore => continue,
            };
            pending.push((agent, waits));
        }
        let fan_out = FanOut {
            context: self.context.clone(),
            message,
            pending,
            drops: routed.drops,
            ask: routed.ask,
            subscribe,
        };
        self.context.spawn(fan_out.finish(answer));
    }

    async fn hand_over(
        &mut self,
        message: &Inbound,
        session: NewSession,
        trigger: bool,
    ) -> oneshot::Receiver<Result<Accepted>> {
        let (answer, answered) = oneshot::channel();
        self.append(message.clone(), session, trigger, answer).await;
        answered
    }
}

/// The one session that gets a row, when nothing else comes of the message.
fn only_row(routed: &Routed) -> Option<(NewSession, bool)> {
    let [only] = routed.agents.as_slice() else { return None };
    match &only.decision {
        // At a terminal there is nobody to subscribe with.
        Decision::Wake { session, .. } => Some((session.clone(), true)),
        Decision::Keep(session) => Some((session.clone(), false)),
        Decision::Command(..)
        | Decision::Deny(..)
        | Decision::Refuse(_)
        | Decision::AskAboutSender
        | Decision::Ignore => None,
    }
}

/// The row of one agent, but for what was said.
pub(super) fn row(message: &Inbound, session: &NewSession, trigger: bool) -> Result<NewInbound> {
    let id = message.row_id(&session.agent).map_err(|error| {
        HostError::new(ErrorKind::Invalid, "the message has no usable id").because(error)
    })?;
    let mut row = NewInbound::new(id, Kind::Chat, message.at, String::new());
    row.trigger = trigger;
    row.digest.clone_from(&message.digest);
    row.client_id.clone_from(&message.client_id);
    // Who speaks is the transport's word, not the message's.
    row.sender_id = Some(message.sender.id().to_owned());
    row.address = Some(message.address.clone());
    Ok(row)
}
