//! Agent to agent: from a post of one session to a row of another's.
//!
//! Owns which session of the other agent a message belongs to, the way back, and the two bounds
//! that stop agents who answer each other for ever. Written down first (`peer_messages`), then put
//! into the session: after a crash in between the same row is put there again, under the same id.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    content::{self, Attachment, ChatIn, ReplyTo},
    host_side::OutboxReader,
    ids::{AgentId, MessageId, SessionId},
    message::{Address, Kind, NewInbound, PEER_CHANNEL},
    policy::SessionMode,
    session_dir::SessionDir,
};

use crate::{
    admin::Desk,
    channels::{Post, peer},
    error::{ErrorKind, HostError, Result},
    limits,
    people::Who,
    requests::Request,
    store::{NewSession, PeerMessage, SessionRecord},
};

mod bounds;

use bounds::{Verdict, judge};

/// Puts a post into a session of the agent that it is addressed to. Answers the row's id.
///
/// # Errors
/// `Denied` when a bound says no, `NotFound` when the other agent or its conversation is gone.
pub async fn deliver(desk: &Desk, post: Post) -> Result<MessageId> {
    let store = &desk.context.store;
    let from = store.session(post.session.clone()).await?;
    let bad = |e| HostError::new(ErrorKind::Internal, "no id for a row").because(e);
    let id = MessageId::parse(&peer::row_of(&post)).map_err(bad)?;
    let known = store.peer_message(id.clone()).await?;
    let to = match &known {
        Some(known) => known.to.clone(),
        None => admit(desk, &from, &post, &id).await?,
    };
    let row = row(desk, &from, &to, post, id.clone()).await?;
    desk.daemon.ask(|answer| Request::Tell(to, Box::new(row), answer)).await?;
    Ok(id)
}

/// Finds the session, asks the bounds, and writes down that the message goes there.
async fn admit(
    desk: &Desk,
    from: &SessionRecord,
    post: &Post,
    id: &MessageId,
) -> Result<SessionId> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let to = session_of(desk, from, &post.address).await?;
    let answers = post.in_reply_to.clone();
    let standing =
        store.peer_standing(from.id.clone(), answers, now - limits::action::MINUTE).await?;
    let hops = match judge(&standing) {
        Verdict::Pass { hops } => hops,
        Verdict::Stop(why) => {
            let who = Who::Agent {
                agent: from.agent.clone(),
                session: from.id.clone(),
                scope: schemas::policy::CliScope::Disabled,
            };
            let what = format!("peer message to {}", post.address.platform_id);
            // An agent that goes on trying fills no books.
            let since = now - limits::action::MINUTE;
            store.audit_once((who.word(), "denied"), what, since, now).await?;
            return Err(HostError::new(ErrorKind::Denied, why));
        }
    };
    let message = PeerMessage { id: id.clone(), from: from.id.clone(), to: to.clone(), hops };
    store.keep_peer_message(message, now).await?;
    Ok(to)
}

/// The session that wrote to us, when the post names it; else the other agent's one over all its
/// rooms, where it has such; else one of the two agents' own, which reaches no room.
async fn session_of(desk: &Desk, from: &SessionRecord, to: &Address) -> Result<SessionId> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let gone = || HostError::new(ErrorKind::NotFound, "there is no such agent any more");
    let agent = AgentId::parse(&to.platform_id).map_err(|_| gone())?;
    store.agent(agent.clone()).await.map_err(|_| gone())?;
    if let Some(session) = &to.thread_id {
        let over = || HostError::new(ErrorKind::NotFound, "that conversation has ended");
        let session = SessionId::parse(session).map_err(|_| over())?;
        let record = store.session(session).await.map_err(|_| over())?;
        return if record.agent == agent { Ok(record.id) } else { Err(over()) };
    }
    let wirings = store.wirings_of(agent.clone()).await?;
    let anchored = wirings.iter().any(|wiring| wiring.mode == SessionMode::AgentShared);
    let (key, mode) = if anchored {
        (format!("agent-shared:{agent}"), SessionMode::AgentShared)
    } else {
        (format!("peer:{agent}:{}", from.agent), SessionMode::Shared)
    };
    let wanted = NewSession { key, agent, room: None, thread: None, mode };
    Ok(store.session_for(wanted, now).await?.id)
}

async fn row(
    desk: &Desk,
    from: &SessionRecord,
    to: &SessionId,
    post: Post,
    id: MessageId,
) -> Result<NewInbound> {
    let now = desk.context.clock.now();
    let sender = desk.context.store.agent(from.agent.clone()).await?.agent;
    let answered = post.in_reply_to.as_ref().and_then(peer::asked_by);
    let reply_to = answered.filter(|(asker, _)| asker == to).map(|(_, seq)| seq);
    let dir = SessionDir::on_host(&desk.context.home, &from.agent, &from.id);
    let (message, names) = (post.message.clone(), post.files.clone());
    let files = tokio::task::spawn_blocking(move || attachments(&dir, &message, names));
    let broke = |e| HostError::new(ErrorKind::Internal, "reading files broke off").because(e);
    let chat = ChatIn {
        sender: Some(sender.name),
        sender_id: Some(sender.id.to_string()),
        text: post.body.into_text(),
        attachments: files.await.map_err(broke)?,
        reply_to: reply_to.map(|seq| ReplyTo { seq: Some(seq), ..ReplyTo::default() }),
        ..ChatIn::default()
    };
    let mut row = NewInbound::new(id, Kind::Chat, now, content::write(&chat));
    row.sender_id = Some(format!("{PEER_CHANNEL}:{}", from.agent));
    row.source_session = Some(from.id.clone());
    row.address = Some(Address {
        channel_type: PEER_CHANNEL.to_owned(),
        platform_id: from.agent.to_string(),
        thread_id: Some(from.id.to_string()),
    });
    Ok(row)
}

/// Files as they travel in a message's content; one that cannot be had is named with the reason.
fn attachments(dir: &SessionDir, message: &MessageId, names: Vec<String>) -> Vec<Attachment> {
    use std::io::Read as _;
    let outbox = OutboxReader::new(dir.clone());
    let mut left = schemas::limits::MAX_MESSAGE_FILES_BYTES;
    names
        .into_iter()
        .take(schemas::limits::MAX_ATTACHMENTS)
        .map(|name| {
            let read = || -> std::result::Result<Vec<u8>, String> {
                let found = outbox.open(message, &name).map_err(|refused| refused.to_string())?;
                if found.size > left {
                    return Err("the files of the message are too large together".to_owned());
                }
                let mut bytes = Vec::new();
                // The guest may still write it: no more than it had.
                found.file.take(found.size).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
                Ok(bytes)
            };
            let file = Attachment { name: Some(name.clone()), ..Attachment::default() };
            match read() {
                Ok(bytes) => {
                    left = left.saturating_sub(bytes.len() as u64);
                    Attachment { data: Some(STANDARD.encode(bytes)), ..file }
                }
                Err(error) => Attachment { error: Some(error), ..file },
            }
        })
        .collect()
}
