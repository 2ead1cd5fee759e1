//! Nobody waits in silence: whoever said something hears of it within a minute of the host's life,
//! be it an answer, a sign that nothing is lost, or that it is over.

use std::time::Duration;

use host::limits::turn::SILENCE;
use schemas::message::Outcome;
use tokio::time::Instant;

use super::{script::Script, speech::Said};
use crate::world::{Word, World};

/// What the host gets to say it, once it is to be said: others may be at it before.
const SLACK: Duration = Duration::from_secs(5);

impl Script {
    /// A host that starts begins each silence anew, so this is about the one that runs.
    pub(crate) async fn expect_no_silence(&mut self, world: &World) {
        if world.host_died() {
            return;
        }
        let words = world.doors.words();
        for said in self.said.iter_mut().filter(|said| !said.was_told) {
            let until = said.at.max(world.up_since()) + SILENCE + SLACK;
            let first = words.iter().find(|word| said.hears(word));
            let late = first.map_or_else(Instant::now, |word| word.heard) > until;
            // Once it is worked on to its end, the answer is on its way as far as its channel goes.
            let fine = !late || is_completed(world, said).await;
            said.was_told = first.is_some() || late;
            assert!(fine, "nobody told them anything: {said:#?}: {first:?}");
        }
    }
}

async fn is_completed(world: &World, said: &Said) -> bool {
    let runs = world.runs(said.accepted.session_id.as_str()).await;
    let mut of = runs.iter().filter(|run| run.message_ids.contains(&said.accepted.message_id));
    of.any(|run| run.outcome == Some(Outcome::Completed))
}

impl Said {
    /// Its end, and that it is not lost, may have been told before whoever brought it knew that it
    /// was taken.
    fn hears(&self, word: &Word) -> bool {
        let theirs = word.session.as_ref().is_none_or(|of| *of == self.accepted.session_id);
        let here = theirs && word.address == self.address && word.heard >= self.since;
        here || word.about.contains(&self.accepted.message_id)
    }
}
