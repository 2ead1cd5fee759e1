//! Where a host or a guest of this world dies: at a step of its own, in the middle of its code.
//!
//! A process that is killed does nothing more. Here many live in one, so whoever dies unwinds, and
//! so does whatever else of it comes to a step afterwards; the rest of it is dropped where it waits.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use host::steps::Step;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{World, disk::says_full};

/// What unwinds in place of a death.
pub(crate) struct Died;

/// A step at which somebody is to die, and how often it is to be reached until then.
pub(crate) struct Plan<S>(Mutex<Option<(S, u32)>>);

impl<S: Copy + PartialEq> Plan<S> {
    pub(crate) fn new(at: Option<(S, u32)>) -> Self {
        Self(Mutex::new(at))
    }

    pub(crate) fn set(&self, step: S, nth: u32) {
        *self.0.lock().unwrap() = Some((step, nth));
    }

    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// Whether it is still to come.
    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }

    /// A step was taken; whether it is the one.
    pub(crate) fn is_now(&self, step: S) -> bool {
        let mut at = self.0.lock().unwrap();
        let Some((_, left)) = at.as_mut().filter(|(wanted, _)| *wanted == step) else {
            return false;
        };
        *left = left.saturating_sub(1);
        let now = *left == 0;
        if now {
            *at = None;
        }
        now
    }
}

/// Ends whoever calls, without a word: nothing went wrong that anybody should read.
pub(crate) fn die() -> ! {
    std::panic::resume_unwind(Box::new(Died))
}

/// The death of one host.
pub(crate) struct Doom<S> {
    plan: Plan<S>,
    dead: AtomicBool,
    end: CancellationToken,
}

impl<S: Copy + PartialEq> Doom<S> {
    /// One that drops everything that `end` drops.
    pub(crate) fn new(at: Option<(S, u32)>, end: CancellationToken) -> Self {
        Self { plan: Plan::new(at), dead: AtomicBool::new(false), end }
    }

    /// It dies when it comes to the step for the n-th time from now on.
    pub(crate) fn comes_at(&self, step: S, nth: u32) {
        self.plan.set(step, nth);
    }

    /// It does not come at any step.
    pub(crate) fn does_not_come(&self) {
        self.plan.forget();
    }

    /// Whether it has come.
    pub(crate) fn came(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// A step was taken.
    pub(crate) fn on(&self, step: S) {
        if self.came() || self.plan.is_now(step) {
            self.dead.store(true, Ordering::SeqCst);
            self.end.cancel();
            die();
        }
    }
}

impl World {
    /// The host that runs dies when it comes to a step for the n-th time from now on.
    pub(crate) fn host_dies_at(&self, step: Step, nth: u32) {
        self.host.as_ref().expect("the host is down").doom.comes_at(step, nth);
    }

    /// The next host that starts dies there.
    pub(crate) fn next_host_dies_at(&mut self, step: Step, nth: u32) {
        self.next_death = Some((step, nth));
    }

    /// Hosts that were started so far.
    pub(crate) fn lives(&self) -> u32 {
        self.lives
    }

    /// The host that runs dies at no step any more, and neither does the next.
    pub(crate) fn host_lives(&mut self) {
        self.next_death = None;
        self.host.as_ref().expect("the host is down").doom.does_not_come();
    }

    /// Whether the host came to the step at which it dies, or ended because nothing fits on its
    /// disk.
    pub(crate) fn host_died(&self) -> bool {
        let Some(host) = &self.host else { return true };
        let failure = host.failed.get();
        let for_room = failure.is_some_and(|failure| says_full(&failure.chain()));
        assert!(for_room || failure.is_none(), "the host ended with an error: {failure:?}");
        for_room || host.doom.came()
    }

    /// Since when the host that runs has been there.
    pub(crate) fn up_since(&self) -> Instant {
        self.up_since
    }

    /// Starts another host in the place of one that died.
    pub(crate) async fn revive_host(&mut self) {
        while self.host_died() {
            if self.host.as_ref().is_some_and(|host| host.failed.get().is_some()) {
                // It ends with an error again and again, so somebody looks why.
                self.crash_host().await;
                self.disk_has_room();
            } else if self.host.is_some() {
                self.crash_host().await;
            }
            self.start_host().await;
        }
    }
}
