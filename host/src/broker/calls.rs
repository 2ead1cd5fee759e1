//! The calls of one session that are remembered: the newest, bounded, in memory.
//!
//! Owns their numbers and how a call ends. A call that is dropped before it ended was given up by
//! its guest: whoever drops it need not say so.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use schemas::{
    model_call::{CallError, ModelCall, ModelCalls},
    time::SharedClock,
};
use tracing::info;

use super::{pass::Place, usage::Said};
use crate::limits::broker as limits;

/// The calls of a session.
pub(super) struct Calls {
    clock: SharedClock,
    /// For the log.
    session: String,
    // A std mutex: held for one change, never across an await.
    ring: Mutex<Ring>,
}

struct Ring {
    next: u64,
    calls: VecDeque<ModelCall>,
}

/// One call under way.
pub(super) struct Call {
    calls: Arc<Calls>,
    n: u64,
    ended: bool,
}

impl Calls {
    /// None yet. The first number is the time in milliseconds: nobody makes so many calls that a
    /// later host's would not be above an earlier one's.
    pub(super) fn new(clock: SharedClock, session: String) -> Arc<Self> {
        let next = u64::try_from(clock.now().as_millisecond()).unwrap_or(1);
        let ring = Mutex::new(Ring { next, calls: VecDeque::new() });
        Arc::new(Self { clock, session, ring })
    }

    /// Those with a number above this one.
    pub(super) fn after(&self, n: u64) -> ModelCalls {
        let ring = self.ring();
        ModelCalls { calls: ring.calls.iter().filter(|call| call.n > n).cloned().collect() }
    }

    /// One begins.
    pub(super) fn begin(self: &Arc<Self>, place: &Place) -> Call {
        let mut ring = self.ring();
        let n = ring.next;
        ring.next = ring.next.saturating_add(1);
        if ring.calls.len() >= limits::CALLS {
            ring.calls.pop_front();
        }
        ring.calls.push_back(ModelCall {
            n,
            at: self.clock.now(),
            route: cut(&place.route),
            path: cut(&place.path),
            status: None,
            retry_after_ms: None,
            error: None,
            model: None,
            usage: None,
            ended: false,
        });
        Call { calls: self.clone(), n, ended: false }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// The head of its answer.
    pub(super) fn answered(&self, status: u16, retry_after_ms: Option<u64>) {
        self.change(|call| {
            call.status = Some(status);
            call.retry_after_ms = retry_after_ms;
        });
    }

    /// Its end; the first one holds.
    pub(super) fn end(&mut self, error: Option<CallError>, said: Said) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let now = self.calls.clock.now();
        self.change(|call| {
            call.ended = true;
            call.error = error;
            call.model = said.model;
            call.usage = said.usage;
            let usage = call.usage.unwrap_or_default();
            info!(
                session = self.calls.session,
                route = call.route,
                path = call.path,
                status = call.status,
                error = error.map(CallError::word),
                ms = now.duration_since(call.at).as_millis(),
                input = usage.input,
                output = usage.output,
                "model call"
            );
        });
    }

    fn change(&self, change: impl FnOnce(&mut ModelCall)) {
        let mut ring = self.calls.ring();
        // One that was pushed out by newer ones is not missed.
        if let Some(call) = ring.calls.iter_mut().rfind(|call| call.n == self.n) {
            change(call);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Some(CallError::HungUp), Said::default());
    }
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(limits::CALL_PATH_BYTES);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use schemas::time::SystemClock;

    use super::*;

    fn calls() -> Arc<Calls> {
        Calls::new(Arc::new(SystemClock), "s".to_owned())
    }

    fn begin(calls: &Arc<Calls>) -> Call {
        let place = Place { route: "a".to_owned(), path: "/v1".to_owned(), query: None };
        calls.begin(&place)
    }

    #[test]
    fn only_the_newest_are_remembered_and_their_numbers_rise() {
        let calls = calls();
        let first = begin(&calls);
        for _ in 0..limits::CALLS + 3 {
            begin(&calls).end(None, Said::default());
        }
        let kept = calls.after(0).calls;
        assert_eq!(kept.len(), limits::CALLS);
        assert!(kept.iter().map(|call| call.n).is_sorted_by(|one, next| one < next));
        assert!(kept.iter().all(|call| call.n > first.n + 3));
        let last = kept.last().unwrap().n;
        assert_eq!(calls.after(last - 1).calls.len(), 1);
        assert!(calls.after(last).calls.is_empty());
        // One that was pushed out may still end.
        drop(first);
    }

    #[test]
    fn a_call_ends_once_and_one_that_is_dropped_was_given_up() {
        let calls = calls();
        let mut one = begin(&calls);
        one.answered(200, None);
        one.end(Some(CallError::Cut), Said::default());
        one.end(None, Said::default());
        drop(one);
        drop(begin(&calls));
        let errors: Vec<_> = calls.after(0).calls.iter().map(|call| call.error).collect();
        assert_eq!(errors, [Some(CallError::Cut), Some(CallError::HungUp)]);
    }
}
