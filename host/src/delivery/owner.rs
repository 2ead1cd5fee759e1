//! What the owner hears about messages that were given up: the first at once, a flood together.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::tally::{Tally, Tell};
use crate::{channels::Channels, limits::channel::DEAD_QUIET, text::channels as text};

/// Who tells the owner. One for all sessions.
#[derive(Debug, Default)]
pub struct Owner {
    // A std mutex: held for a count, never across an await.
    tally: Mutex<Tally>,
}

impl Owner {
    /// A message was given up: tells it, or, after a while, how many were.
    pub async fn given_up(&self, said: String, channels: &Channels, closing: &CancellationToken) {
        let next = self.tally().one_more(Instant::now().into_std(), DEAD_QUIET);
        match next {
            Tell::Now => channels.tell_operator(&said).await,
            Tell::Later => {}
            Tell::At(at) => {
                tokio::select! { biased;
                    // What is not told waits in the list.
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep_until(Instant::from_std(at)) => {}
                }
                let count = self.tally().take(Instant::now().into_std(), DEAD_QUIET);
                channels.tell_operator(&text::more_given_up(count)).await;
            }
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
