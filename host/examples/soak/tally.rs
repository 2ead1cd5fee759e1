//! What was accepted, what was heard, and what came of it. PURE but for the clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use schemas::{admin::Accepted, ids::MessageId};
use tokio::time::Instant;

/// One conversation.
#[derive(Clone, Default)]
struct Conversation {
    session: String,
    /// What was said, in order, and when it was acknowledged.
    accepted: Vec<(MessageId, Instant)>,
    /// What was heard, in order: to which message, and when.
    heard: Vec<(Option<MessageId>, Instant)>,
}

/// All that people said and heard.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    conversations: BTreeMap<usize, Conversation>,
    notices: BTreeMap<String, usize>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) disordered: usize,
    /// From the acknowledgement until the answer was heard, in order.
    pub(crate) waits: Vec<Duration>,
}

impl Tally {
    pub(crate) fn accepted(&mut self, n: usize, accepted: Accepted) {
        let one = self.conversations.entry(n).or_default();
        one.session = accepted.session_id.to_string();
        one.accepted.push((accepted.message_id, Instant::now()));
    }

    pub(crate) fn heard(&mut self, n: usize, to: Option<MessageId>) {
        self.conversations.entry(n).or_default().heard.push((to, Instant::now()));
    }

    pub(crate) fn noticed(&mut self, text: String) {
        *self.notices.entry(text).or_default() += 1;
    }

    pub(crate) fn messages(&self) -> usize {
        self.conversations.values().map(|one| one.accepted.len()).sum()
    }

    /// What was said to people besides answers, and how often.
    pub(crate) fn notices(&self) -> &BTreeMap<String, usize> {
        &self.notices
    }

    pub(crate) fn sessions(&self) -> Vec<String> {
        self.conversations.values().map(|one| one.session.clone()).collect()
    }

    /// The messages that nobody heard an answer to, with their session.
    pub(crate) fn unanswered(&self) -> Vec<(String, MessageId)> {
        let of = |one: &Conversation| {
            let heard: BTreeSet<&MessageId> = one.heard.iter().flat_map(|(to, _)| to).collect();
            let missing = one.accepted.iter().filter(|(id, _)| !heard.contains(id));
            missing.map(|(id, _)| (one.session.clone(), id.clone())).collect::<Vec<_>>()
        };
        self.conversations.values().flat_map(of).collect()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict { lost: self.unanswered().len(), ..Verdict::default() };
        for one in self.conversations.values() {
            let said: BTreeMap<&MessageId, (usize, Instant)> =
                one.accepted.iter().enumerate().map(|(n, (id, at))| (id, (n, *at))).collect();
            let mut places = Vec::new();
            for (to, at) in &one.heard {
                // An answer to nothing that was said is one too many.
                let Some((place, since)) = to.as_ref().and_then(|to| said.get(to)) else {
                    verdict.doubled += 1;
                    continue;
                };
                places.push(*place);
                verdict.waits.push(at.duration_since(*since));
            }
            let once: BTreeSet<&usize> = places.iter().collect();
            verdict.doubled += places.len() - once.len();
            verdict.disordered += places.windows(2).filter(|two| two.first() > two.last()).count();
        }
        verdict.waits.sort_unstable();
        verdict
    }
}

impl Verdict {
    /// So many of a hundred waited no longer, in milliseconds.
    pub(crate) fn waited_ms(&self, percent: usize) -> Option<f64> {
        let place = (self.waits.len() * percent / 100).min(self.waits.len().checked_sub(1)?);
        self.waits.get(place).map(|wait| (wait.as_secs_f64() * 1e3).round())
    }
}
