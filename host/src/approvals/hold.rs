//! Messages that wait for a yes: a room that nobody wired, a sender whom nobody knows.
//!
//! Owns what is asked about them and what of them is kept meanwhile.

use schemas::{
    content::{self, ChatIn},
    ids::AgentId,
    message::Address,
};

use super::{Held, Named, NewApproval, PendingAction, Room, ask};
use crate::{
    admin::Desk,
    channels::Inbound,
    error::{ErrorKind, Result},
    limits,
    text::approvals as text,
};

/// Asks which agent a room is for; the message waits.
///
/// # Errors
/// When it cannot be written down; the message was not taken then.
pub async fn connect_room(desk: &Desk, message: &Inbound) -> Result<()> {
    let room = room(desk, message).await?;
    let subject = format!("room:{}", room.id);
    wait(desk, message, subject, PendingAction::ConnectRoom(room)).await
}

/// Asks whether a sender may talk to agents in a room; the message waits.
///
/// # Errors
/// When it cannot be written down; the message was not taken then.
pub async fn admit_sender(desk: &Desk, message: &Inbound, agents: &[AgentId]) -> Result<()> {
    let room = room(desk, message).await?;
    let mut named = Vec::new();
    for agent in agents {
        let name = desk.context.store.agent(agent.clone()).await?.agent.name;
        named.push(Named { id: agent.clone(), name });
    }
    let subject = format!("sender:{}:{}", room.id, room.sender);
    wait(desk, message, subject, PendingAction::AdmitSender { room, agents: named }).await
}

async fn wait(
    desk: &Desk,
    message: &Inbound,
    subject: String,
    action: PendingAction,
) -> Result<()> {
    let new = NewApproval {
        action,
        subject,
        requested_by: message.sender.id().to_owned(),
        agent: None,
        asked_in: None,
    };
    let kept = match ask(desk, new, Some(held(message))).await {
        Ok(asked) => asked.kept,
        Err(failure) if failure.kind == ErrorKind::TooLarge => false,
        Err(failure) => return Err(failure),
    };
    if !kept {
        let (place, now) = (message.address.clone(), desk.context.clock.now());
        let sender = message.sender.id().to_owned();
        desk.context.store.record_drops(place, sender, vec!["too_many_wait"], now).await?;
    }
    Ok(())
}

async fn room(desk: &Desk, message: &Inbound) -> Result<Room> {
    let place = Address { thread_id: None, ..message.address.clone() };
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let (name, is_group) = (message.room_name.clone(), message.is_group);
    let id = store.meet_room(place, name.clone(), is_group, now).await?;
    let channel = desk.context.channels.at(&message.address);
    Ok(Room {
        id,
        channel: message.address.channel_type.clone(),
        platform_id: message.address.platform_id.clone(),
        name,
        is_group,
        threaded: channel.is_some_and(|channel| channel.threads()),
        sender: message.sender.id().to_owned(),
        sender_name: message.sender.name().map(str::to_owned),
    })
}

/// The message as it came, but for files that are too much to keep for somebody unknown; each of
/// those says so itself.
fn held(message: &Inbound) -> Held {
    let mut kept = message.clone();
    if kept.content.len() > limits::people::HELD_MESSAGE_BYTES
        && let Ok(mut chat) = content::read::<ChatIn>(&kept.content)
    {
        for attachment in &mut chat.attachments {
            if attachment.data.take().is_some() {
                attachment.error = Some(text::FILE_NOT_HELD.to_owned());
            }
        }
        kept.content = content::write(&chat);
        // It is another content now; a repeat of the whole message is still this message.
        kept.digest = None;
    }
    Held { id: message.id.clone(), message: serde_json::to_string(&kept).unwrap_or_default() }
}
