//! By which id a provider knows this session's conversation.
//!
//! Owns that it is written down as soon as it is known, so that a death in the middle of the first
//! turn leaves a conversation that can be gone on with; and tried again until it is.

use std::collections::BTreeMap;

use crate::{attempt::Attempt, mailbox::Mailbox};

/// What stands in the file, for each provider.
#[derive(Debug, Default)]
pub(crate) struct Natives {
    written: BTreeMap<String, String>,
}

impl Natives {
    /// Writes the conversation of an attempt down, unless it stands there.
    pub(crate) fn note(&mut self, mailbox: &Mailbox, attempt: &Attempt) {
        let Some(id) = &attempt.native else { return };
        if self.written.get(&attempt.provider) == Some(id) {
            return;
        }
        let (provider, model) = (&attempt.provider, attempt.model.as_deref());
        let now = mailbox.now();
        match mailbox.commit(|tx| tx.put_native_session(provider, model, id, now)) {
            Ok(()) => {
                self.written.insert(provider.clone(), id.clone());
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "cannot write the conversation's id yet");
            }
        }
    }
}

/// The conversation that a provider may go on with. Where it cannot be read, a new one is begun:
/// what was said is handed over to it.
pub(crate) fn to_resume(mailbox: &Mailbox, provider: &str) -> Option<String> {
    mailbox.commit(|tx| tx.native_session(provider)).unwrap_or_else(|error| {
        tracing::warn!(error = error.chain(), "cannot look for the conversation to go on with");
        None
    })
}

/// The provider does not find a conversation any more.
pub(crate) fn lost(mailbox: &Mailbox, provider: &str, id: &str) {
    tracing::warn!(provider, "the provider has lost the conversation; a new one begins");
    if let Err(error) = mailbox.commit(|tx| tx.void_native_session(provider, id, "missing")) {
        tracing::warn!(error = error.chain(), "cannot write that the conversation is gone");
    }
}
