//! Ids as types, so that a room can never be handed where a session is meant.
//!
//! Owns how ids look and how they are checked. Our own ids are `<prefix>-<ulid>` in lower case
//! (a run is a bare ULID); ids that platforms make are kept as they are in [`MessageId`] and
//! never become part of a path. Nothing here reads a clock: whoever mints passes the time.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// Why a text is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what} id")]
pub struct BadId {
    /// The word for the id that was expected, such as `session`.
    pub what: &'static str,
    /// What came instead, cut to 64 characters.
    pub text: String,
}

macro_rules! minted_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// A new id; ids minted later sort later, to the millisecond.
            #[must_use]
            pub fn mint(now: Timestamp) -> Self {
                Self(format!("{}{}", $prefix, fresh_ulid(now)))
            }

            /// Reads an id that came from outside.
            ///
            /// # Errors
            /// When the text is not this prefix and a ULID in lower case.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let bad = || BadId { what: $what, text: text.chars().take(64).collect() };
                let ulid = text.strip_prefix($prefix).ok_or_else(bad)?;
                if is_ulid(ulid) { Ok(Self(text.to_owned())) } else { Err(bad()) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

minted_id!(
    /// One installation: every container carries it, so that two hosts on one engine never mix.
    InstallId, "install", "inst-"
);
minted_id!(
    /// A persona with its own workspace and container settings.
    AgentId, "agent", "agent-"
);
minted_id!(
    /// One place on a channel.
    RoomId, "room", "room-"
);
minted_id!(
    /// The link between a room and an agent.
    WiringId, "wiring", "wire-"
);
minted_id!(
    /// One agent in one conversation.
    SessionId, "session", "sess-"
);
minted_id!(
    /// Somebody, by whatever names platforms know them.
    PersonId, "person", "pers-"
);
minted_id!(
    /// Something that waits for a person's yes or no.
    ApprovalId, "approval", "appr-"
);
minted_id!(
    /// What is to be done at a time, once or again and again.
    TaskId, "task", "task-"
);
minted_id!(
    /// One turn. The guest mints it at its claim, so the host checks it like any guest's word.
    RunId, "run", ""
);
minted_id!(
    /// The attachment folder of one inbound row.
    InboxId, "inbox", ""
);

/// The id of a message row: a platform's own (with the agent's id behind it) or one of ours.
/// Free text of bounded length; never a path.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct MessageId(String);

impl RunId {
    /// The run of a message whose guest named none: always the same, so that settling it twice
    /// settles it once.
    #[must_use]
    pub fn of_message(session: &SessionId, message: &MessageId) -> Self {
        Self::of_try(session, message, 0)
    }

    /// The same for one try of it: what was given up and is tried again ends once more.
    #[must_use]
    pub fn of_try(session: &SessionId, message: &MessageId, tries: i64) -> Self {
        let digest = if tries == 0 {
            Sha256::digest(format!("{session}\0{message}"))
        } else {
            Sha256::digest(format!("{session}\0{message}\0{tries}"))
        };
        let mut bytes = [0_u8; 16];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(Ulid::from_bytes(bytes).to_string().to_lowercase())
    }
}

impl TaskId {
    /// The task that a wish of a session's row makes: always the same, so that a wish which is
    /// read twice makes one.
    #[must_use]
    pub fn of_wish(session: &SessionId, row: &MessageId) -> Self {
        Self(format!("task-{}", RunId::of_message(session, row)))
    }

    /// The task, and which of its times, that a row is about; `None` for any other row.
    #[must_use]
    pub fn of_row(id: &MessageId) -> Option<(Self, Timestamp)> {
        let (task, at) = id.0.split_once('@')?;
        Some((Self::parse(task).ok()?, at.parse().ok()?))
    }
}

impl MessageId {
    /// The row of one time of a task: always the same, so that it is written once.
    #[must_use]
    pub fn of_task(task: &TaskId, scheduled: Timestamp) -> Self {
        Self(format!("{task}@{}", crate::time::format(scheduled)))
    }

    /// Longest id in bytes that is taken; platforms stay far below it.
    pub const MAX_BYTES: usize = 1024;

    /// An id of our own, for rows that no platform named.
    #[must_use]
    pub fn mint(now: Timestamp) -> Self {
        Self(format!("msg-{}", fresh_ulid(now)))
    }

    /// Reads an id that came from outside.
    ///
    /// # Errors
    /// When the id is empty, over-long or holds a NUL.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        if text.is_empty() || text.len() > Self::MAX_BYTES || text.contains('\0') {
            return Err(BadId { what: "message", text: text.chars().take(64).collect() });
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A ULID in lower case, with the time that the caller's clock says.
#[must_use]
pub fn fresh_ulid(now: Timestamp) -> String {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Ulid::from_datetime(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        .to_string()
        .to_lowercase()
}

fn is_ulid(text: &str) -> bool {
    Ulid::from_string(text).is_ok() && !text.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_id_is_read_back() {
        let id = SessionId::mint(Timestamp::UNIX_EPOCH);
        assert_eq!(SessionId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn the_row_of_a_tasks_time_names_both() {
        let at = Timestamp::from_millisecond(1_700_000_000_120).unwrap();
        let task = TaskId::mint(at);
        let row = MessageId::of_task(&task, at);
        assert_eq!(TaskId::of_row(&row), Some((task, at)));
        assert_eq!(TaskId::of_row(&MessageId::mint(at)), None);
        assert_eq!(TaskId::of_row(&MessageId::parse("bob@2026-01-01").unwrap()), None);
    }

    #[test]
    fn an_id_of_another_kind_or_with_a_path_in_it_is_refused() {
        let room = RoomId::mint(Timestamp::UNIX_EPOCH);
        assert!(SessionId::parse(room.as_str()).is_err());
        assert!(SessionId::parse("sess-../../etc/passwd").is_err());
        assert!(RunId::parse("").is_err());
    }

    #[test]
    fn a_platforms_id_may_hold_anything_but_a_nul_or_four_kilobytes() {
        assert!(MessageId::parse("C1/p123:45").is_ok());
        assert!(MessageId::parse("a\0b").is_err());
        assert!(MessageId::parse(&"x".repeat(4096)).is_err());
    }
}
