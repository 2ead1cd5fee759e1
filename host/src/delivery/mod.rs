//! From an outbound row to a post: what may go where, and what happens when it does not go.
//!
//! Owns reading a guest's row as something to post, and the verdicts in `permit` and `retry`.
//! It names no channel and does nothing itself; the session's task posts and keeps the ledger.

use schemas::{
    content::{self, ChatOut},
    ids::SessionId,
    message::{Kind, OutboundRow},
};

use crate::channels::Post;

pub mod permit;
pub mod retry;

/// What an outbound row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Post this.
    Post(Post),
    /// Nothing can be done with it; the agent is told why.
    Refuse(String),
}

/// Reads a guest's row; its words are hostile input.
#[must_use]
pub fn wish(session: &SessionId, row: &OutboundRow, reach: &permit::Reach) -> Wish {
    match row.kind {
        Kind::Chat | Kind::ChatSdk => {}
        Kind::System => return Wish::Refuse("this host knows no such action".to_owned()),
        Kind::Task | Kind::Webhook => {
            return Wish::Refuse(format!("a row of kind {} cannot be sent", row.kind.as_str()));
        }
    }
    let address = match permit::permit(row.address.as_ref(), reach) {
        Ok(address) => address,
        Err(refusal) => return Wish::Refuse(refusal.to_string()),
    };
    let chat = match content::read::<ChatOut>(&row.content) {
        Ok(chat) => chat,
        Err(error) => return Wish::Refuse(error.to_string()),
    };
    if let Some(operation) = chat.extra.get("operation") {
        return Wish::Refuse(format!("this channel cannot do {operation}"));
    }
    Wish::Post(Post {
        session: session.clone(),
        message: row.id.clone(),
        seq: row.seq,
        in_reply_to: row.in_reply_to.clone(),
        address,
        text: chat.text,
        files: chat.files,
    })
}
