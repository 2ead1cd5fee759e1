//! Places for containers: the caps on how many run at once, shared by all sessions.
//!
//! Owns the one book of places and the two ways in which somebody hears of it: a place comes by a
//! `oneshot`, and whoever should give one away is rung. Decides nothing: that is `book`. A place
//! goes back when it is dropped.

mod book;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use book::{Book, Moves, Ticket};
pub use book::{Of, Use};

/// All places of this host.
#[derive(Debug, Clone)]
pub struct Places(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    book: Book,
    bells: HashMap<Ticket, Arc<Notify>>,
    waiting: HashMap<Ticket, oneshot::Sender<Place>>,
}

/// The right to one container.
#[derive(Debug)]
pub struct Place {
    places: Places,
    ticket: Ticket,
    used: Use,
    bell: Arc<Notify>,
}

/// A place that is still to come.
#[derive(Debug)]
pub struct Waits {
    /// Whether it comes without anybody's work coming to its end.
    pub soon: bool,
    /// The place. Dropping this gives it to the next.
    pub place: oneshot::Receiver<Place>,
}

impl Places {
    /// So many at once.
    #[must_use]
    pub fn new(at_most: usize) -> Self {
        let inner =
            Inner { book: Book::new(at_most), bells: HashMap::new(), waiting: HashMap::new() };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Asks for a place: it is there, or it comes.
    pub fn take(&self, of: Of) -> Result<Place, Waits> {
        let (give, mut place) = oneshot::channel();
        {
            let mut inner = self.lock();
            let ticket = inner.book.want(of);
            inner.waiting.insert(ticket, give);
        }
        self.settle();
        if let Ok(place) = place.try_recv() {
            return Ok(place);
        }
        Err(Waits { soon: self.lock().book.is_soon(), place })
    }

    /// The place of a container that runs already.
    #[must_use]
    pub fn adopt(&self, of: Of) -> Place {
        let ticket = self.lock().book.has(of);
        self.place(ticket)
    }

    fn place(&self, ticket: Ticket) -> Place {
        let bell = Arc::new(Notify::new());
        self.lock().bells.insert(ticket, bell.clone());
        Place { places: self.clone(), ticket, used: Use::Busy, bell }
    }

    /// Tells everybody whom a change concerns.
    fn settle(&self) {
        let moves = self.lock().book.settle();
        let Moves { given, asked } = moves;
        for ticket in asked {
            if let Some(bell) = self.lock().bells.get(&ticket) {
                bell.notify_one();
            }
        }
        for ticket in given {
            let to = self.lock().waiting.remove(&ticket);
            let place = self.place(ticket);
            // Who waits no longer drops it, and it goes to the next.
            drop(to.map(|to| to.send(place)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can panic half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Says what it is used for.
    pub fn used(&mut self, used: Use) {
        if std::mem::replace(&mut self.used, used) != used {
            self.places.lock().book.used(self.ticket, used);
            self.places.settle();
        }
    }

    /// Somebody waits for it.
    pub async fn asked(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.places.lock();
        inner.book.gone(self.ticket);
        inner.bells.remove(&self.ticket);
        drop(inner);
        self.places.settle();
    }
}
