//! What the guest writes of a turn, as rows. PURE.
//!
//! Owns how a claim, its settlement and a reply become rows of `outbound.db`.

use jiff::Timestamp;
use schemas::{
    content::{self, ChatOut},
    guest_side::{AttemptRow, ErrorScope, RunRow},
    ids::MessageId,
    message::{Kind, NewOutbound, Outcome},
};

use crate::{
    attempt::Attempt,
    outbox::Filed,
    reply::{Claim, Draft, Settlement, UNREADABLE, What},
};

/// The run of a claim, and how it ended.
pub(crate) fn run(claim: &Claim, ended: Option<(Timestamp, &Settlement)>) -> RunRow {
    let error_code = ended.and_then(|(_, settlement)| settlement.error_code.clone());
    RunRow {
        run: claim.run.clone(),
        messages: claim.rows().map(|row| row.id.clone()).collect(),
        started_at: claim.at,
        ended: ended.map(|(at, settlement)| (at, settlement.outcome)),
        error_scope: ended.and_then(|(_, s)| s.outcome_scope()),
        error_code,
    }
}

/// One attempt of it, and how that ended.
pub(crate) fn attempt(
    claim: &Claim,
    attempt: &Attempt,
    ended: Option<(Timestamp, Outcome)>,
    error_code: Option<&str>,
) -> AttemptRow {
    AttemptRow {
        run: claim.run.clone(),
        n: attempt.n,
        provider: attempt.provider.clone(),
        model: attempt.model.clone(),
        started_at: attempt.began,
        ended,
        native: attempt.native.clone(),
        error_code: error_code.map(str::to_owned),
        tools_started: attempt.tools_started,
        used: attempt.used,
    }
}

impl Settlement {
    /// What fails in a turn lies with its provider, unless the question could not be read; what
    /// was stopped has not failed.
    fn outcome_scope(&self) -> Option<ErrorScope> {
        let readable = self.error_code.as_deref() != Some(UNREADABLE);
        (readable && self.outcome == Outcome::Failed).then_some(ErrorScope::Provider)
    }
}

/// A reply.
pub(crate) fn outbound(
    claim: &Claim,
    draft: &Draft,
    (id, now): (&MessageId, Timestamp),
    filed: Filed,
) -> NewOutbound {
    let content = match &draft.what {
        What::Words(text) => {
            let mut lines = Vec::from([text.clone()]);
            lines.extend(filed.problems);
            lines.retain(|line| !line.is_empty());
            content::write(&ChatOut {
                text: lines.join("\n"),
                files: filed.names,
                ..ChatOut::default()
            })
        }
        What::Change(operation) => content::write(operation),
        What::Ask(question) => content::write(&content::tagged("ask_question", question)),
        What::Show(card) => content::write(&content::tagged("card", card)),
        What::Act(request) => content::write(request),
    };
    let (kind, address) = match &draft.what {
        What::Words(_) | What::Change(_) => (Kind::Chat, draft.address.clone()),
        What::Ask(_) | What::Show(_) => (Kind::ChatSdk, draft.address.clone()),
        What::Act(_) => (Kind::System, None),
    };
    NewOutbound {
        id: id.clone(),
        in_reply_to: draft.in_reply_to.clone(),
        timestamp: now,
        kind,
        address,
        content,
        run: Some(claim.run.clone()),
    }
}
