//! Whose turn it is in a room: what waited for a yes comes in before what is said after it.
//!
//! Owns the places at which messages that waited are coming in just now. A message that is said
//! there meanwhile waits for them, beside the daemon's loop.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use schemas::message::Address;
use tokio::sync::Notify;

/// Places at which messages that waited are coming in.
#[derive(Debug, Default)]
pub struct Turns {
    // A std mutex: held for a look-up, never across an await.
    places: Mutex<HashSet<Address>>,
    over: Notify,
}

impl Turns {
    /// From now on, what is said at a place waits.
    pub fn take(&self, place: Address) {
        self.places().insert(place);
    }

    /// What is said there comes in as always again.
    pub fn give_back(&self, place: &Address) {
        self.places().remove(place);
        self.over.notify_waiters();
    }

    /// Whether what is said at an address has to wait.
    #[must_use]
    pub fn is_taken(&self, address: &Address) -> bool {
        let places = self.places();
        !places.is_empty() && places.contains(&Address { thread_id: None, ..address.clone() })
    }

    /// Waits until what is said at an address may come in.
    pub async fn wait(&self, address: &Address) {
        loop {
            let mut over = std::pin::pin!(self.over.notified());
            // Listening before looking: what is given back in between is not missed.
            over.as_mut().enable();
            if !self.is_taken(address) {
                return;
            }
            over.await;
        }
    }

    fn places(&self) -> MutexGuard<'_, HashSet<Address>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
