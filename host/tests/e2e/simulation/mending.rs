//! What was given up over a script's faults is tried again, as an operator would.

use std::time::Duration;

use host::{error::ErrorKind, store::DeadLetter};

use super::{
    bad::MAL,
    script::Script,
    speech::{Said, What},
};
use crate::world::World;

impl Script {
    /// Tries again what was given up; whether there was any.
    pub(super) async fn tries_again(&mut self, world: &mut World) -> bool {
        let said = world.command("messages list --failed --limit 500").await.unwrap();
        let letters: Vec<DeadLetter> = serde_json::from_value(said.data).unwrap();
        let wanted: Vec<DeadLetter> =
            letters.into_iter().filter(|letter| self.wants_again(letter)).collect();
        for letter in &wanted {
            self.tell(&format!("  once more: {letter:?}"));
            let words = format!("messages retry {} --session {}", letter.id, letter.session);
            match world.command(&words).await {
                Ok(_) => {}
                // It arrived between the list and the word.
                Err(failure) => assert_eq!(failure.kind, ErrorKind::Conflict, "{failure:?}"),
            }
            self.retried.insert(letter.id.clone());
        }
        world.passes(Duration::from_secs(1)).await;
        !wanted.is_empty()
    }

    /// Once is enough: some are given up for a reason that stays. What a tool may have done is not
    /// done again unasked, and where nobody can tell if a post arrived nobody asks for it twice.
    fn wants_again(&self, letter: &DeadLetter) -> bool {
        let of: Vec<&Said> =
            self.said.iter().filter(|said| said.accepted.session_id == letter.session).collect();
        if letter.agent_name == MAL || self.retried.contains(&letter.id) {
            return false;
        }
        if !letter.came_in {
            return !of.iter().any(|said| said.unknowable);
        }
        of.iter().any(|said| {
            let again = !matches!(said.what, What::Failure | What::Line | What::Long);
            again && said.accepted.message_id == letter.id
        })
    }
}
