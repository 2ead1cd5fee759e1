//! What the engine tells by itself: ends of containers, and its own coming and going. Looks
//! nothing up: all that an event needs is in the engine's message.

use std::{collections::HashMap, time::Duration};

use bollard::{models::EventMessage, query_parameters::EventsOptions};
use futures_util::StreamExt;
use schemas::ids::SessionId;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{DockerEngine, connect::Connection, fault, run};
use crate::{
    engine::{ContainerId, EngineError, EngineEvent, spec::LABEL_SESSION},
    limits,
};

/// Exit code of a process that was killed.
const KILLED: i64 = 137;

/// Sends events until the receiver is dropped; see the port.
pub(super) async fn watch(engine: &DockerEngine, events: &mpsc::Sender<EngineEvent>) {
    let mut watcher = Watcher::default();
    let mut pause = limits::RECONNECT_FIRST;
    loop {
        let began = Instant::now();
        let lost = tokio::select! {
            // The receiver first: once it is gone there is nobody to tell.
            biased;
            () = events.closed() => return,
            lost = watcher.follow(engine, events) => lost,
        };
        // Whoever asks meanwhile shall not be answered from what was known before.
        engine.forget().await;
        pause = next_pause(pause, began.elapsed());
        if !watcher.announced_lost {
            watcher.announced_lost = true;
            if events.send(lost).await.is_err() {
                return;
            }
        }
        tokio::select! {
            biased;
            () = events.closed() => return,
            () = sleep(pause) => {}
        }
    }
}

/// A connection that lived for a while was a good one: begin again with short pauses.
fn next_pause(last: Duration, lived: Duration) -> Duration {
    if lived >= limits::RECONNECT_MAX {
        limits::RECONNECT_FIRST
    } else {
        (last * 2).min(limits::RECONNECT_MAX)
    }
}

#[derive(Default)]
struct Watcher {
    announced_lost: bool,
    /// The engine's time from which on events are still to be told, in its own notation.
    position: Option<String>,
    /// When the kernel last ended something for its memory, by container, until they end.
    out_of_memory: HashMap<String, i64>,
}

impl Watcher {
    /// Follows one connection to its end; answers with the loss.
    async fn follow(
        &mut self,
        engine: &DockerEngine,
        events: &mpsc::Sender<EngineEvent>,
    ) -> EngineEvent {
        let connection = match engine.fresh_connection().await {
            Ok(connection) => connection,
            Err(error) => return lost(&error),
        };
        if self.position.is_none() {
            self.position.clone_from(&connection.since);
        }
        let mut messages = std::pin::pin!(subscribe(engine, &connection, self.position.clone()));
        // The subscription asks for all since the last message, or since we first connected, so
        // nothing can fall between this word and the first message.
        self.announced_lost = false;
        if events.send(EngineEvent::Back).await.is_err() {
            return closed("nobody listens");
        }
        loop {
            let message = tokio::select! {
                // Messages first: a doubt must not hide what has been told already.
                biased;
                message = messages.next() => message,
                () = engine.doubted.notified() => {
                    match dispel(&connection, events).await {
                        Ok(()) => continue,
                        Err(lost) => return lost,
                    }
                }
            };
            let event = match message {
                Some(Ok(message)) => {
                    if let Some(position) = message.time_nano.and_then(just_after) {
                        self.position = Some(position);
                    }
                    self.read(message)
                }
                Some(Err(error)) => {
                    return lost(&fault::failed("follow the engine's events", error));
                }
                None => return closed("the engine closed its events"),
            };
            if let Some(event) = event
                && events.send(event).await.is_err()
            {
                return closed("nobody listens");
            }
        }
    }

    /// What a message means to us, if anything.
    fn read(&mut self, message: EventMessage) -> Option<EngineEvent> {
        let (actor, at) = (message.actor?, message.time_nano.unwrap_or_default());
        let (id, facts) = (actor.id?, actor.attributes?);
        match message.action.as_deref() {
            Some("oom") => {
                if self.out_of_memory.len() < limits::REMEMBERED_OUT_OF_MEMORY {
                    self.out_of_memory.insert(id, at);
                }
                None
            }
            // Podman's word is "died" in some versions.
            Some("die" | "died") => {
                let recent = self.out_of_memory.remove(&id).is_some_and(|then| {
                    let since = u64::try_from(at.saturating_sub(then)).unwrap_or_default();
                    Duration::from_nanos(since) <= limits::OUT_OF_MEMORY_IS_RECENT
                });
                let code = exit_code(&facts);
                let session = SessionId::parse(facts.get(LABEL_SESSION)?).ok()?;
                Some(EngineEvent::Exited {
                    session,
                    container: ContainerId(id),
                    code,
                    // A tool that was ended long ago is not why this container ends now.
                    out_of_memory: recent && code == KILLED,
                })
            }
            Some(_) | None => None,
        }
    }
}

/// Somebody's call found the engine away while its events still flow: whoever waits for `Back` now
/// gets it, or learns that the loss is real.
async fn dispel(
    connection: &Connection,
    events: &mpsc::Sender<EngineEvent>,
) -> Result<(), EngineEvent> {
    connection
        .docker
        .ping()
        .await
        .map_err(|error| lost(&fault::failed("reach the engine", error)))?;
    events.send(EngineEvent::Back).await.map_err(|_| closed("nobody listens"))
}

fn lost(error: &EngineError) -> EngineEvent {
    EngineEvent::Lost { reason: fault::line(error), hint: error.hint.clone() }
}

fn closed(reason: &str) -> EngineEvent {
    EngineEvent::Lost { reason: reason.to_owned(), hint: None }
}

/// The moment after a message, as the engine takes it.
fn just_after(nanoseconds: i64) -> Option<String> {
    let after = u64::try_from(nanoseconds).ok()?.checked_add(1)?;
    Some(format!("{}.{:09}", after / 1_000_000_000, after % 1_000_000_000))
}

fn subscribe(
    engine: &DockerEngine,
    connection: &Connection,
    since: Option<String>,
) -> impl futures_util::Stream<Item = Result<EventMessage, bollard::errors::Error>> + use<> {
    let mut filters = run::label_filter(engine.install.install.as_str());
    filters.insert("type".into(), vec!["container".into()]);
    // Not by event: engines disagree about the names, and there are few others.
    let options = EventsOptions { since, until: None, filters: Some(filters) };
    connection.docker.events(Some(options))
}

/// Docker's name for it, then Podman's. One that is missing counts as a crash.
fn exit_code(facts: &HashMap<String, String>) -> i64 {
    ["exitCode", "containerExitCode"]
        .into_iter()
        .find_map(|name| facts.get(name)?.parse().ok())
        .unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;
    use crate::engine::fixtures;

    fn message(second: i64, action: &str, code: &str) -> EventMessage {
        let session = fixtures::request().session.to_string();
        EventMessage {
            action: Some(action.into()),
            time_nano: Some(second * 1_000_000_000),
            actor: Some(EventActor {
                id: Some("c1".into()),
                attributes: Some(HashMap::from([
                    (LABEL_SESSION.to_owned(), session),
                    ("exitCode".to_owned(), code.to_owned()),
                ])),
            }),
            ..Default::default()
        }
    }

    /// Feeds messages, as (second, action, code), and shows the exits as (code, out of memory).
    fn exits(messages: &[(i64, &str, &str)]) -> Vec<(i64, bool)> {
        let mut watcher = Watcher::default();
        messages
            .iter()
            .filter_map(|(second, action, code)| watcher.read(message(*second, action, code)))
            .map(|event| match event {
                EngineEvent::Exited { code, out_of_memory, .. } => (code, out_of_memory),
                EngineEvent::Lost { .. } | EngineEvent::Back => panic!("not an exit"),
            })
            .collect()
    }

    #[test]
    fn an_end_is_told_with_its_code_and_other_news_are_not() {
        assert_eq!(exits(&[(1, "create", ""), (2, "start", ""), (3, "die", "3")]), [(3, false)]);
        assert_eq!(exits(&[(1, "died", "0")]), [(0, false)]);
        assert_eq!(exits(&[(1, "die", "what?")]), [(-1, false)]);
    }

    #[test]
    fn out_of_memory_is_told_only_of_a_container_that_was_killed_by_it() {
        assert_eq!(exits(&[(1, "oom", ""), (2, "die", "137")]), [(137, true)]);
        assert_eq!(exits(&[(1, "oom", ""), (2, "die", "0")]), [(0, false)]);
        assert_eq!(exits(&[(1, "oom", ""), (900, "die", "137")]), [(137, false)]);
        let twice = exits(&[(1, "oom", ""), (2, "die", "137"), (3, "die", "137")]);
        assert_eq!(twice, [(137, true), (137, false)]);
    }

    #[test]
    fn the_next_question_begins_right_after_the_last_message() {
        assert_eq!(just_after(1_999_999_999).as_deref(), Some("2.000000000"));
        assert_eq!(just_after(1_000_000_041).as_deref(), Some("1.000000042"));
        assert_eq!(just_after(-1), None);
    }

    #[test]
    fn pauses_grow_to_a_bound_and_begin_again_after_a_good_connection() {
        let first = limits::RECONNECT_FIRST;
        assert_eq!(next_pause(first, Duration::ZERO), first * 2);
        assert_eq!(next_pause(limits::RECONNECT_MAX, Duration::ZERO), limits::RECONNECT_MAX);
        assert_eq!(next_pause(limits::RECONNECT_MAX, limits::RECONNECT_MAX), first);
    }
}
