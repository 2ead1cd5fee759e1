//! Containers that are there already: left by an earlier host, or started by a call whose answer was
//! lost.
//!
//! Owns what the engine's word about a session is worth. It may be older than what the session
//! knows by itself, so it never ends what started after it was given, and never revives what ended.

use tokio::time::Instant;
use tracing::info;

use super::{
    lifecycle::{Event, State},
    runner::{Exiting, Runner},
};
use crate::engine::LiveContainer;

impl Runner {
    /// Takes over what an earlier host left, and looks at what was written meanwhile.
    pub(super) async fn begin(&mut self, live: Option<LiveContainer>) {
        match live {
            Some(live) if live.running => self.adopt(live).await,
            Some(live) => self.remove(live.container),
            None => {}
        }
    }

    /// The engine is back: what it knows of this session decides whether the container lives.
    pub(super) async fn on_engine_back(&mut self, live: Option<LiveContainer>, asked: Instant) {
        self.engine_asked = true;
        if let Some(dead) = live.as_ref().filter(|live| !live.running)
            && self.container.as_ref() != Some(&dead.container)
        {
            // Its removal was not heard.
            self.remove(dead.container.clone());
        }
        let live = live.filter(|live| live.running);
        match (self.container.clone(), live) {
            (Some(ours), live) => {
                let lives = live.is_some_and(|live| live.container == ours);
                if !lives && self.started_at < asked {
                    self.on_exited(ours, "it ended while the engine was away");
                }
            }
            (None, Some(live)) if self.may_adopt(&live) => self.adopt(live).await,
            (None, Some(_) | None) => {}
        }
        self.drive(Event::EngineBack).await;
    }

    /// Whether a container that lives is one that nobody here knows of.
    fn may_adopt(&self, live: &LiveContainer) -> bool {
        let between = match self.state {
            // A start under way reports its container itself.
            State::Starting | State::Awake | State::Stopping => false,
            State::Asleep
            | State::Waiting(_)
            | State::Backoff
            | State::Failed
            | State::SetAside => true,
        };
        between && self.exiting == Exiting::No && self.gone.as_ref() != Some(&live.container)
    }

    async fn adopt(&mut self, live: LiveContainer) {
        info!(container = %live.container.0, "container adopted");
        self.container = Some(live.container);
        self.started_at = Instant::now();
        // It runs already, so it counts even past the cap.
        self.place = Some(self.context.places.adopt(self.facts.place()));
        if self.state == State::SetAside {
            // What made an operator's decision necessary does not go on meanwhile.
            self.kill();
            return;
        }
        self.last_active = self.context.clock.now();
        self.last_seen = self.last_active;
        self.timer = None;
        self.state = State::Awake;
        self.watch_guest();
        self.reopen_models();
        self.show(None);
        // A change may have been made that the earlier host did not live to show.
        self.staged.projection = Some(self.projection());
        if self.facts.record.archived {
            self.drive(Event::Stop).await;
        }
        if !live.current {
            // It speaks another contract: it ends after its claims are given back.
            self.drive(Event::Stop).await;
        }
    }
}
