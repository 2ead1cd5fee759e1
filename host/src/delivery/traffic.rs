//! What all sessions know together of each channel: may it be posted to, and when.
//!
//! Owns the gates, the news that a channel is back, and who is told about one that is down. A gate
//! is asked for a look at a table: nothing here waits.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Grant, Rate, Word,
    gate::{Gate, Watch},
};
use crate::{channels::Channels, text::channels as text};

/// The gates of all channels. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Traffic {
    // A std mutex: held for a look at a table, never across an await.
    gates: Arc<Mutex<HashMap<String, Gate>>>,
    back: Arc<watch::Sender<u64>>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { gates: Arc::default(), back: Arc::new(watch::channel(0).0) }
    }
}

impl Traffic {
    /// Whether somebody may post at a channel, and when.
    ///
    /// # Errors
    /// When to ask again.
    pub fn ask(&self, channel: &str, rate: Option<Rate>) -> Result<Grant, Instant> {
        let mut gates = self.gates();
        // Channels are few: what a guest names is looked up before it comes here.
        let gate = gates.entry(channel.to_owned()).or_default();
        gate.ask(Instant::now().into_std(), rate).map_err(Instant::from_std)
    }

    /// Whether what was granted still holds.
    #[must_use]
    pub fn holds(&self, channel: &str, grant: Grant) -> bool {
        let now = Instant::now().into_std();
        self.gates().get(channel).is_none_or(|gate| gate.holds(grant, now))
    }

    /// Takes in what a post showed of its channel. Answers what remains to be done about it.
    pub fn note(&self, channel: &str, word: Word) -> Option<Todo> {
        let now = Instant::now().into_std();
        let mut gates = self.gates();
        let gate = gates.entry(channel.to_owned()).or_default();
        let was_shut = gate.is_shut();
        let news = gate.note(now, word);
        let is_shut = gate.is_shut();
        drop(gates);
        if was_shut != is_shut {
            if is_shut {
                warn!(channel, "the channel is down; what is to be posted there waits");
            } else {
                info!(channel, "the channel is back");
            }
        }
        if news.back {
            self.back.send_modify(|times| *times += 1);
        }
        let todo = Todo { watch: news.watch, tell_back: news.tell_back };
        (todo.watch || todo.tell_back).then_some(todo)
    }

    /// Rings whenever a channel is back.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.back.subscribe()
    }

    /// Whether only a probe may post there.
    #[must_use]
    pub fn is_shut(&self, channel: &str) -> bool {
        self.gates().get(channel).is_some_and(Gate::is_shut)
    }

    /// Tells the owner what is to be told of a channel, now or when it has been down for long.
    pub async fn tell(
        self,
        channel: String,
        todo: Todo,
        channels: Channels,
        closing: CancellationToken,
    ) {
        if todo.tell_back {
            channels.tell_operator(&text::back(&channel)).await;
        }
        if todo.watch {
            self.watch(channel, channels, closing).await;
        }
    }

    async fn watch(self, channel: String, channels: Channels, closing: CancellationToken) {
        loop {
            let next = self.gates().get_mut(&channel).map(|g| g.watch(Instant::now().into_std()));
            match next {
                Some(Watch::At(at)) => tokio::select! { biased;
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep_until(Instant::from_std(at)) => {}
                },
                Some(Watch::Tell) => {
                    warn!(channel, "the channel has been down for long");
                    channels.tell_operator(&text::down(&channel)).await;
                    return;
                }
                Some(Watch::Over) | None => return,
            }
        }
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<String, Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What remains to be done about a channel, beside everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Todo {
    watch: bool,
    tell_back: bool,
}
