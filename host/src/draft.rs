//! A message on its way in, checked against the limits and written out as its row's content.
//!
//! Owns the checks and the one costly step before the commit: with its files a message may have
//! hundreds of megabytes, so this is done by whoever brings it, beside the host's loops.

use schemas::{
    admin::SendMessage,
    content::{self, ChatIn},
    host_side::digest,
};

use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    routing::engage,
};

/// What the daemon is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The row's content, files still in base64.
    pub content: String,
    /// What is said, as far as rules look at it.
    pub text: String,
    /// A thread of the room.
    pub thread: Option<String>,
    /// The sender's idempotency key.
    pub client_id: Option<String>,
    /// Tells a repeat under the same key from another message.
    pub digest: Option<String>,
}

impl Draft {
    /// Checks a message and writes it out.
    ///
    /// # Errors
    /// `Invalid` when it is empty, `TooLarge` when a limit is passed; the message names the limit.
    pub fn of(message: SendMessage) -> Result<Self> {
        check(&message)?;
        let text = engage::beginning(&message.text).to_owned();
        let chat = ChatIn {
            sender: Some("operator".to_owned()),
            text: message.text,
            attachments: message.attachments,
            ..ChatIn::default()
        };
        let content = content::write(&chat);
        // The key alone tells a repeat; the digest tells whether it is the same message.
        let digest = message.client_id.is_some().then(|| digest(&content));
        Ok(Self { content, text, thread: message.thread, client_id: message.client_id, digest })
    }
}

fn check(message: &SendMessage) -> Result<()> {
    if message.text.trim().is_empty() && message.attachments.is_empty() {
        return Err(HostError::new(ErrorKind::Invalid, "the message is empty")
            .hint("give it a text or a file"));
    }
    if message.text.len() > limits::MESSAGE_TEXT_BYTES {
        return Err(HostError::new(
            ErrorKind::TooLarge,
            format!(
                "the text has {} bytes; at most {} are taken",
                message.text.len(),
                limits::MESSAGE_TEXT_BYTES
            ),
        )
        .hint("send long text as a file: --file"));
    }
    let key_bytes = message.client_id.as_ref().map_or(0, String::len);
    let thread_bytes = message.thread.as_ref().map_or(0, String::len);
    if key_bytes.max(thread_bytes) > limits::KEY_BYTES {
        return Err(HostError::new(
            ErrorKind::TooLarge,
            format!("client id and thread have at most {} bytes", limits::KEY_BYTES),
        ));
    }
    Ok(())
}
