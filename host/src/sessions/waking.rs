//! Before every start: a place under the caps, and what the guest must find.
//!
//! Owns the order: a place, the mark that a crash leaves behind, what is staged, the projection,
//! and then the engine, whose answer comes back as an event.

use schemas::{
    host_side::{Refused, RefusedKind, ensure, forget_heartbeat},
    session_file::SessionFile,
};
use tracing::error;

use super::{
    container::WorkDone,
    intake::blocking,
    lifecycle::{Event, StartFailure},
    runner::Runner,
};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    steps::Step,
    text,
};

impl Runner {
    /// Takes a place, writes what the guest must find, asks the engine.
    pub(super) async fn start(&mut self) -> Option<Event> {
        if !self.engine_asked {
            self.notice(&text::waiting());
            return Some(Event::StartFailed(StartFailure::EngineAway));
        }
        // What an earlier container left in the middle, as far as it was seen.
        self.settle_broken_off();
        if self.place.is_none() {
            match self.context.places.take(self.facts.place()) {
                Ok(place) => self.place = Some(place),
                Err(waits) => {
                    // An idle container that gives way does so before anybody would wonder.
                    if !waits.soon {
                        self.notice(&text::waiting());
                    }
                    let place = waits.place;
                    self.beside(
                        async move { place.await.map_or(WorkDone::Nothing, WorkDone::Slot) },
                    );
                    return Some(Event::NoSlot);
                }
            }
        }
        match self.prepare_wake().await {
            Ok(None) => {}
            Ok(Some(refused)) => {
                self.place = None;
                self.set_aside(&refused).await;
                return Some(Event::Hostile);
            }
            Err(failure) => {
                self.place = None;
                self.tell_unprepared(&failure);
                // No try is burnt: the disk is to blame, and it is tried until it can be written.
                return Some(Event::StartFailed(StartFailure::Transient));
            }
        }
        self.watch_guest();
        self.last_seen = self.context.clock.now();
        self.last_active = self.last_seen;
        let (engine, request) =
            (self.context.engine.clone(), self.facts.start_request(&self.context));
        let steps = self.context.steps.clone();
        steps.reached(Step::WakePrepared);
        self.beside(async move {
            let started = engine.start(&request).await;
            if started.is_ok() {
                steps.reached(Step::ContainerStarted);
            }
            WorkDone::Started(started)
        });
        None
    }

    /// It is tried again and again, yet said once.
    fn tell_unprepared(&mut self, failure: &HostError) {
        let why = failure.chain();
        if self.notice_shown().as_ref() != Some(&why) {
            error!(error = why, hint = failure.hint_text(), "cannot prepare the session's folder");
            self.notice(&text::disk_trouble());
            self.show(Some(why));
        }
    }

    /// Routing and destinations are written anew before every wake, so that a change applies.
    /// Answers what a guest that went bad left in the way.
    async fn prepare_wake(&mut self) -> Result<Option<Refused>> {
        // A host that dies from here on must find that this session has a container.
        self.mark().await?;
        if !self.staged.is_empty() {
            // Above all the tries that were raised: a guest that does not see them works for
            // nothing.
            self.commit(Vec::new()).await.map_err(|failure| failure.for_people())?;
        }
        let request = self.facts.start_request(&self.context);
        let (dir, writer, projection) = (self.dir.clone(), self.writer.clone(), self.projection());
        let refused = blocking(move || {
            std::fs::create_dir_all(&request.socket_dir).map_err(folder_error)?;
            ensure(&dir).map_err(folder_error)?;
            match forget_heartbeat(&dir) {
                Ok(()) => {}
                Err(refused) if refused.kind == RefusedKind::Io => {
                    return Err(folder_error(refused));
                }
                Err(refused) => return Ok(Some(refused)),
            }
            projection.save(&dir).map_err(folder_error)?;
            writer.write(|tx| projection.fold(tx))?;
            Ok(None)
        })
        .await?;
        if refused.is_none() {
            self.open_models()?;
        }
        self.context.bells.wrote(&self.dir);
        Ok(refused)
    }

    pub(super) fn session_file(&self) -> SessionFile {
        let agent = &self.facts.agent.agent;
        let told = self.facts.told();
        SessionFile {
            agent_name: agent.name.clone(),
            max_messages_per_prompt: limits::MESSAGES_PER_PROMPT,
            time_zone: self.context.time_zone.clone(),
            system_prompt: told.system_prompt,
            model: told.model,
            fallbacks: agent.fallbacks.clone(),
            after_side_effects: agent.after_side_effects,
            work_dir: told.work_dir,
            models: self.models_of(),
            ..SessionFile::new(self.facts.record.id.clone(), agent.id.clone(), &agent.provider)
        }
    }
}

fn folder_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HostError {
    HostError::new(ErrorKind::Storage, "cannot write the session's folder")
        .because(error)
        .hint(text::CHECK_THE_HOME)
}
