//! `rooms list|show|create|set|delete`.

use schemas::{admin::AdminAnswer, ids::AgentId, policy::UnknownSenderPolicy};
use serde::{Deserialize, Serialize};

use super::{
    Desk, check,
    print::{answer, date, fields, table, yes},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::Act,
    store::{NewRoom, Room, RoomUses},
    text::admin as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List rooms
    List,
    /// Show a room and what uses it
    Show {
        /// CHANNEL:ID, name, or id
        room: String,
    },
    /// Make a room known
    Create(Create),
    /// Change a room
    Set(Set),
    /// Delete a room that nothing uses
    Delete {
        /// CHANNEL:ID, name, or id
        room: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Create {
    /// The channel, such as slack
    channel: String,
    /// The platform's id of the room
    #[arg(allow_negative_numbers = true)]
    platform_id: String,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// More than one person speaks there
    #[arg(long)]
    group: bool,
    /// What becomes of strangers: strict (dropped), request_approval (an admin is asked), public
    #[arg(long, default_value = "strict", value_name = "POLICY")]
    unknown_sender: UnknownSenderPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Set {
    /// CHANNEL:ID, name, or id
    room: String,
    /// What people call it; empty for nothing
    #[arg(long)]
    name: Option<String>,
    /// Whether more than one person speaks there
    #[arg(long)]
    group: Option<bool>,
    /// strict, request_approval or public
    #[arg(long, value_name = "POLICY")]
    unknown_sender: Option<UnknownSenderPolicy>,
    /// Whether nobody is to be asked about this room any more
    #[arg(long)]
    denied: Option<bool>,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List | Self::Show { .. } | Self::Delete { dry_run: true, .. } => Act::LookAround,
            Self::Create(_) | Self::Set(_) | Self::Delete { dry_run: false, .. } => {
                Act::ChangeRooms
            }
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List | Self::Show { .. } | Self::Delete { dry_run: true, .. } => None,
            Self::Create(create) => {
                Some(format!("rooms create {}:{}", create.channel, create.platform_id))
            }
            Self::Set(set) => Some(format!("rooms set {}", set.room)),
            Self::Delete { room, dry_run: false } => Some(format!("rooms delete {room}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List | Self::Create(_) => {}
            Self::Show { room } | Self::Delete { room, .. } | Self::Set(Set { room, .. }) => {
                desk.pin_room(room).await?;
            }
        }
        Ok(None)
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::List => {
                let rooms = desk.context.store.rooms().await?;
                Ok(answer(&rooms, for_people(&rooms)))
            }
            Self::Show { room } => show(&desk.room(&room).await?, desk).await,
            Self::Create(create) => create.run(desk).await,
            Self::Set(set) => set.run(desk).await,
            Self::Delete { room, dry_run } => delete(desk.room(&room).await?, dry_run, desk).await,
        }
    }
}

impl Create {
    async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        check::platform_word("channel", &self.channel)?;
        check::platform_word("room of a platform", &self.platform_id)?;
        if self.channel.contains(':') {
            let what = format!("{:?} is no channel", self.channel);
            return Err(HostError::new(ErrorKind::Invalid, what)
                .hint("the channel and the platform's id are two words"));
        }
        let new = NewRoom {
            channel: self.channel,
            platform_id: self.platform_id,
            name: self.name.and_then(check::text),
            group: self.group,
            unknown_sender: self.unknown_sender,
        };
        let room = desk.context.store.create_room(new, desk.context.clock.now()).await?;
        desk.project(Vec::new()).await?;
        let text = words::room_made(&room.place());
        Ok(answer(&room, text))
    }
}

impl Set {
    async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let id = desk.room(&self.room).await?.id;
        let now = desk.context.clock.now();
        let change = move |room: &mut Room| {
            if let Some(name) = self.name {
                room.name = check::text(name);
            }
            room.group = self.group.unwrap_or(room.group);
            room.unknown_sender = self.unknown_sender.unwrap_or(room.unknown_sender);
            room.denied_at = match self.denied {
                Some(true) => room.denied_at.or(Some(now)),
                Some(false) => None,
                None => room.denied_at,
            };
        };
        let room = desk.context.store.change_room(id.clone(), change).await?;
        desk.project(desk.context.store.agents_at(id).await?).await?;
        Ok(answer(&room, words::changed(&room.place())))
    }
}

async fn show(room: &Room, desk: &Desk) -> Result<AdminAnswer> {
    let uses = desk.context.store.room_uses(room.id.clone()).await?;
    let text = fields(&[
        ("id", room.id.to_string()),
        ("place", room.place()),
        ("name", room.name.clone().unwrap_or_default()),
        ("group", yes(room.group)),
        ("strangers", room.unknown_sender.as_str().to_owned()),
        ("denied", room.denied_at.map(date).unwrap_or_default()),
        ("made", date(room.created_at)),
        ("agents", uses.wired.join(", ")),
        ("destinations", uses.destinations.join(", ")),
        ("sessions", uses.sessions.join(", ")),
        ("tasks", uses.tasks.join(", ")),
    ]);
    let mut data = answer(room, text);
    if let Some(object) = data.data.as_object_mut() {
        let uses = serde_json::to_value(&uses).unwrap_or_default();
        object.insert("uses".to_owned(), uses);
    }
    Ok(data)
}

async fn delete(room: Room, dry_run: bool, desk: &Desk) -> Result<AdminAnswer> {
    let uses = desk.context.store.room_uses(room.id.clone()).await?;
    if !uses.is_empty() {
        return Err(in_use(&room, &uses));
    }
    if dry_run {
        return Ok(answer(&room, words::would_go(&[format!("the room {}", room.place())])));
    }
    desk.context.store.delete_room(room.id.clone()).await?;
    desk.project(Vec::new()).await?;
    Ok(answer(&room, words::gone(&room.place())))
}

fn in_use(room: &Room, uses: &RoomUses) -> HostError {
    words::in_use(
        &room.place(),
        &[
            ("wiring", &uses.wired),
            ("destination", &uses.destinations),
            ("task", &uses.tasks),
            ("session", &uses.sessions),
        ],
    )
}

fn for_people(rooms: &[Room]) -> String {
    let rows: Vec<[String; 6]> = rooms
        .iter()
        .map(|room| {
            [
                room.place(),
                room.name.clone().unwrap_or_default(),
                yes(room.group),
                room.unknown_sender.as_str().to_owned(),
                room.denied_at.map(date).unwrap_or_default(),
                room.id.to_string(),
            ]
        })
        .collect();
    table(["ROOM", "NAME", "GROUP", "STRANGERS", "DENIED", "ID"], &rows)
}
